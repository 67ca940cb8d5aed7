"""Time, chance, and whether the process is to stop."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, UTC. All processes show the same, whatever the clocks of their hosts show."""
        ...

    def skew(self) -> float:
        """By how many seconds the host's clock is ahead of this one."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let others work. Never call it inside a transaction."""
        ...


class Anchor(Protocol):
    """What keeps a clock to the time of the database."""

    def is_measurement_due(self) -> bool: ...

    def measure(self, read_time: Callable[[], datetime]) -> None:
        """Read the database's time. Never called inside a transaction. Raises what `read_time` raises."""
        ...


class Randomness(Protocol):
    def jitter(self) -> float:
        """Uniform in [0, 1]: spreads retries. Not for secrets."""
        ...


class Identifiers(Protocol):
    def reference(self) -> str:
        """A new id, unique over all installations: at most 64 characters of [a-z0-9-]."""
        ...

    def secret(self) -> str:
        """A new bearer secret of 256 random bits, URL-safe."""
        ...

    def signing_key(self) -> bytes:
        """A new one of 256 random bits."""
        ...


def never_stopping() -> bool:
    """The default of `is_stopping`, which long work asks whether the process is to stop."""
    return False
