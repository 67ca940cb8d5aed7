"""The front as a WSGI application, so that one test client can use both: with the server's real HTTP, but no network."""

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterable
from http.client import HTTPResponse
from typing import Any, TypeVar
from urllib.parse import quote

from uvicorn import Config
from uvicorn.server import ServerState

from stripe_bridge.adapters.web.fast_path import STATE, FastPath
from stripe_bridge.adapters.web.webhook_protocol import WebhookProtocol

PART = 64 * 1024
_PATIENCE = 30
T = TypeVar("T")


class Wire(asyncio.Transport):
    """What the server has written to a connection, and whether it has closed it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_closed = False
        self.is_read = True
        self._changed = asyncio.Event()

    def write(self, data: Any) -> None:
        self.written += bytes(data)
        self._changed.set()

    def close(self) -> None:
        self.is_closed = True
        self._changed.set()

    def abort(self) -> None:
        self.close()

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.is_closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("127.0.0.1", 50000), "sockname": ("127.0.0.1", 80)}.get(name, default)

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True
        self._changed.set()

    async def is_listening(self) -> bool:
        """Wait until the other side reads; returns False if it closes instead."""
        await self.until(lambda: self.is_read or self.is_closed)
        return not self.is_closed

    async def answers(self, count: int = 1, *, bodies: bool = True) -> list[tuple[HTTPResponse, bytes]]:
        """This many answers, once they are there; fewer if the connection is closed before."""
        await self.until(lambda: self.is_closed or len(_answers_in(self.written, bodies)) >= count)
        return _answers_in(self.written, bodies)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(_PATIENCE):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


class Connection:
    """A connection from a client to the front."""

    def __init__(self, front: FastPath) -> None:
        config = Config(front, http=WebhookProtocol, ws="none", lifespan="off", log_config=None)
        self.state = ServerState()
        self.protocol = WebhookProtocol(config, self.state, {STATE: front})
        self.wire = Wire()
        self.protocol.connection_made(self.wire)

    async def send(self, parts: Iterable[bytes]) -> None:
        """Send until everything is sent, or something is answered."""
        before = self.wire.written
        for part in parts:
            if not await self.wire.is_listening() or self.wire.written != before:
                break
            self.protocol.data_received(part)
            # Whatever waited for it goes on.
            await asyncio.sleep(0)

    async def end(self) -> None:
        """The client disconnects; returns once nothing is under way any more."""
        self.protocol.connection_lost(None)
        await asyncio.gather(*self.state.tasks)


class OverFront:
    def __init__(self, front: FastPath) -> None:
        self._front = front

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer, body = over_connection(self._front, lambda connection: _ask(connection, environ))
        start_response(f"{answer.status} {answer.reason}", answer.getheaders())
        return [body]


def over_connection(front: FastPath, talk: Callable[[Connection], Awaitable[T]]) -> T:
    """The result of an exchange over its own connection, in its own loop."""

    async def talked() -> T:
        connection = Connection(front)
        try:
            return await talk(connection)
        finally:
            await connection.end()

    return asyncio.run(talked())


def request_of(environ: dict[str, Any]) -> Iterable[bytes]:
    """The request as on the wire, in parts. A body of unknown length is sent in chunks."""
    target = quote(environ["PATH_INFO"].encode("latin-1"))
    query = f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else ""
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or (name in ("CONTENT_TYPE", "CONTENT_LENGTH") and value)
    }
    length = headers.get("content-length")
    if length is None and environ.get("wsgi.input_terminated"):
        headers["transfer-encoding"] = "chunked"
    shown = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    yield f"{environ['REQUEST_METHOD']} {target}{query} HTTP/1.1\r\n{shown}\r\n".encode("latin-1")
    if length is not None:
        left = int(length)
        while left and (part := environ["wsgi.input"].read(min(PART, left))):
            left -= len(part)
            yield part
    elif "transfer-encoding" in headers:
        while part := environ["wsgi.input"].read(PART):
            yield b"%x\r\n%b\r\n" % (len(part), part)
        yield b"0\r\n\r\n"


async def _ask(connection: Connection, environ: dict[str, Any]) -> tuple[HTTPResponse, bytes]:
    await connection.send(request_of(environ))
    bodies = environ["REQUEST_METHOD"] != "HEAD"
    ((answer, body),) = await connection.wire.answers(bodies=bodies)
    return answer, body


def _answers_in(written: bytes, bodies: bool) -> list[tuple[HTTPResponse, bytes]]:
    """The answers that are complete."""
    found = []
    while b"\r\n\r\n" in written:
        head, _, rest = written.partition(b"\r\n\r\n")
        answer = HTTPResponse(_Source(head + b"\r\n\r\n"))  # type: ignore[arg-type]  # reads nothing else of a socket
        answer.begin()
        length = int(answer.getheader("content-length") or 0) if bodies else 0
        if len(rest) < length:
            break
        found.append((answer, rest[:length]))
        written = rest[length:]
    return found


class _Source:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self._content)
