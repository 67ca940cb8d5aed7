"""The entrance in production: webhooks are handled here, in the event loop, and so is `/healthz`; everything else by Flask, in
threads.

What Flask does around a request, and handing it from thread to thread, costs more than receiving a webhook. So a webhook is
handled here if it only has to wait for the disk. One that would be refused, or whose secret has to be looked up, is passed on
to Flask, where the same use case decides and answers. Whoever asks whether the process is up must not wait for a thread: in a
flood of requests an orchestrator would take it for dead.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from stripe_bridge.adapters.web.connections import TIME_OUT_EVERY, ConnectionLimits, Connections
from stripe_bridge.adapters.web.known_credentials import KNOWN_CREDENTIALS, KnownCredentials, credential_in
from stripe_bridge.adapters.web.request_log import HEADERS, request_id_for
from stripe_bridge.adapters.web.schemas.fields import id_in_path
from stripe_bridge.adapters.web.views.health import HEALTH_ROUTE, health
from stripe_bridge.adapters.web.views.webhooks import ACCOUNT_ROUTE, PLATFORM_ROUTE
from stripe_bridge.adapters.web.waiting_readers import WAITING_READERS, WaitingReaders
from stripe_bridge.adapters.web.wsgi_in_threads import (
    Receive,
    Scope,
    SendStep,
    WantsBody,
    WsgiInThreads,
)
from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.webhook_event import MAX_PAYLOAD_BYTES
from stripe_bridge.ports.metrics import Metrics
from stripe_bridge.use_cases.webhook_events.receive import (
    ReceiveWebhook,
    ReceiveWebhookCommand,
    SecretsNotCached,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_log = logging.getLogger(__name__)
_PATH = re.compile(re.escape(PLATFORM_ROUTE.encode()) + b"(?:/([0-9]+))?")
STATE = "front"
"""The key in ASGI's lifespan state under which the server's protocol finds the front."""
# In seconds, between the starts of two requests that show no credential, and of two whose credential nobody knows. Answering
# one takes about a third of that.
BETWEEN_UNKNOWN = 0.003
_LIMITS = ConnectionLimits()


def _always(_environ: object) -> bool:
    return True


class FastPath:
    """An ASGI application, for one event loop. `on_shutdown` is called when that ends.

    Without `receive`, Flask handles webhooks, too; without `readers`, nobody can wait for changes. `wants_body` decides by
    the head of any other request whether to read its body: without a good credential it is not read.
    """

    def __init__(
        self,
        behind: WSGIApplication,
        receive: ReceiveWebhook | None,
        metrics: Metrics,
        *,
        threads: int,
        on_shutdown: Callable[[], None],
        wants_body: WantsBody = _always,
        limits: ConnectionLimits = _LIMITS,
        readers: WaitingReaders | None = None,
    ) -> None:
        self.connections = Connections(limits)
        self._readers, self._known_credentials = readers, KnownCredentials()
        more: dict[str, object] = {KNOWN_CREDENTIALS: self._known_credentials}
        if readers is not None:
            more[WAITING_READERS] = readers

        def in_threads(wants_body: WantsBody, interval: float = 0.0) -> WsgiInThreads:
            return WsgiInThreads(
                behind,
                threads=threads,
                most=MAX_PAYLOAD_BYTES,
                wants_body=wants_body,
                interval=interval,
                more=more,
            )

        self._behind = in_threads(wants_body)
        # Threads of their own: anyone can send a thousand of them at once, and they must not be in the way of those who were
        # given a credential; nor those without one in the way of those who show theirs for the first time.
        self._unknown, self._anonymous = (in_threads(wants_body, BETWEEN_UNKNOWN) for _ in range(2))
        # Threads of their own: while the database is down each webhook holds one, and there are many. Their credential is a
        # signature of the body.
        self._webhooks = in_threads(_always)
        self._receive, self._measurements, self._at_the_end = receive, metrics, on_shutdown
        self._health = json.dumps(health(), separators=(",", ":")).encode() + b"\n"

    async def __call__(self, scope: Scope, receive: Receive, send: SendStep) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif _asks_for_health(scope):
            await self._show_health(scope, send)
        else:
            await self._threads_for(scope)(scope, receive, send)

    def _threads_for(self, scope: Scope) -> WsgiInThreads:
        if scope["path"].startswith(PLATFORM_ROUTE):
            return self._webhooks
        credential = credential_in(scope["headers"])
        if not credential:
            return self._anonymous
        return self._behind if credential in self._known_credentials else self._unknown

    def route_for(self, method: bytes, target: bytes) -> WebhookRoute | None:
        """How to handle a request here; None if it is for Flask in any case."""
        path = _PATH.fullmatch(target)
        if self._receive is None or method != b"POST" or path is None:
            return None
        integration_id = None if path[1] is None else id_in_path(path[1].decode())
        return WebhookRoute(self._receive, self._measurements, integration_id)

    def shutting_down(self) -> None:
        """The server is about to end, and waits for the requests that are under way: those that wait are answered at once."""
        if self._readers is not None:
            self._readers.dismiss()

    def close(self) -> None:
        if self._readers is not None:
            self._readers.close()
        for threads in (self._behind, self._unknown, self._anonymous, self._webhooks):
            threads.close()
        self._at_the_end()

    async def _show_health(self, scope: Scope, send: SendStep) -> None:
        """As Flask would."""
        began_at = time.perf_counter()
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        told = {
            "content-type": "application/json",
            "content-length": str(len(self._health)),
            "x-request-id": request_id_for(given),
            **HEADERS,
        }
        headers = [(name.lower().encode(), value.encode()) for name, value in told.items()]
        await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": headers})
        await send({"type": "http.response.body", "body": self._health})
        took = time.perf_counter() - began_at
        self._measurements.request(HEALTH_ROUTE, scope["method"], HTTPStatus.OK, took)

    async def _live(self, scope: Scope, receive: Receive, send: SendStep) -> None:
        """https://asgi.readthedocs.io/en/stable/specs/lifespan.html"""
        await receive()
        scope["state"][STATE] = self
        timing = asyncio.create_task(self._time_out_late())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        timing.cancel()
        self.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _time_out_late(self) -> None:
        while True:
            await asyncio.sleep(TIME_OUT_EVERY)
            self.connections.time_out_late()


def _asks_for_health(scope: Scope) -> bool:
    """Other methods are for Flask to refuse."""
    return scope["path"] == HEALTH_ROUTE and scope["method"] in ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class WebhookRoute:
    """The way to one receiver: the platform's, or an integration's."""

    receive: ReceiveWebhook
    metrics: Metrics
    integration_id: int | None

    async def take(self, payload: bytes, signature: str | None) -> bool:
        """Returns whether the webhook is stored, and so may be acknowledged. If not, that is no refusal: Flask decides."""
        began_at = time.perf_counter()
        command = ReceiveWebhookCommand(
            payload=payload, signature=signature, integration_id=self.integration_id
        )
        try:
            await self.receive.receive_async(command)
        except (SecretsNotCached, BridgeError):
            return False
        except Exception:
            _log.exception("a webhook could not be taken at once")
            return False
        route = PLATFORM_ROUTE if self.integration_id is None else ACCOUNT_ROUTE
        self.metrics.request(route, "POST", HTTPStatus.OK, time.perf_counter() - began_at)
        return True
