"""Who may see and do what in the console: the session, its tenant and role, and the token of every form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flask import g, redirect, request
from structlog.contextvars import bind_contextvars
from werkzeug.wrappers import Response as AnyResponse

from stripe_bridge.adapters.console.cookies import (
    browser_secret,
    is_csrf_token,
    secret_in,
)
from stripe_bridge.adapters.console.links import ROOT, link
from stripe_bridge.adapters.console.routes import Route, Scope, Visit
from stripe_bridge.adapters.web.auth import RateLimits
from stripe_bridge.adapters.web.known_credentials import note_credential
from stripe_bridge.bridge import Bridge
from stripe_bridge.domain.console_session import ConsoleSession
from stripe_bridge.domain.errors.base import (
    BridgeError,
    Forbidden,
    FormForeign,
    TenantNotFound,
    Unauthenticated,
)
from stripe_bridge.domain.origin import Origin
from stripe_bridge.ports.origin import act_as
from stripe_bridge.use_cases.access import Access

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

CSRF_FIELD = "csrf"
_OVERALL = "1000/minute"
# Forms of the console are small.
MAX_FORM_BYTES = 64 * 1024
_SIGN_IN = f"{ROOT}/sign-in"


class TenantNotChosen(Exception):
    """An operator asks for a page that is about one tenant, without saying which."""


def admit(bridge: Bridge, routes: Mapping[str, Route], limits: RateLimits) -> AnyResponse | None:
    """Let in only those who may come in; `routes` are by endpoint, and what is not among them looks after itself.

    A page is asked for once more after signing in; a form is not.
    """
    request.max_content_length = MAX_FORM_BYTES
    route = routes.get(request.endpoint or "")
    if route is None:
        return None
    try:
        session = bridge.access.authenticate_console(browser_secret())
    except Unauthenticated:
        note_credential(request.environ, is_good=False)
        if request.method == "POST":
            raise
        return redirect(link("/sign-in", next=request.full_path.rstrip("?")))
    note_credential(request.environ, is_good=True)
    _act(session, route)
    limits.count(*_limits(session, route))
    if request.method == "POST":
        check_form()
    g.visit = Visit(bridge=bridge, session=session, route=route, tenant_id=_tenant_of(session, bridge.access))
    _check_permission(g.visit)
    if g.visit.tenant_id is None and route.scope is Scope.ONE_TENANT:
        raise TenantNotChosen
    return None


def check_form() -> None:
    """Raises FormForeign unless this browser got the form from us, in this session."""
    if not is_csrf_token(request.form.get(CSRF_FIELD, ""), browser_secret()):
        raise FormForeign


def _act(session: ConsoleSession, route: Route) -> None:
    bind_contextvars(console_session_id=session.id)
    actor = session.principal_for(session.tenant_id or "").actor
    cause: dict[str, str | int] = {
        "request_id": g.request_id,
        "operation": route.id,
        "console_session_id": session.id,
    }
    act_as(Origin(actor=actor, cause=cause))


def _tenant_of(session: ConsoleSession, access: Access) -> str | None:
    """Raises TenantNotFound for one that is not the person's, as for one that does not exist."""
    asked = request.args.get("tenant")
    if session.is_operator:
        if asked:
            access.check_tenant(asked)
        return asked or None
    if asked and asked != session.tenant_id:
        raise TenantNotFound
    return session.tenant_id


def _check_permission(visit: Visit) -> None:
    if visit.may(visit.route.permission):
        return
    if visit.tenant_id is not None:
        visit.bridge.access.record_denial(
            visit.principal, visit.route.permission, visit.route.id, request.path
        )
    raise Forbidden


def _limits(session: ConsoleSession, route: Route) -> list[tuple[str, tuple[str, ...]]]:
    who = f"console:{session.id}"
    own = [] if route.limit is None else [(route.limit, (who, route.counts_as or route.id))]
    return [(_OVERALL, (who,)), *own]


class WantsForm:
    """Whether to read a request's body, by its head: a form of somebody who is signed in, or is about to be."""

    def __init__(self, access: Access, public_url: str) -> None:
        self._access, self._public_url = access, public_url

    def __call__(self, environ: WSGIEnvironment) -> bool:
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] != "POST" or not path.startswith(f"{ROOT}/"):
            return False
        if path == _SIGN_IN:
            return True
        try:
            self._access.authenticate_console(secret_in(environ.get("HTTP_COOKIE", ""), self._public_url))
        except BridgeError:
            # Whatever it is, it is answered where all errors are.
            return False
        return True
