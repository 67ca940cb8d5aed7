"""Time, chance, and whether the process is to stop."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let others work. Never call it inside a transaction."""
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


def never_stopping() -> bool:
    """The default of `is_stopping`, which long work asks whether the process is to stop."""
    return False
