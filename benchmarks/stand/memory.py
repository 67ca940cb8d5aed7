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
    told = (_PROC / str(pid) / "smaps_rollup").read_text()
    return Memory(own=_of(told, "Pss"), all=_of(told, "Rss"))


def _of(told: str, name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB", told, re.MULTILINE)
    assert found, told
    return int(found[1]) / _KIB_IN_MB
