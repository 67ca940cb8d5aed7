"""The system's limits, random numbers and identifiers."""

from __future__ import annotations

import contextlib
import gc
import resource
import secrets
import uuid
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


def open_files_limit() -> int:
    """How many files and connections this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft


def raise_open_files_limit() -> int:
    """To as many as are allowed. Most systems start programs with 1,024. Returns the new limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        # Some systems refuse what they call unlimited.
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return soft


class SystemRandomness:
    def jitter(self) -> float:
        return SystemRandom().random()


class SystemIdentifiers:
    def reference(self) -> str:
        return str(uuid.uuid4())

    def secret(self) -> str:
        return secrets.token_urlsafe(32)

    def signing_key(self) -> bytes:
        return secrets.token_bytes(32)
