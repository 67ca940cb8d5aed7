"""What every request and response has: an id, a log line, and security headers for browsers."""

from __future__ import annotations

import logging
import re
import time
from random import getrandbits

from flask import Flask, Response, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars
from werkzeug.exceptions import ServiceUnavailable

from stripe_bridge.adapters.web.wsgi_in_threads import ENQUEUED_AT, SUSPENDED
from stripe_bridge.domain.origin import SERVICE
from stripe_bridge.ports.origin import act_as

_log = logging.getLogger(__name__)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
# In seconds. Clients that waited this long for a thread have mostly gone; serving them would make the next ones wait.
_MAX_QUEUE_SECONDS = 30.0
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def instrument_requests(app: Flask) -> None:
    """Has to be called before anything else is hooked in, so that what comes later has the request's id."""
    app.before_request(_begin)
    app.before_request(_refuse_late)
    app.after_request(_end)
    app.teardown_request(_clear_context)


def request_id_for(given: str) -> str:
    """The caller's own if it is usable, otherwise a new one."""
    if _REQUEST_ID.fullmatch(given):
        return given
    # It only has to be unique. Asking the system for random bytes each time would show in what a webhook costs.
    return f"{getrandbits(128):032x}"


def _begin() -> None:
    g.began_at = request.environ.get(ENQUEUED_AT) or time.perf_counter()
    g.request_id = request_id_for(request.headers.get("X-Request-Id", ""))
    clear_contextvars()
    bind_contextvars(request_id=g.request_id)
    # Until it is known who asks; a thread serves one request after the other.
    act_as(SERVICE.because(request_id=g.request_id))


def _refuse_late() -> None:
    if time.perf_counter() - g.began_at > _MAX_QUEUE_SECONDS:
        raise ServiceUnavailable(retry_after=5)


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    for name, value in HEADERS.items():
        if name != "X-Frame-Options" or not g.get("is_framed", False):
            response.headers.setdefault(name, value)
    if SUSPENDED in request.environ:
        return response
    # The route and not the path, and never the query: that of an OAuth callback contains secrets.
    _log.info(
        "request",
        extra={
            "method": request.method,
            "route": request.url_rule.rule if request.url_rule else None,
            "status": response.status_code,
            "ms": round((time.perf_counter() - g.began_at) * 1000, 1),
        },
    )
    return response


def _clear_context(_error: BaseException | None) -> None:
    # Threads are reused, and their context with them.
    clear_contextvars()
