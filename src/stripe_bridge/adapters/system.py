"""The system's clock, random numbers and identifiers."""

from __future__ import annotations

import gc
import secrets
import time
import uuid
from datetime import UTC, datetime
from random import SystemRandom

# How many objects may be created before the garbage collector checks the youngest, and how often it then checks older ones.
_GC_THRESHOLDS = (10_000, 20, 50)


def freeze_gc() -> None:
    """Hide what has been loaded so far from the garbage collector, and have it check the rest less often.

    For a process that is about to serve: reading one webhook creates hundreds of objects, none of which is part of a cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class SystemRandomness:
    def jitter(self) -> float:
        return SystemRandom().random()


class SystemIdentifiers:
    def reference(self) -> str:
        return str(uuid.uuid4())

    def secret(self) -> str:
        return secrets.token_urlsafe(32)
