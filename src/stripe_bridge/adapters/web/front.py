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

from stripe_bridge.adapters.web.asgi import Receive, Scope, Send, Threaded
from stripe_bridge.adapters.web.schemas.fields import id_in_path
from stripe_bridge.adapters.web.views.webhooks import ACCOUNT_ROUTE, PLATFORM_ROUTE
from stripe_bridge.domain.errors import BridgeError
from stripe_bridge.domain.webhook_event import MAX_PAYLOAD_BYTES
from stripe_bridge.ports.measurements import Measurements
from stripe_bridge.use_cases.receiving import ReceiveWebhook, ReceiveWebhookCommand, SecretsNotAtHand

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_log = logging.getLogger(__name__)
_PATH = re.compile(re.escape(PLATFORM_ROUTE.encode()) + b"(?:/([0-9]+))?")
STATE = "front"
"""Under this name of ASGI's lifespan state the server's protocol finds it."""


class Front:
    """An ASGI application, for one event loop. `at_the_end` is called when that ends.

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
        self._behind = Threaded(behind, threads=threads, most=MAX_PAYLOAD_BYTES)
        self._receive, self._measurements, self._at_the_end = receive, measurements, at_the_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            await self._behind(scope, receive, send)

    def is_webhook(self, method: bytes, target: bytes) -> bool:
        """Whether `take` may be asked."""
        return self._receive is not None and method == b"POST" and _PATH.fullmatch(target) is not None

    async def take(self, target: bytes, payload: bytes, signature: str | None) -> bool:
        """Whether the webhook is stored, and so may be acknowledged. If not, nothing is said against it: Flask decides."""
        began_at = time.perf_counter()
        path = _PATH.fullmatch(target)
        if self._receive is None or path is None:
            return False
        integration_id = None if path[1] is None else id_in_path(path[1].decode())
        try:
            await self._receive.at_once(
                ReceiveWebhookCommand(payload=payload, signature=signature, integration_id=integration_id)
            )
        except (SecretsNotAtHand, BridgeError):
            return False
        except Exception:
            _log.exception("a webhook could not be taken at once")
            return False
        route = PLATFORM_ROUTE if path[1] is None else ACCOUNT_ROUTE
        self._measurements.request(route, "POST", HTTPStatus.OK, time.perf_counter() - began_at)
        return True

    def close(self) -> None:
        self._behind.close()
        self._at_the_end()

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """https://asgi.readthedocs.io/en/stable/specs/lifespan.html"""
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                scope["state"][STATE] = self
                await send({"type": "lifespan.startup.complete"})
            else:
                self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return
