"""The front as a WSGI application, so that one client can speak to both: what granian does, as far as it matters here."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from stripe_bridge.adapters.web.front import Front
from stripe_bridge.adapters.web.rsgi import Headers

PART = 64 * 1024
_AT_MOST = 10**9


@dataclass
class _Scope:
    method: str
    path: str
    query_string: str
    headers: dict[str, str]
    http_version: str = "1.1"
    scheme: str = "http"
    server: str = "bridge.test:80"
    client: str = "127.0.0.1:50000"


@dataclass
class _Protocol:
    body: Any
    length: int
    answer: tuple[int, Headers, bytes] = (0, (), b"")
    _read: int = field(default=0)

    async def __call__(self) -> bytes:
        return b"".join([part async for part in self])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while part := self.body.read(min(PART, self.length - self._read)):
            self._read += len(part)
            yield part

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        self.answer = status, headers, body


class OverFront:
    def __init__(self, front: Front) -> None:
        self._front = front

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or (name in ("CONTENT_TYPE", "CONTENT_LENGTH") and value)
        }
        scope: Any = _Scope(
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"].encode("latin-1").decode(),
            environ["QUERY_STRING"],
            headers,
        )
        protocol = _Protocol(environ["wsgi.input"], int(headers.get("content-length", _AT_MOST)))
        asyncio.run(self._front.__rsgi__(scope, protocol))
        status, told, body = protocol.answer
        start_response(f"{status} {HTTPStatus(status).phrase}", list(told))
        return [] if scope.method == "HEAD" else [body]
