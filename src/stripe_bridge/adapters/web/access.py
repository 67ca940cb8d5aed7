"""Who may come in: bearer tokens, permissions and rate limits, before anything of a request is read."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from math import ceil

from flask import Flask, g, request
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter
from structlog.contextvars import bind_contextvars
from werkzeug.exceptions import NotFound

from stripe_bridge.adapters.web.operations import Operation
from stripe_bridge.adapters.web.problems import TooManyAttempts
from stripe_bridge.domain.access import Principal
from stripe_bridge.domain.errors import Unauthenticated
from stripe_bridge.use_cases.granting import Authenticate

_log = logging.getLogger(__name__)
OVERALL = "1000/minute"
# A storage that hangs must not hold up every request.
_STORAGE = {"socket_connect_timeout": 0.25, "socket_timeout": 0.25}


class RateLimits:
    """Moving windows per token, shared by all who have the same storage."""

    def __init__(self, storage_uri: str) -> None:
        storage = storage_from_string(storage_uri, wrap_exceptions=True, **_STORAGE)
        if not isinstance(storage, Storage):
            raise TypeError("The storage of rate limits has to be a synchronous one.")
        self._limiter = MovingWindowRateLimiter(storage)

    def count(self, limit: str, *key: str) -> None:
        """Raises TooManyAttempts. Without its storage nothing is limited: a limit must not take the service down."""
        item = parse(limit)
        try:
            if not self._limiter.hit(item, *key):
                raise TooManyAttempts(limit=item.amount, retry_after=self._wait(item, *key))
        except StorageError as error:
            _log.warning("rate limits are not counted", extra={"reason": str(error)})

    def _wait(self, item: RateLimitItem, *key: str) -> int:
        return max(1, ceil(self._limiter.get_window_stats(item, *key).reset_time - time.time()))


def guard(
    app: Flask, operations: Mapping[str, Operation], authenticate: Authenticate, limits: RateLimits
) -> None:
    """Let only those pass who may, and put nothing where nothing can be.

    `operations` are by endpoint; what is not among them is public.
    """

    @app.before_request
    def check() -> None:
        operation = operations.get(request.endpoint or "")
        # A preflight carries no token, and reaches no view.
        if operation is None or request.method == "OPTIONS":
            return
        if operation.permission is not None:
            g.principal = principal = authenticate(bearer_token())
            bind_contextvars(tenant_id=principal.tenant_id, token_id=principal.token_id)
            _count(limits, principal, operation)
            principal.check(operation.permission)
        # Elsewhere nobody's id is found as little as any other that is not there; here it would be made.
        if operation.method == "PUT" and 0 in (request.view_args or {}).values():
            raise NotFound


def _count(limits: RateLimits, principal: Principal, operation: Operation) -> None:
    limits.count(OVERALL, principal.token_id)
    if operation.limit is not None:
        limits.count(operation.limit, principal.token_id, operation.id)


def bearer_token() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    return token.strip()
