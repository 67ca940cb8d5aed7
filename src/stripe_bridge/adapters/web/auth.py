"""Who may come in: bearer tokens, permissions and rate limits, before a request's body is read."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from functools import cache
from math import ceil
from typing import TYPE_CHECKING

from flask import Flask, g, request
from limits import parse
from limits.errors import StorageError
from structlog.contextvars import bind_contextvars
from werkzeug.exceptions import HTTPException, NotFound

from stripe_bridge.adapters.rate_limits import MovingWindows, Window
from stripe_bridge.adapters.web.client_addresses import ClientAddresses
from stripe_bridge.adapters.web.endpoints import Credential, Operation
from stripe_bridge.adapters.web.known_credentials import note_credential
from stripe_bridge.adapters.web.panel_origins import check_page
from stripe_bridge.adapters.web.problems import TooManyAttempts
from stripe_bridge.adapters.web.wsgi_in_threads import RESUMED
from stripe_bridge.domain.access import Principal
from stripe_bridge.domain.errors.base import Forbidden, Unauthenticated
from stripe_bridge.domain.origin import Origin
from stripe_bridge.ports.origin import act_as
from stripe_bridge.use_cases.access import Access

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_log = logging.getLogger(__name__)
OVERALL = "1000/minute"
PANEL = "120/minute"
FAILURES = "300/minute"
# The key in a request's environ for what authenticating by its head led to: a Principal, or what was raised.
_AUTHENTICATED = "stripe_bridge.authenticated"
# In seconds. A storage that hangs must not hold up every request.
_TIMEOUT = 0.25


class RateLimits:
    """Moving windows per token, shared by all processes with the same storage."""

    def __init__(self, storage_uri: str) -> None:
        self._windows = MovingWindows(storage_uri, timeout=_TIMEOUT)

    def count(self, *limits: tuple[str, tuple[str, ...]]) -> None:
        """Count in each of these limits (how many in what time, and whose), up to the first that is full.

        Raises TooManyAttempts. If the storage is unavailable nothing is limited: a limit must not take the service down.
        """
        try:
            full = self._windows.hit_each(*(Window(_item(limit), name) for limit, name in limits))
            if full is not None:
                wait = max(1, ceil(self._windows.resets_in(full)))
                raise TooManyAttempts(limit=full.item.amount, retry_after=wait)
        except StorageError as error:
            _log.warning("rate limits are not counted", extra={"reason": str(error)})


_item = cache(parse)


def authenticate_requests(
    app: Flask,
    operations: Mapping[str, Operation],
    access: Access,
    limits: RateLimits,
    addresses: ClientAddresses,
) -> None:
    """Let in only those who may come in, and refuse to create anything under an impossible id.

    `operations` are by endpoint; endpoints that are not among them are public.
    """

    @app.before_request
    def check() -> None:
        operation = operations.get(request.endpoint or "")
        # A preflight carries no token, and reaches no view.
        if operation is None or request.method == "OPTIONS":
            return
        if operation.permission is not None:
            try:
                g.principal = principal = _principal(authenticator_of(access, operation))
            except Unauthenticated:
                note_credential(request.environ, is_good=False)
                _count_failure(limits, addresses)
                raise
            note_credential(request.environ, is_good=True)
            bind_contextvars(tenant_id=principal.tenant_id, token_id=principal.token_id)
            act_as(_origin(principal, operation))
            if principal.panel is not None:
                check_page(principal.panel)
            if RESUMED not in request.environ:
                _count(limits, principal, operation)
            try:
                principal.check(operation.permission)
            except Forbidden:
                access.record_denial(principal, operation.permission, operation.id, request.path)
                raise
        # 0 stands for an impossible id. Other operations will not find it; a PUT would create it.
        if operation.method == "PUT" and 0 in (request.view_args or {}).values():
            raise NotFound


class AuthenticateHead:
    """Whether to read a request's body: authenticates the caller by the head. What it finds counts for the whole request.

    `operations` are by endpoint. Without one there is nothing that would read a body.
    """

    def __init__(self, app: Flask, operations: Mapping[str, Operation], access: Access) -> None:
        self._urls = app.url_map.bind("")
        self._operations, self._access = operations, access

    def __call__(self, environ: WSGIEnvironment) -> bool:
        operation = self._find_operation(environ)
        if operation is None or operation.permission is None or operation.method != environ["REQUEST_METHOD"]:
            return False
        try:
            authenticate = authenticator_of(self._access, operation)
            principal = authenticate(_bearer_token(environ.get("HTTP_AUTHORIZATION", "")))
        except Exception as error:
            # Whatever it is, it is answered where all errors are. The request must not get in without its body.
            environ[_AUTHENTICATED] = error
            return False
        environ[_AUTHENTICATED] = principal
        return operation.permission in principal.permissions

    def _find_operation(self, environ: WSGIEnvironment) -> Operation | None:
        path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
        try:
            endpoint, _ = self._urls.match(path, method=environ["REQUEST_METHOD"])
        except HTTPException:
            return None
        return self._operations.get(endpoint)


def authenticator_of(access: Access, operation: Operation) -> Callable[[str], Principal]:
    """What a panel session opens, no token does, and the other way round."""
    if operation.credential is Credential.PANEL_SESSION:
        return access.authenticate_panel_session
    return access.authenticate


def _origin(principal: Principal, operation: Operation) -> Origin:
    cause: dict[str, str | int] = {"request_id": g.request_id, "operation": operation.id}
    key = request.headers.get("Idempotency-Key")
    if key:
        # The caller's, which may say something about a person.
        cause["idempotency_key_sha256"] = hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()
    if principal.panel is not None:
        cause["panel_session_id"] = principal.panel.session_id
    return Origin(actor=principal.actor, cause=cause)


def _principal(authenticate: Callable[[str], Principal]) -> Principal:
    # The frames in an error's traceback have the environ, and this frame is one of them. Kept in either, the error and all of
    # its request would be left to the garbage collector, which stops everything for as long as it takes.
    known: Principal | Exception | None = request.environ.pop(_AUTHENTICATED, None)
    if isinstance(known, Exception):
        try:
            raise known
        finally:
            del known
    return known or authenticate(bearer_token())


def _count(limits: RateLimits, principal: Principal, operation: Operation) -> None:
    panel = principal.panel
    overall = (OVERALL, (principal.token_id,)) if panel is None else (PANEL, ("panel", str(panel.session_id)))
    counted: list[tuple[str, tuple[str, ...]]] = [overall]
    if operation.limit is not None:
        counted.append((operation.limit, (principal.token_id, operation.counts_as or operation.id)))
    limits.count(*counted)


def _count_failure(limits: RateLimits, addresses: ClientAddresses) -> None:
    """Raises TooManyAttempts. A good credential is never refused, wherever it comes from: only failures are counted."""
    header = request.headers.get("Authorization", "")
    if not header:
        return
    address = addresses.find(request.remote_addr or "", request.headers.get("X-Forwarded-For", ""))
    # Otherwise by the credential, in so many windows that they fit into memory.
    digest = hashlib.sha256(header.encode(errors="surrogateescape")).hexdigest()
    who = ("address", address) if address is not None else ("credential", digest[:4])
    limits.count((FAILURES, ("failed", *who)))


def bearer_token() -> str:
    """Raises Unauthenticated."""
    return _bearer_token(request.headers.get("Authorization", ""))


def _bearer_token(header: str) -> str:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    return token.strip()
