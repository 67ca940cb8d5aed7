"""The page of worker processes, on a port of its own. Web processes show theirs among their other pages."""

from __future__ import annotations

import hmac
import logging
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST

_log = logging.getLogger(__name__)
# In seconds, for a client to send its request and to take the answer.
_TIMEOUT = 10


class MetricsPage:
    """Answers `GET /metrics` to those who have the token. Raises OSError if the port cannot be listened on."""

    def __init__(self, port: int, *, token: str, render: Callable[[], bytes]) -> None:
        self._server = _Server(("", port), _handler(token, render))

    def serve_forever(self) -> None:
        _log.info("serving metrics", extra={"port": self._server.server_address[1]})
        self._server.serve_forever()

    def start(self) -> None:
        """In a thread that ends with the process."""
        threading.Thread(target=self.serve_forever, name="metrics", daemon=True).start()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        _log.debug("metrics not sent", exc_info=True)


def _handler(token: str, render: Callable[[], bytes]) -> type[BaseHTTPRequestHandler]:
    expected = f"Bearer {token}".encode()

    class Handler(BaseHTTPRequestHandler):
        timeout = _TIMEOUT

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(HTTPStatus.NOT_FOUND)
            elif not hmac.compare_digest(self.headers.get("Authorization", "").encode(), expected):
                self.send_error(HTTPStatus.UNAUTHORIZED)
            else:
                self._send(render())

        def _send(self, page: bytes) -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", CONTENT_TYPE_LATEST)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # named by the class that calls it
            """Nothing: Prometheus asks every few seconds."""

    return Handler
