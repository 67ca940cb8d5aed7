"""An ERP's receiver of changes: it verifies each request, takes only what follows what it has, and answers as told."""

import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any

from standardwebhooks import Webhook

from tests.servers.answering import Answering
from tests.use_cases.subscribers.subscribed import ChainingReceiver
from tests.waiting import wait_until


class ChangesReceiver(Answering):
    """`answers` are used up first. Whatever is not signed with all `secrets` is a 401, and kept in `rejected`.

    `pages` are those that were acknowledged, `chain` what they led to. `most_at_once` is how many requests were under way.
    """

    def __init__(self) -> None:
        self.secrets: Sequence[str] = ()
        self.answers: list[int] = []
        self.pages: list[dict[str, Any]] = []
        self.pings: list[dict[str, Any]] = []
        self.rejected: list[bytes] = []
        self.ids: list[str] = []
        self.chain = ChainingReceiver()
        self.came_at: dict[int, float] = {}
        self.most_at_once = 0
        self._at_once, self._mutex = 0, threading.Lock()
        super().__init__(_handler_of(self))
        self.url = f"{self.address}/changes"

    def receive(self, body: bytes, headers: dict[str, str]) -> int:
        with self._mutex:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return self._take(body, headers)
        finally:
            with self._mutex:
                self._at_once -= 1

    def _take(self, body: bytes, headers: dict[str, str]) -> int:
        try:
            [page, *_] = [Webhook(secret).verify(body, headers) for secret in self.secrets]
        except Exception:
            self.rejected.append(body)
            return 401
        self.ids.append(headers["webhook-id"])
        if self.answers:
            return self.answers.pop(0)
        if page["type"] == "ping":
            self.pings.append(page)
            return 204
        for entry in page["data"]:
            self.came_at.setdefault(entry["sequence"], time.time())
        status = self.chain.take(page)
        if status == 200:
            self.pages.append(page)
        return status

    def types(self) -> list[str]:
        return [entry["type"] for entry in self.chain.held]

    def wait_for(self, *types: str) -> None:
        """Until these are among those that it holds."""
        wait_until(lambda: set(types) <= set(self.types()))


def _handler_of(receiver: ChangesReceiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.receive(body, {name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
