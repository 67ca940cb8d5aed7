"""How many connections may be open, how many of them may have an unfinished request, and how slowly those may send.

A request is unfinished until its head and body have arrived. Until then anyone can hold a connection and memory, since it has
shown no credential, or none that could be checked. At a limit the oldest unfinished request gives way: an honest one takes
milliseconds, and so is among the newest. Requests that are being served, or wait for that, are never touched.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

_log = logging.getLogger(__name__)
DEFAULT_UNFINISHED = 1000
# Half a hundred of the longest bodies. With what Python needs for a thousand connections, this is the most that they take.
_UNFINISHED_BYTES = 48 * 1024 * 1024
# For the database, Redis, Stripe and files. Without free descriptors uvloop disconnects newcomers, and nothing says so.
_RESERVED_DESCRIPTORS = 256
# Longer bodies take turns: this many are read from in a turn of the event loop. Read as they come, a thousand of them would
# keep it busy for seconds.
LONG_BODY = 16 * 1024
_READ_AT_ONCE = 4
# In seconds, and in bytes a second.
HEAD_TIMEOUT = 10.0
BODY_TIMEOUT = 30.0
SLOWEST_BODY = 1024
# In seconds, and how many are closed each time at most. Those that came together are late together, and whoever comes back
# a second later would otherwise come back with all of them.
TIME_OUT_EVERY, TIMED_OUT_AT_ONCE = 0.1, 100
_SECONDS_BETWEEN_REPORTS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Of a process. `unfinished_bytes` is what unfinished requests may hold in all."""

    unfinished: int = DEFAULT_UNFINISHED
    unfinished_bytes: int = _UNFINISHED_BYTES
    connections: int = 1_000_000

    @classmethod
    def for_descriptors(cls, descriptors: int, *, unfinished: int) -> ConnectionLimits:
        """For a process that may have this many open at once; at most half of them for unfinished requests."""
        reserved = min(_RESERVED_DESCRIPTORS, descriptors // 4)
        return cls(
            unfinished=max(1, min(unfinished, descriptors // 2)),
            connections=max(1, descriptors - reserved),
        )


class Client(Protocol):
    """A connection, as seen from here."""

    @property
    def is_paused(self) -> bool:
        """Whether it is us who do not read."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def time_out(self) -> None:
        """Answer 408 if that is possible, and close."""

    def close_idle(self) -> None: ...


@dataclass(slots=True)
class _Unfinished:
    """`since` is when its head began, or its body; `received` counts what came after that, `held` what is in memory."""

    since: float
    is_in_body: bool = False
    received: int = 0
    held: int = 0

    def is_late(self, now: float) -> bool:
        seconds = now - self.since
        if not self.is_in_body:
            return seconds > HEAD_TIMEOUT
        return seconds > BODY_TIMEOUT and self.received < (seconds - BODY_TIMEOUT) * SLOWEST_BODY


class Connections:
    """The open connections of an event loop. Dicts keep the order in which clients were added: the oldest is the first."""

    def __init__(self, limits: ConnectionLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._unfinished: dict[Client, _Unfinished] = {}
        self._idle: dict[Client, None] = {}
        self._turns: deque[Client] = deque()
        self._open = self._held = 0
        self._checked_at = clock()
        self._reported_at = -_SECONDS_BETWEEN_REPORTS
        self._closed = 0

    def opened(self, client: Client) -> None:
        self._open += 1
        self.begun(client)
        if self._open > self._limits.connections:
            self._make_room()

    def lost(self, client: Client) -> None:
        self._open -= 1
        self._idle.pop(client, None)
        self._release(client)

    def begun(self, client: Client) -> None:
        """A request may begin, or has begun; the newest one never gives way."""
        if client in self._unfinished:
            return
        self._idle.pop(client, None)
        self._unfinished[client] = _Unfinished(self._clock())
        if len(self._unfinished) > self._limits.unfinished:
            self._give_way("unfinished requests at their limit")

    def head_complete(self, client: Client) -> None:
        if request := self._unfinished.get(client):
            request.since, request.is_in_body, request.received = self._clock(), True, 0

    def received(self, client: Client, size: int, *, is_kept: bool) -> None:
        request = self._unfinished.get(client)
        if request is None:
            return
        request.received += size
        if is_kept:
            request.held += size
            self._held += size
            while self._held > self._limits.unfinished_bytes and len(self._unfinished) > 1:
                self._give_way("unfinished requests hold too many bytes")
        if request.received > LONG_BODY and client in self._unfinished:
            self._wait_for_turn(client)

    def complete(self, client: Client) -> None:
        """The whole request has arrived."""
        self._release(client)

    def idle(self, client: Client) -> None:
        """Everything that has arrived is answered."""
        if client not in self._unfinished:
            self._idle[client] = None

    def time_out_late(self) -> None:
        """Call this every `TIME_OUT_EVERY` seconds. While we do not read from a client, its time does not run."""
        now, left = self._clock(), TIMED_OUT_AT_ONCE
        elapsed, self._checked_at = now - self._checked_at, now
        for client, request in list(self._unfinished.items()):
            if client.is_paused:
                request.since += elapsed
            elif left and request.is_late(now):
                left -= 1
                self._release(client)
                client.time_out()

    def _wait_for_turn(self, client: Client) -> None:
        if not self._turns:
            asyncio.get_running_loop().call_soon(self._take_turns)
        self._turns.append(client)
        client.pause()

    def _take_turns(self) -> None:
        for _ in range(min(_READ_AT_ONCE, len(self._turns))):
            self._turns.popleft().resume()
        if self._turns:
            asyncio.get_running_loop().call_soon(self._take_turns)

    def _make_room(self) -> None:
        if self._idle:
            client = next(iter(self._idle))
            del self._idle[client]
            client.close_idle()
            self._report("connections at their limit")
        else:
            self._give_way("connections at their limit")

    def _give_way(self, reason: str) -> None:
        oldest = next(iter(self._unfinished))
        self._release(oldest)
        oldest.time_out()
        self._report(reason)

    def _release(self, client: Client) -> None:
        if request := self._unfinished.pop(client, None):
            self._held -= request.held

    def _report(self, reason: str) -> None:
        """Log at intervals and not for each one, so that an attack does not fill up the log as well."""
        self._closed += 1
        now = self._clock()
        if now - self._reported_at >= _SECONDS_BETWEEN_REPORTS:
            _log.warning(
                reason,
                extra={
                    "closed": self._closed,
                    "open": self._open,
                    "unfinished": len(self._unfinished),
                    "bytes": self._held,
                },
            )
            self._reported_at, self._closed = now, 0
