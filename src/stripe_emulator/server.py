"""Serves an emulator on a port, from threads of this process."""

import io
import logging
import pathlib
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Response

from stripe_emulator.control import Control
from stripe_emulator.emulator import Emulator
from stripe_emulator.settings import Settings
from stripe_emulator.web import create_app


class _Handler(WSGIRequestHandler):
    """Keeps connections alive, as Stripe does but werkzeug's own handler does not; logs nothing."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together

    def run_wsgi(self) -> None:
        """Read one request to its end, so that the next one begins after it, and send its answer in one piece."""
        if self.headers.get("Expect", "").strip().lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        environ = self.make_environ()
        length = -1 if environ.get("wsgi.input_terminated") else int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
        try:
            self._answer(Response.from_app(self.server.app, environ, buffered=True))
        except OSError:
            self.connection_dropped()

    def _answer(self, response: Response) -> None:
        body = response.get_data()
        self.send_response(response.status_code)
        for name, value in response.headers.items():
            if name != "Content-Length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def connection_dropped(self, *_: Any) -> None:
        """Close the connection without an answer: on purpose, or because the client left."""
        self.close_connection = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: the wire log says more."""


class _Server(ThreadedWSGIServer):
    """Ends kept-alive connections when it stops, so that no client goes on talking to a stopped emulator."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port, _no_application, handler=_Handler)
        self._connections: set[socket.socket] = set()
        self._guard = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """Close all connections."""
        with self._guard:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    logging.getLogger(__name__).debug("connection was closed already")


class EmulatorServer:
    """A running emulator.

        with EmulatorServer() as server:
            client = StripeClient(server.settings.secret_key, base_addresses=server.base_addresses)

    `control` is the control API, without HTTP. Other keyword arguments are those of `Settings`.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        data_dir: pathlib.Path | None = None,
        wire_log: pathlib.Path | None = None,
        clock: Callable[[], float] = time.time,
        **settings: Any,
    ) -> None:
        self.settings = Settings(**settings)
        self._server = _Server(host, port)
        self.url = f"http://{host}:{self._server.server_port}"
        self.emulator = Emulator(self.settings, self.url, data_dir, wire_log, clock)
        self.control = Control(self.emulator)
        self._server.app = create_app(self.emulator, self.control)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), name="emulator", daemon=True
        )

    @property
    def client_options(self) -> dict[str, Any]:
        """For `stripe.StripeClient(**…)`: the platform's key and client id, and where to call."""
        return {
            "api_key": self.settings.secret_key,
            "client_id": self.settings.client_id,
            "base_addresses": self.base_addresses,
        }

    @property
    def base_addresses(self) -> Any:
        """For `stripe.StripeClient`."""
        return {"api": self.url, "connect": self.url, "files": self.url}

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_port)

    def start(self) -> Self:
        """Start serving; connections are accepted from now on."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and delivering; with a data directory, the state stays on disk."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.close_connections()
        self.emulator.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _no_application(*_: Any) -> list[bytes]:
    raise RuntimeError("the server was started without its application")
