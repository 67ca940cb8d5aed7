"""ASGI, the interface of asynchronous web servers: the parts that are used here, and a WSGI application behind it.

https://asgi.readthedocs.io/en/stable/specs/www.html
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
SendStep = Callable[[Message], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]
ENQUEUED_AT = "stripe_bridge.came_at"
"""The key in a request's environ for the `time.perf_counter` at which it began to wait for a thread."""
SUSPENDED = "stripe_bridge.suspended"
"""The key in a request's environ under which the application puts a Suspension, and its response is then not sent."""
RESUMED = "stripe_bridge.resumed"
"""The key in a request's environ for the Suspension after which it is served once more."""
# For requests that were suspended: many may be resumed at once, and they are not to be in the way of others.
_RESUMING_THREADS = 2
# Headers for which WSGI has names of its own.
_BARE = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


ARRIVED = "stripe_bridge.arrived"
"""The key in a scope for an asyncio.Event that is set once all of the body has arrived."""
# In seconds. Most bodies are right behind their head.
_BODY_GRACE_SECONDS = 0.1
_NOTHING: Mapping[str, Any] = MappingProxyType({})
WantsBody = Callable[["WSGIEnvironment"], bool]


class Suspension(Protocol):
    """What a request waits for, in the event loop and without a thread. Then it is served once more."""

    async def over(self) -> None: ...

    def end(self) -> None:
        """It is over, or the client has gone. Called at least once."""
        ...


class WsgiInThreads:
    """A WSGI application in an event loop: each request gets one of the threads to itself.

    `more` is added to each environ.

    A body that takes its time is read only if the application wants it, by the head; otherwise the request is served without
    it. A body is read up to one byte more than `most`, which shows that it is too long. A request whose body breaks off is
    dropped.

    No two requests begin within `interval` seconds. Only one thread at a time runs Python: while several want to, the event
    loop waits for them at each of its callbacks, and a thousand requests at once would hold it up for a second.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        threads: int,
        most: int,
        wants_body: WantsBody,
        interval: float = 0.0,
        more: Mapping[str, Any] = _NOTHING,
    ) -> None:
        self._app, self._most, self._wants_body, self._more = app, most, wants_body, more
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="request")
        # For requests that have not arrived: a thousand of them must not be in the way of one that has.
        self._waiting_room = ThreadPoolExecutor(1, thread_name_prefix="waiting")
        self._interval, self._next_at, self._mutex = interval, 0.0, Lock()
        self._resuming = ThreadPoolExecutor(_RESUMING_THREADS, thread_name_prefix="resuming")

    async def __call__(self, scope: Scope, receive: Receive, send: SendStep) -> None:
        untouched = {**_environ(scope), **self._more}
        # The application leaves things in its own.
        environ = dict(untouched)
        threads, body = self._threads, b""
        if await _is_here(scope, environ) or await self._is_wanted(environ):
            read = await _read(receive, self._most + 1)
            if read is None:
                return
            body = read
            environ["wsgi.input"] = io.BytesIO(body)
        else:
            environ["CONTENT_LENGTH"] = "0"
            threads = self._waiting_room
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(threads, self._run, environ)
        while isinstance(answer, _Suspended):
            if not await _outlast(answer.suspension, receive):
                return
            environ = {
                **untouched,
                "wsgi.input": io.BytesIO(body),
                ENQUEUED_AT: time.perf_counter(),
                RESUMED: answer.suspension,
            }
            answer = await loop.run_in_executor(self._resuming, self._run, environ)
        status, headers, content = answer
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _is_wanted(self, environ: WSGIEnvironment) -> bool:
        return await asyncio.get_running_loop().run_in_executor(self._waiting_room, self._wants_body, environ)

    def close(self) -> None:
        """Return when the last request is answered."""
        self._waiting_room.shutdown()
        self._threads.shutdown()
        self._resuming.shutdown()

    def _run(self, environ: WSGIEnvironment) -> tuple[int, Headers, bytes] | _Suspended:
        try:
            self._wait_for_turn()
            answer = self._answer(environ)
        except BaseException:
            if SUSPENDED in environ:
                environ[SUSPENDED].end()
            raise
        return _Suspended(environ[SUSPENDED]) if SUSPENDED in environ else answer

    def _wait_for_turn(self) -> None:
        if not self._interval:
            return
        with self._mutex:
            now = time.monotonic()
            begin_at = max(now, self._next_at)
            self._next_at = begin_at + self._interval
        time.sleep(begin_at - now)

    def _answer(self, environ: WSGIEnvironment) -> tuple[int, Headers, bytes]:
        begun: list[tuple[int, Headers]] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
            begun[:] = [(int(status[:3]), encoded)]

        parts: Iterable[bytes] = self._app(environ, start_response)
        try:
            content = b"".join(parts)
        finally:
            if close := getattr(parts, "close", None):
                close()
        return *begun[0], content


@dataclass(frozen=True, slots=True)
class _Suspended:
    suspension: Suspension


async def _outlast(suspension: Suspension, receive: Receive) -> bool:
    """Wait until it is over. Returns False if the client has gone."""
    over = asyncio.ensure_future(suspension.over())
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({over, gone}, return_when=asyncio.FIRST_COMPLETED)
        return over.done()
    finally:
        over.cancel()
        gone.cancel()
        suspension.end()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _read(receive: Receive, most: int) -> bytes | None:
    """None if the client has gone: part of a body may say something else than the whole."""
    read = bytearray()
    while len(read) < most:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        read += message.get("body", b"")
        if not message.get("more_body"):
            break
    return bytes(read[:most])


async def _is_here(scope: Scope, environ: WSGIEnvironment) -> bool:
    """Whether the body, if there is one, has arrived, or does so at once."""
    has_body = "HTTP_TRANSFER_ENCODING" in environ or environ.get("CONTENT_LENGTH", "0").strip("0") != ""
    arrived: asyncio.Event | None = scope.get(ARRIVED)
    if not has_body:
        return True
    if arrived is None or "HTTP_EXPECT" in environ:
        return False
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(arrived.wait(), _BODY_GRACE_SECONDS)
    return arrived.is_set()


def _environ(scope: Scope) -> WSGIEnvironment:
    """As PEP 3333 wants it, so far without a body."""
    host, port = scope.get("server") or ("", 0)
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": (scope.get("client") or ("", 0))[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        ENQUEUED_AT: time.perf_counter(),
    }
    for name, value in (
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
    ):
        # With an underscore, a header could pass for another one that has a hyphen.
        if "_" not in name:
            variable = _BARE.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
            environ[variable] = f"{environ[variable]},{value}" if variable in environ else value
    return environ
