"""Connections to vetted addresses only, that end at a deadline whatever the other side does.

urllib3's own time limits are for each single read, so that a byte every few seconds would keep a connection for ever.
"""

from __future__ import annotations

import io
import socket
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from stripe_bridge.adapters.deliveries.guard import Guard
from stripe_bridge.ports.deliveries import NotDelivered

# In seconds. Receivers close idle connections after five or more: one of ours must not be about to be closed.
_MAX_IDLE = 3.0
# In seconds, for each address that a host has.
_CONNECTING = 5.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request: until when, by a clock that cannot be set. `guard` None: a proxy is connected to instead."""

    deadline: float
    guard: Guard | None

    @property
    def left(self) -> float:
        """Seconds. Raises TimeoutError if none are."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left


CALL: ContextVar[Call] = ContextVar("call")


class _DeadlineFile(io.RawIOBase):
    """What http.client reads answers from."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        # The socket stays open as long as this is, even if the connection has let go of it.
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(CALL.get().left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _DeadlineSocket:
    """A socket whose every operation has as much time as the call has left."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def settimeout(self, _seconds: float | None) -> None:
        """The call decides."""

    def sendall(self, data: Any) -> None:
        self._socket.settimeout(CALL.get().left)
        self._socket.sendall(data)

    def makefile(self, _mode: str, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineFile(self._socket))


class _Guarded(HTTPConnection):
    """A connection that is kept open is another's to use, for the same host, soon afterwards."""

    _scheme = "http"
    _used_at = 0.0

    def connect(self) -> None:
        super().connect()
        self.sock = cast(Any, _DeadlineSocket(cast(Any, self.sock)))

    @property
    def is_connected(self) -> bool:
        return time.monotonic() - self._used_at < _MAX_IDLE and super().is_connected

    def getresponse(self) -> Any:
        response = super().getresponse()
        self._used_at = time.monotonic()
        return response

    def _new_conn(self) -> socket.socket:
        call = CALL.get()
        self.timeout = call.left
        if call.guard is None:
            return super()._new_conn()
        host = self.host.strip("[]")
        addresses = call.guard.addresses(self._scheme, host, self.port, within=call.left)
        return _connect(call, addresses, self.port)


class _HttpsGuarded(_Guarded, HTTPSConnection):
    """The certificate has to be the name's; only the address was looked up by ourselves."""

    _scheme = "https"


class GuardedHttpPool(HTTPConnectionPool):
    ConnectionCls = _Guarded


class GuardedHttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsGuarded


def _connect(call: Call, addresses: Any, port: int) -> socket.socket:
    refusal: OSError | None = None
    for address in addresses:
        try:
            sock = socket.create_connection((address, port), timeout=min(_CONNECTING, call.left))
        except OSError as error:
            refusal = error
            continue
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(call.left)
        return sock
    if isinstance(refusal, TimeoutError):
        raise refusal
    reason = "" if refusal is None or refusal.strerror is None else f": {refusal.strerror}"
    raise NotDelivered(f"no connection{reason}")
