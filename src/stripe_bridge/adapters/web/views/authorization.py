"""Where Stripe sends the merchant's browser back to."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import flask
from flask import Response, current_app, make_response, redirect, render_template
from werkzeug.exceptions import ServiceUnavailable

from stripe_bridge.adapters.web.endpoints import ApiRequest, operation
from stripe_bridge.adapters.web.schemas.service import CallbackQuery
from stripe_bridge.domain.integration import AuthorizationFailure
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from stripe_bridge.use_cases.integrations.connect import (
    AuthorizationOutcome,
    AuthorizationStatus,
    CallbackCommand,
)

_WORDS = {
    AuthorizationStatus.CONNECTED: ("✓", "Stripe is connected", "You can continue in your ERP."),
    AuthorizationStatus.CONFIRM: (
        "?",
        "Stripe is not connected yet",
        "Confirm it in the ERP within four minutes. Do not confirm an integration that you do not recognize.",
    ),
    AuthorizationStatus.DENIED: (
        "×",
        "Stripe was not connected",
        "You did not grant access. Nothing was changed.",
    ),
    AuthorizationStatus.FAILED: ("!", "Stripe could not be connected", "Please start again from your ERP."),
}
_REASONS = ", ".join(f"`{reason.value}`" for reason in AuthorizationFailure)
# Nothing but text, links and the styles that all pages share.
_PAGE_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'"
_HTML = {"text/html": {"schema": {"type": "string"}}}


@operation(
    "GET",
    "/api/stripe/oauth/callback",
    permission=None,
    query=CallbackQuery,
    answers={200: None, 302: None, 400: None},
    problems=(StoreUnavailable, ServiceUnavailable),
    documented={
        "responses": {
            "200": {
                "description": "`connected`, `confirm` or `denied`, as a page, when there is no return URL",
                "content": _HTML,
            },
            "302": {
                "description": "To the return URL, with `status`, and with `integration_instance_id`, `reason` and "
                "`confirmation` where there is one. "
                f"Reasons of `failed`: {_REASONS}",
                "headers": {"Location": {"schema": {"type": "string", "format": "uri"}}},
            },
            "400": {"description": "`failed`, as a page, when there is no return URL", "content": _HTML},
        }
    },
)
def complete_authorization(request: ApiRequest) -> Any:
    """OAuth Callback

    Where Stripe sends the merchant's browser. The credential is `state`, which works once, within ten minutes.
    """
    if flask.request.method == "HEAD":
        # Link scanners ask before people do: they must not use up the state.
        return Response()
    # A form sends an empty value for nothing.
    given = {name: request.query.get(name) or None for name in ("state", "code", "error")}
    outcome = request.bridge.integrations.complete_authorization(CallbackCommand(**given))
    return_url = current_app.config["OAUTH_RETURN_URL"]
    return _page(outcome) if return_url is None else redirect(_with_outcome(return_url, outcome), 302)


CALLBACK = (complete_authorization,)


def _with_outcome(return_url: str, outcome: AuthorizationOutcome) -> str:
    outcome_fields = {
        "integration_instance_id": outcome.integration_id,
        "status": outcome.status.value,
        "reason": outcome.reason and outcome.reason.value,
        "confirmation": outcome.pending and outcome.pending.confirmation,
    }
    parts = urlsplit(return_url)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in outcome_fields]
    query = urlencode(
        [*kept, *((name, value) for name, value in outcome_fields.items() if value is not None)]
    )
    return parts._replace(query=query).geturl()


def _page(outcome: AuthorizationOutcome) -> Response:
    mark, heading, explanation = _WORDS[outcome.status]
    page = make_response(
        render_template(
            "authorization.html",
            base=urlsplit(current_app.config["PUBLIC_URL"]).path,
            mark=mark,
            heading=heading,
            explanation=explanation,
            status=outcome.status.value,
            reason=outcome.reason and outcome.reason.value,
            integration=outcome.integration,
            pending=outcome.pending,
            back=current_app.config["FRONT_END"],
        ),
        400 if outcome.status is AuthorizationStatus.FAILED else 200,
    )
    page.headers["Content-Security-Policy"] = _PAGE_POLICY
    return page
