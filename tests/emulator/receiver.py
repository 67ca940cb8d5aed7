"""A webhook receiver that keeps what it receives and answers as told."""

import json
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.servers.answering import Answering
from tests.waiting import wait_until


class Receiver(Answering):
    """Answers 200 unless `answers` holds other statuses, which are used up first."""

    def __init__(self) -> None:
        self.requests: list[tuple[bytes, str]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((body, self.headers["Stripe-Signature"]))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(Handler)
        self.url = f"{self.address}/hooks"

    @property
    def events(self) -> list[Any]:
        return [json.loads(body) for body, _ in self.requests]

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def wait_for(self, count: int) -> list[Any]:
        wait_until(lambda: len(self.requests) >= count)
        return self.events
