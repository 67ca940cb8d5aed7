"""Forms that are answered by a page, since no other one can show what came of them: a secret. Sent again, as by a reload,
they do nothing."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TypeVar

from marshmallow import fields
from marshmallow.validate import Regexp

from stripe_bridge.adapters.console.routes import Visit
from stripe_bridge.adapters.web.schemas.fields import RequestSchema
from stripe_bridge.domain.idempotency import RequestScope, StoredResponse

Outcome = TypeVar("Outcome")

SENT_BEFORE = "This form was already sent, so nothing was done again."
# That it was done is all that is kept: the page had a secret.
_DONE = StoredResponse(status=200, content_type="text/html", body=b"")
_NOT_DONE = StoredResponse(status=500, content_type="text/html", body=b"")


class OneUseForm(RequestSchema):
    """`form_key` is what `new_form_key` gave the page that has the form."""

    form_key = fields.String(required=True, validate=Regexp(r"[0-9a-f]{32}\Z"))


def new_form_key() -> str:
    return secrets.token_hex(16)


def act_once(visit: Visit, form_key: str, act: Callable[[], Outcome]) -> Outcome | None:
    """What comes of the act; None if the form was sent before. One that failed may be sent again.

    Raises RequestStillRunning while the first one runs.
    """
    access = visit.bridge.access
    scope = RequestScope(
        token_id=visit.principal.token_id, method=visit.route.method, path=visit.route.path, key=form_key
    )
    begun = access.begin_request(scope, body_hash="")
    if isinstance(begun, StoredResponse):
        return None
    try:
        outcome = act()
    except Exception:
        access.finish_request(begun, _NOT_DONE)
        raise
    access.finish_request(begun, _DONE)
    return outcome
