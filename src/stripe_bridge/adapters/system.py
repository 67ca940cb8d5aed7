"""The machine's own clock, chance and names."""

from __future__ import annotations

import gc
import secrets
import time
import uuid
from datetime import UTC, datetime
from random import SystemRandom

# How many objects may be made before the youngest are looked at, and how often that leads to looking at older ones.
_COLLECT = (10_000, 20, 50)


def settle_memory() -> None:
    """Leave what was loaded until now out of the collector's sight, and have it look at the rest less often.

    For a process that is about to serve: reading one webhook makes hundreds of objects, of which none is part of a cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT)


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class SystemDice:
    def jitter(self) -> float:
        return SystemRandom().random()


class SystemIdentifiers:
    def reference(self) -> str:
        return str(uuid.uuid4())

    def secret(self) -> str:
        return secrets.token_urlsafe(32)
