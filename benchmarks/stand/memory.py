"""The memory of running processes, as Linux reports it."""

import re
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_KIB_IN_MB = 1_000_000 / 1024


@dataclass(frozen=True)
class Memory:
    """In MB. A page shared by several processes counts in full in `all` (RSS), but only in part in `own` (PSS)."""

    own: float
    all: float


def memory_of(pid: int) -> Memory:
    """The memory of one process."""
    rollup = (_PROC / str(pid) / "smaps_rollup").read_text()
    return Memory(own=_of(rollup, "Pss"), all=_of(rollup, "Rss"))


def _of(rollup: str, name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB", rollup, re.MULTILINE)
    assert found, rollup
    return int(found[1]) / _KIB_IN_MB
