"""A proxy that measures how long Stripe takes for a call: from its first byte to the last byte of the answer."""

import socket
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_BYTES = 1 << 16


@dataclass
class _Call:
    begun: float
    ended: float = 0.0


@dataclass
class MeasuringProxy:
    """Passes bytes on without parsing them, so that its own share of the time is negligible.

    Calls on one connection follow one another.
    """

    upstream: str
    _calls: list[_Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._open: list[socket.socket] = []

    def __enter__(self) -> "MeasuringProxy":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # A thread that waits in accept only ends by a shutdown.
        for connection in (self._server, *self._open):
            _shut(connection)
            connection.close()

    def forget(self) -> None:
        """Forget what was measured so far."""
        self._calls.clear()

    def durations(self) -> list[float]:
        """The duration of each call, in seconds."""
        return [call.ended - call.begun for call in self._calls]

    def busy(self) -> float:
        """For how many seconds altogether at least one call was under way."""
        return covered((call.begun, call.ended) for call in self._calls)

    def _accept(self) -> None:
        parts = urlsplit(self.upstream)
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            server = socket.create_connection((parts.hostname, parts.port or 80))
            self._open += [client, server]
            for connection in (client, server):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(client, server), daemon=True).start()

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on both directions, each in a thread. A call begins with the first bytes after an answer."""
        current: list[_Call] = []

        def answers() -> None:
            while part := _receive(server):
                # Before it is passed on: the next call may come before this thread runs again.
                current[-1].ended = time.perf_counter()
                client.sendall(part)
            _shut(client)

        threading.Thread(target=answers, daemon=True).start()
        while part := _receive(client):
            if not current or current[-1].ended:
                current.append(_Call(time.perf_counter()))
                self._calls.append(current[-1])
            server.sendall(part)
        _shut(server)


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(_BYTES)
    except OSError:
        return b""


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """The total length that at least one of these spans covers."""
    total, reached = 0.0, 0.0
    for begun, ended in sorted(spans):
        total += max(0.0, ended - max(begun, reached))
        reached = max(reached, ended)
    return total
