"""A server that gives prepared answers, for those that a well-behaved Stripe would never give."""

import json
import ssl
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs

from stripe_bridge.adapters.stripe_gateway.client import StripeConfig
from tests.servers.answering import Answering

INVOICE = {
    "id": "in_1",
    "object": "invoice",
    "status": "open",
    "customer": "cus_1",
    "currency": "eur",
    "total": 100,
    "amount_due": 100,
    "amount_paid": 0,
    "amount_remaining": 100,
}
SECRET_KEY = "sk_test_platform0123456789"


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: object = field(default_factory=dict)
    """Bytes go out as they are, anything else as JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)


class Cut:
    """The connection ends without an answer."""


class Hang:
    """There is no answer until the server is closed."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    """Found in any case."""
    form: Mapping[str, str]


class ScriptedStripe(Answering):
    """Uses TLS if it has a certificate: a file with the certificate and its key."""

    def __init__(self, *, certificate: Path | None = None) -> None:
        self.requests: list[Request] = []
        self._answers: deque[Answer | Cut | Hang] = deque()
        self._closing = threading.Event()
        super().__init__(self._handler())
        self.url = self.address
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self.url = self.address.replace("http:", "https:")

    def access(self, **changes: Any) -> StripeConfig:
        given: dict[str, Any] = {
            "secret_key": SECRET_KEY,
            "client_id": "ca_test",
            "api_base": self.url,
            "connect_base": self.url,
            "max_network_retries": 0,
            "max_429_wait": 0.0,
        }
        return StripeConfig(**(given | changes))

    def will(self, *answers: Answer | Cut | Hang) -> None:
        self._answers.extend(answers)

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        super().__exit__()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        script = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                form = parse_qs(self.rfile.read(length).decode(), keep_blank_values=True)
                script.requests.append(
                    Request(
                        self.command,
                        self.path,
                        cast("Mapping[str, str]", self.headers),
                        {name: form[name][0] for name in form},
                    )
                )
                answer = script._answers.popleft() if script._answers else Answer()
                if isinstance(answer, Hang):
                    script._closing.wait()
                elif isinstance(answer, Answer):
                    self._say(answer)

            def _say(self, answer: Answer) -> None:
                body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                self.send_response(answer.status)
                for name, value in {"Content-Length": str(len(body)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        for method in ("GET", "POST", "DELETE"):
            setattr(Handler, f"do_{method}", Handler._serve)
        return Handler
