"""RSGI, granian's own interface: what of it is used here, and a WSGI application behind it.

https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

Headers = Sequence[tuple[str, str]]
# What WSGI knows under names of its own.
_BARE = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


class Scope(Protocol):
    """One request, but for its body. The path is decoded."""

    http_version: str
    method: str
    path: str
    query_string: str
    scheme: str
    server: str
    client: str
    headers: Mapping[str, str]


class HttpProtocol(Protocol):
    """The body, in one or in parts; and the way back."""

    async def __call__(self) -> bytes: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...


class Threaded:
    """A WSGI application in an event loop: each request has one of the threads for itself."""

    def __init__(self, app: WSGIApplication, *, threads: int) -> None:
        self._app = app
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="request")

    async def answer(self, scope: Scope, protocol: HttpProtocol, body: bytes) -> None:
        loop = asyncio.get_running_loop()
        environ = _environ(scope, body)
        status, headers, content = await loop.run_in_executor(self._threads, self._run, environ)
        protocol.response_bytes(status, headers, content)

    def close(self) -> None:
        """Return when the last request is answered."""
        self._threads.shutdown()

    def _run(self, environ: WSGIEnvironment) -> tuple[int, Headers, bytes]:
        begun: list[tuple[int, Headers]] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            begun[:] = [(int(status[:3]), [(name.lower(), value) for name, value in headers])]

        parts: Iterable[bytes] = self._app(environ, start_response)
        try:
            content = b"".join(parts)
        finally:
            if close := getattr(parts, "close", None):
                close()
        return *begun[0], content


async def read_body(scope: Scope, protocol: HttpProtocol, *, most: int) -> bytes:
    """No more than one byte over the most: it shows that there would have been more."""
    length = scope.headers.get("content-length") or ""
    if length.isdecimal() and len(length) < 8 and int(length) <= most:
        return await protocol()
    read = bytearray()
    async for part in protocol:
        read += part
        if len(read) > most:
            break
    return bytes(read[: most + 1])


def _environ(scope: Scope, body: bytes) -> WSGIEnvironment:
    """As PEP 3333 wants it."""
    host, _, port = scope.server.rpartition(":")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        # An underscore could pass for the hyphen of another header.
        if "_" not in name:
            variable = _BARE.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
            environ[variable] = f"{environ[variable]},{value}" if variable in environ else value
    return environ
