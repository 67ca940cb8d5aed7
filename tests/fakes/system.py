"""A clock that stands still, dice that always fall the same way, and identifiers in sequence."""

import threading
from datetime import UTC, datetime, timedelta
from itertools import count

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


class FrozenClock:
    """Moves only when told to: `sleep` advances it instead of waiting."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._lock = threading.Lock()
        self.host_ahead = 0.0

    def now(self) -> datetime:
        return self._now

    def skew(self) -> float:
        return self.host_ahead

    def sleep(self, seconds: float) -> None:
        self.advance(seconds=seconds)

    def advance(self, delta: timedelta = timedelta(), *, seconds: float = 0.0) -> datetime:
        """Advance it; returns the new time."""
        with self._lock:
            self._now += delta + timedelta(seconds=seconds)
            return self._now


class FixedRandomness:
    def __init__(self, jitter: float = 1.0) -> None:
        self._jitter = jitter

    def jitter(self) -> float:
        return self._jitter


class SequentialIdentifiers:
    """`ref-1`, `ref-2` …; `secret-1` …; keys of 32 bytes that end in their number."""

    def __init__(self) -> None:
        self._references = count(1)
        self._secrets = count(1)
        self._keys = count(1)

    def reference(self) -> str:
        return f"ref-{next(self._references)}"

    def secret(self) -> str:
        return f"secret-{next(self._secrets)}"

    def signing_key(self) -> bytes:
        return next(self._keys).to_bytes(32)
