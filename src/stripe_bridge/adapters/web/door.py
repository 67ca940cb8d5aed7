"""The way in for webhooks: a small WSGI callable before Flask, as what Flask does around a request costs more than the rest.

A webhook that is taken is answered here. One that is refused goes on to Flask with the reason in hand, to become a problem as
any other: there the operation has its place in the documentation, and raises what it is given.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.wsgi import get_input_stream

from stripe_bridge.adapters.web.exchange import HEADERS, request_id_for
from stripe_bridge.adapters.web.schemas.fields import id_in_path
from stripe_bridge.domain.webhook_event import MAX_PAYLOAD_BYTES
from stripe_bridge.ports.measurements import Measurements
from stripe_bridge.use_cases.receiving import ReceiveWebhook, ReceiveWebhookCommand

PLATFORM_ROUTE = "/api/webhooks/stripe"
ACCOUNT_ROUTE = "/api/webhooks/stripe/<id:integration_id>"
_REFUSAL = "stripe_bridge.refusal"
_ACCOUNT_PATH = re.compile(re.escape(PLATFORM_ROUTE) + "/([0-9]+)")
_ANSWER = b'{"received":true}\n'
_ANSWER_HEADERS = [
    ("Content-Type", "application/json"),
    ("Content-Length", str(len(_ANSWER))),
    *HEADERS.items(),
]

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]


class WebhookDoor:
    """Before `inner`, which gets whatever is no webhook."""

    def __init__(self, inner: Wsgi, receive: ReceiveWebhook, measurements: Measurements) -> None:
        self._inner, self._receive, self._measurements = inner, receive, measurements

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST":
            return self._inner(environ, start_response)
        path = environ.get("PATH_INFO", "")
        if path == PLATFORM_ROUTE:
            return self._take(environ, start_response, PLATFORM_ROUTE, None)
        if path.startswith(PLATFORM_ROUTE) and (own := _ACCOUNT_PATH.fullmatch(path)) is not None:
            return self._take(environ, start_response, ACCOUNT_ROUTE, id_in_path(own[1]))
        return self._inner(environ, start_response)

    def _take(
        self, environ: Environ, start_response: StartResponse, route: str, integration_id: int | None
    ) -> Iterable[bytes]:
        began_at = time.perf_counter()
        try:
            is_new = self._receive(
                ReceiveWebhookCommand(
                    payload=_read(environ),
                    signature=environ.get("HTTP_STRIPE_SIGNATURE"),
                    integration_id=integration_id,
                )
            )
        except Exception as error:
            environ[_REFUSAL] = error
            return self._inner(environ, start_response)
        self._measurements.webhook("stored" if is_new else "duplicate")
        self._measurements.request(route, "POST", 200, time.perf_counter() - began_at)
        start_response(
            "200 OK",
            [*_ANSWER_HEADERS, ("X-Request-Id", request_id_for(environ.get("HTTP_X_REQUEST_ID", "")))],
        )
        return [_ANSWER]


def refusal_of(environ: Environ) -> Exception:
    """Why the door did not take a webhook."""
    error: Exception = environ[_REFUSAL]
    return error


def _read(environ: Environ) -> bytes:
    """The bytes as they came, one too many at the most. Raises RequestEntityTooLarge for what says so itself."""
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isdecimal() and len(length) < 8 and int(length) <= MAX_PAYLOAD_BYTES:
        body: bytes = environ["wsgi.input"].read(int(length))
        return body
    return get_input_stream(environ, max_content_length=MAX_PAYLOAD_BYTES + 1).read()
