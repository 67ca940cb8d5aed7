"""The way in, in production: webhooks are taken here, in the event loop; all else is Flask's, in threads.

What Flask does around a request, and handing it from thread to thread, costs more than taking a webhook does. So it is
taken here when nothing has to be waited for but the disk. One that is refused, or whose secret has to be looked up, goes on
to Flask, where the same use case decides, and tells.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from stripe_bridge.adapters.web.exchange import HEADERS, request_id_for
from stripe_bridge.adapters.web.rsgi import HttpProtocol, Scope, Threaded, read_body
from stripe_bridge.adapters.web.schemas.fields import id_in_path
from stripe_bridge.adapters.web.views.webhooks import ACCOUNT_ROUTE, PLATFORM_ROUTE
from stripe_bridge.domain.errors import BridgeError
from stripe_bridge.domain.webhook_event import MAX_PAYLOAD_BYTES
from stripe_bridge.ports.measurements import Measurements
from stripe_bridge.use_cases.receiving import ReceiveWebhook, ReceiveWebhookCommand, SecretsNotAtHand

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_log = logging.getLogger(__name__)
_ACCOUNT_PATH = re.compile(re.escape(PLATFORM_ROUTE) + "/([0-9]+)")
_ANSWER = b'{"received":true}\n'
_ANSWER_HEADERS = [
    ("content-type", "application/json"),
    *((name.lower(), value) for name, value in HEADERS.items()),
]


class Front:
    """An RSGI application, for one event loop. `at_the_end` is called when that ends.

    Without `receive` webhooks are Flask's, too.
    """

    def __init__(
        self,
        behind: WSGIApplication,
        receive: ReceiveWebhook | None,
        measurements: Measurements,
        *,
        threads: int,
        at_the_end: Callable[[], None],
    ) -> None:
        self._behind = Threaded(behind, threads=threads)
        self._receive, self._measurements, self._at_the_end = receive, measurements, at_the_end

    async def __rsgi__(self, scope: Scope, protocol: HttpProtocol) -> None:
        began_at = time.perf_counter()
        body = await read_body(scope, protocol, most=MAX_PAYLOAD_BYTES)
        if self._receive and scope.method == "POST" and scope.path.startswith(PLATFORM_ROUTE):
            own = _ACCOUNT_PATH.fullmatch(scope.path)
            if own is not None or scope.path == PLATFORM_ROUTE:
                command = ReceiveWebhookCommand(
                    payload=body,
                    signature=scope.headers.get("stripe-signature"),
                    integration_id=None if own is None else id_in_path(own[1]),
                )
                if await _is_taken(self._receive, command):
                    self._acknowledge(scope, protocol, ACCOUNT_ROUTE if own else PLATFORM_ROUTE, began_at)
                    return
        await self._behind.answer(scope, protocol, body)

    def __rsgi_del__(self, _loop: object) -> None:
        self._behind.close()
        self._at_the_end()

    def _acknowledge(self, scope: Scope, protocol: HttpProtocol, route: str, began_at: float) -> None:
        self._measurements.request(route, "POST", HTTPStatus.OK, time.perf_counter() - began_at)
        request_id = request_id_for(scope.headers.get("x-request-id") or "")
        protocol.response_bytes(HTTPStatus.OK, [*_ANSWER_HEADERS, ("x-request-id", request_id)], _ANSWER)


async def _is_taken(receive: ReceiveWebhook, command: ReceiveWebhookCommand) -> bool:
    try:
        await receive.at_once(command)
    except (SecretsNotAtHand, BridgeError):
        return False
    except Exception:
        _log.exception("a webhook could not be taken at once")
        return False
    return True
