"""uvicorn's HTTP, except that webhooks go straight from its parser to the front, and their answers straight back.

What ASGI does around a request (a scope, a cycle, events, two messages back) takes about as long as storing a webhook. uvicorn
handles all other requests as usual, and webhooks that the front does not take. Requests that have a body and ask to switch
protocols are refused, since uvicorn would serve them without their body; and so are those that take too long to arrive.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from stripe_bridge.adapters.web.connections import Connections
from stripe_bridge.adapters.web.fast_path import STATE, FastPath, WebhookRoute
from stripe_bridge.adapters.web.request_log import HEADERS, request_id_for
from stripe_bridge.adapters.web.wsgi_in_threads import ARRIVED, Scope
from stripe_bridge.domain.webhook_event import MAX_PAYLOAD_BYTES

# For a head that arrives in several parts. Proxies allow less.
_MAX_HEAD_BYTES = 64 * 1024
# Each costs Python many times its length.
_MAX_HEADERS = 200
_BUFFER = 32 * 1024
_BODY = b'{"received":true}\n'
_TOLD = {"content-type": "application/json", "content-length": str(len(_BODY)), **HEADERS}
_HEAD = "HTTP/1.1 200 OK\r\n" + "".join(f"{name.lower()}: {value}\r\n" for name, value in _TOLD.items())
_TOO_LATE = b"The request did not arrive in time."
_TIMED_OUT = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(_TOO_LATE), _TOO_LATE)
)


class _Body:
    """What has arrived of a body.

    Small parts would take many times their length, so they go into larger buffers. Buffers of any size, growing side by side,
    would leave holes in memory that fit none of them: half as much again as they hold.
    """

    __slots__ = ("_buffers", "size")

    def __init__(self) -> None:
        self._buffers: list[bytearray] = []
        self.size = 0

    def add(self, part: bytes) -> None:
        if not self._buffers or len(self._buffers[-1]) >= _BUFFER:
            self._buffers.append(bytearray())
        self._buffers[-1] += part
        self.size += len(part)

    def __bytes__(self) -> bytes:
        return b"".join(self._buffers)


@dataclass(slots=True, kw_only=True)
class _Webhook:
    """A webhook that is being read and then answered. Anything that follows on the connection before that is not answered."""

    way: WebhookRoute
    signature: str | None
    request_id: str
    keep_alive: bool
    body: _Body = field(default_factory=_Body, repr=False)
    is_read: bool = False
    is_followed: bool = False


class _Refused(Exception):
    """Raised through the parser, so that the server answers 400 and closes the connection."""


class WebhookProtocol(HttpToolsProtocol):
    """For `uvicorn --http`. Without a front in the lifespan's state it behaves like uvicorn's own."""

    _webhook: _Webhook | None = None
    _connections: Connections | None = None
    # Of the newest request.
    _is_in_body = False
    _arrived: asyncio.Event
    # How many bytes have arrived since the parser last found a head, part of a body, or an end.
    _unclear = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        front: FastPath | None = self.app_state.get(STATE)
        if front is not None:
            self._connections = front.connections
            self._connections.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connections is not None:
            self._connections.lost(self)
        super().connection_lost(exc)
        # What still refers to this connection must not keep its request in memory.
        self._webhook = None
        if self.cycle is not None:
            self.cycle.body = bytearray()

    def data_received(self, data: bytes) -> None:
        self._unclear += len(data)
        super().data_received(data)
        # The parser accepts a head, or trailers, of any length, in time that grows with the square of it.
        if self._unclear > _MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")
        if self._connections is not None:
            self._connections.received(self, len(data), is_kept=not self._is_answered_early)

    def on_message_begin(self) -> None:
        if self._webhook is not None:
            self._webhook.is_followed = True
        self._is_in_body = False
        if self._connections is not None and not self.transport.is_closing():
            self._connections.begun(self)
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > _MAX_HEADERS:
            raise _Refused

    def on_headers_complete(self) -> None:
        self._unclear = 0
        if self.parser.should_upgrade() and self._tells_of_a_body():
            # The parser takes what follows as another protocol: the application would see no body, and the body's content
            # could pass for a separate request.
            raise _Refused
        self._is_in_body = True
        if self._connections is not None:
            self._connections.head_complete(self)
        if self._webhook is None:
            self._webhook = self._find_webhook()
            if self._webhook is None:
                self._pass_on()

    def on_body(self, body: bytes) -> None:
        self._unclear = 0
        webhook = self._webhook
        if webhook is None:
            super().on_body(body)
        elif not webhook.is_read:
            webhook.body.add(body)
            if webhook.body.size > MAX_PAYLOAD_BYTES:
                self._leave(webhook)

    def on_message_complete(self) -> None:
        self._unclear = 0
        is_answered, self._is_in_body = self._is_answered_early, False
        if self._connections is not None:
            self._connections.complete(self)
            if is_answered:
                self._connections.idle(self)
        webhook = self._webhook
        if webhook is None:
            self._complete()
        elif not webhook.is_read:
            webhook.is_read = True
            task = self.loop.create_task(self._answer(webhook))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._connections is not None and not self._is_busy and not self.transport.is_closing():
            self._connections.idle(self)

    @property
    def is_paused(self) -> bool:
        return self.flow.read_paused

    def pause(self) -> None:
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def resume(self) -> None:
        # uvicorn may have a reason of its own not to read.
        if not self.transport.is_closing() and not self.flow.read_paused:
            self.transport.resume_reading()

    def time_out(self) -> None:
        if self.transport.is_closing():
            return
        if self._is_in_body:
            may_answer = not self.pipeline and (self._webhook is not None or not self.cycle.response_started)
        else:
            # The answer to an earlier request comes first.
            may_answer = self._webhook is None and not self._is_busy
        if may_answer:
            self.transport.write(_TIMED_OUT)
        self.close_idle()

    def close_idle(self) -> None:
        self.transport.close()
        if self.transport.get_write_buffer_size():
            # The client does not read: closing would wait for it.
            self.transport.abort()

    def shutdown(self) -> None:
        front: FastPath | None = self.app_state.get(STATE)
        if front is not None:
            front.shutting_down()
        if self._webhook is None:
            super().shutdown()
        else:
            self._webhook.keep_alive = False

    def _tells_of_a_body(self) -> bool:
        return any(
            name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
            for name, value in self.headers
        )

    def _find_webhook(self) -> _Webhook | None:
        """None if the request is no webhook, or cannot be handled here, for example while another answer is under way."""
        front: FastPath | None = self.app_state.get(STATE)
        way = None if front is None else front.route_for(self.parser.get_method(), self.url)
        if way is None or self._is_busy or self.expect_100_continue or self.parser.should_upgrade():
            return None
        headers = dict(self.headers)
        signature = headers.get(b"stripe-signature")
        return _Webhook(
            way=way,
            signature=None if signature is None else signature.decode("latin-1"),
            request_id=request_id_for(headers.get(b"x-request-id", b"").decode("latin-1")),
            keep_alive=self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive(),
        )

    @property
    def _is_answered_early(self) -> bool:
        """Whether the rest of the body is only read to be thrown away."""
        return self._is_in_body and self._webhook is None and self.cycle.response_complete

    @property
    def _is_busy(self) -> bool:
        """Whether an earlier request on this connection is not answered yet."""
        # Before the first request it is None, whatever its type says.
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    async def _answer(self, webhook: _Webhook) -> None:
        is_taken = await webhook.way.take(bytes(webhook.body), webhook.signature)
        if self.transport.is_closing():
            return
        if is_taken:
            self._acknowledge(webhook)
        elif webhook.is_followed:
            # The parser has already moved on. Nothing was acknowledged, so the sender will retry.
            self.transport.close()
        else:
            self._leave(webhook)
            self._complete()

    def _acknowledge(self, webhook: _Webhook) -> None:
        self._webhook = None
        is_last = webhook.is_followed or not webhook.keep_alive
        more = b"".join(b"%b: %b\r\n" % header for header in self.server_state.default_headers)
        close = "connection: close\r\n" if is_last else ""
        head = f"{_HEAD}x-request-id: {webhook.request_id}\r\n{close}"
        self.transport.write(b"%b%b\r\n%b" % (head.encode("latin-1"), more, _BODY))
        if is_last:
            self.transport.close()
        self.on_response_complete()

    def _complete(self) -> None:
        super().on_message_complete()
        self._arrived.set()

    def _pass_on(self) -> None:
        self._arrived = asyncio.Event()
        # uvicorn's type has only the keys of the specification.
        cast("Scope", self.scope)[ARRIVED] = self._arrived
        super().on_headers_complete()

    def _leave(self, webhook: _Webhook) -> None:
        """Pass it on to the application, as if it had only just arrived."""
        self._webhook = None
        self._pass_on()
        # The parser no longer knows this once it has read everything; and the server may have begun to shut down.
        self.cycle.keep_alive = webhook.keep_alive
        super().on_body(bytes(webhook.body))
