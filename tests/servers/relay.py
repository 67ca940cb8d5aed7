"""A relay in front of an HTTP server: it remembers what went through it, and loses requests and answers when told to."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

import requests

from tests.servers.answering import Answering

# What may happen to a request: an answer of its own or none at all, before the server has got it or after.
FAIL_BEFORE, FAIL_AFTER, CUT_BEFORE, CUT_AFTER = "fail before", "fail after", "cut before", "cut after"
MISHAPS = (FAIL_BEFORE, FAIL_AFTER, CUT_BEFORE, CUT_AFTER)
_HOP_BY_HOP = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding"}
_TIMEOUT = 60


@dataclass(frozen=True)
class Relayed:
    """`answered` is what the sender was told, None if it was cut off; `taken` is what the server said, if anything."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    answered: int | None
    taken: int | None


class Relay(Answering):
    """`mishap` is asked at each request."""

    def __init__(self, target: str, mishap: Callable[[], str | None] = lambda: None) -> None:
        self._target, self._mishap = target, mishap
        self.relayed: list[Relayed] = []
        self.most_at_once = 0
        self._at_once, self._guard = 0, threading.Lock()
        super().__init__(_handler_of(self))
        self.url = self.address

    def handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> requests.Response | int | None:
        """The server's answer, a status instead of it, or None to cut the connection."""
        with self._guard:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            mishap = self._mishap()
        try:
            answer = (
                None if mishap in (FAIL_BEFORE, CUT_BEFORE) else self._forward(method, path, headers, body)
            )
        finally:
            with self._guard:
                self._at_once -= 1
        taken = None if answer is None else answer.status_code
        instead = {FAIL_BEFORE: 500, FAIL_AFTER: 500, CUT_BEFORE: None, CUT_AFTER: None}
        answered = instead[mishap] if mishap is not None else taken
        with self._guard:
            self.relayed.append(Relayed(method, path, headers, body, answered, taken))
        return answer if mishap is None else answered

    def _forward(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> requests.Response | None:
        sent = {name: value for name, value in headers.items() if name not in _HOP_BY_HOP}
        with requests.Session() as http, suppress(requests.RequestException):
            http.trust_env = False
            return http.request(
                method, self._target + path, data=body or None, headers=sent, timeout=_TIMEOUT
            )
        return None


def _handler_of(relay: Relay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = _TIMEOUT

        def do_GET(self) -> None:
            self._relay()

        def do_POST(self) -> None:
            self._relay()

        def _relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._pass_on(relay.handle(self.command, self.path, headers, body))

        def _pass_on(self, answer: requests.Response | int | None) -> None:
            if answer is None:
                self.close_connection = True
            elif isinstance(answer, int):
                self._answer(answer, {}, b"")
            else:
                kept = {"Content-Type", "Retry-After"} & answer.headers.keys()
                self._answer(
                    answer.status_code, {name: answer.headers[name] for name in kept}, answer.content
                )

        def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
            with suppress(OSError):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
