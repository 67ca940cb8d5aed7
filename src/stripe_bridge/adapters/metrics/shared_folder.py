"""The folder in which several processes keep their counters, so that each of them can show those of all.

The client library keeps one file for each process and kind of metric. It would name them by process id, and so leave files
behind with each restart. Here a process takes a *place* in the folder, by a lock that ends with the process, however it ends.
Whoever takes the place next continues with the counters found there: no counter ever falls, and the folder does not grow.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from prometheus_client import CollectorRegistry, values
from prometheus_client.core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

_log = logging.getLogger(__name__)
# The client library reads it, too.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "stripe-bridge-metrics-"
# In bytes, and taken at once: writing to a mapped file for which the disk has no room later would kill the process.
_FILES = {"counter": 1 << 16, "histogram": 1 << 20}


def share_with_siblings() -> Path | None:
    """Share counters with the other processes that the same parent has started. For the start of such a process.

    PROMETHEUS_MULTIPROC_DIR, if it is set, names another folder, for more processes than these. Returns the folder, if there
    is one to share.
    """
    if named := os.environ.get(VARIABLE):
        return Path(named)
    parent = multiprocessing.parent_process()
    if parent is None or parent.pid is None:
        return None
    try:
        _remove_abandoned()
        folder = _folder_of_children(parent.pid)
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.geteuid():
            raise PermissionError(f"{folder} belongs to another user")
    except OSError as error:
        _log.warning("metrics not shared between processes", extra={"reason": str(error)})
        return None
    os.environ[VARIABLE] = str(folder)
    return folder


def remove_folder_of_children(parent_pid: int) -> None:
    """When they have ended, or are about to."""
    shutil.rmtree(_folder_of_children(parent_pid), ignore_errors=True)


def _folder_of_children(parent_pid: int) -> Path:
    """Found by each of them without being told. A parent that replaces its program, as dramatiq's does, stays the same."""
    return Path(tempfile.gettempdir()) / f"{_PREFIX}{parent_pid}-{_started_at(parent_pid)}"


def _started_at(pid: int) -> str:
    """In the kernel's ticks since boot, so that a process id that is used again is told apart."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return "0"


def _remove_abandoned() -> None:
    """What processes that were killed left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and folder != _folder_of_children(int(pid)) and not any(places(folder)):
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Place:
    """The number of a place that is taken, and the process that has it."""

    number: int
    pid: int


class OwnPlace:
    """The place of this process; another one after a fork."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number, self._lock, self._is_taken = -1, -1, False
        os.register_at_fork(after_in_child=self._leave)

    def __call__(self) -> int:
        """Its number. The client library asks for it each time it counts, so the system is not asked which process this is."""
        if not self._is_taken:
            self._take()
        return self._number

    def _leave(self) -> None:
        self._is_taken = False

    def _take(self) -> None:
        if self._lock != -1:
            # The parent's, which it keeps: only the copy that the fork made is closed.
            os.close(self._lock)
        self._number = 0
        while (lock := _try_lock(_lock_of(self._folder, self._number))) is None:
            self._number += 1
        self._lock, self._is_taken = lock, True
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        for kind, size in _FILES.items():
            _reserve(self._folder / f"{kind}_{self._number}.db", size)


@cache
def join(folder: Path) -> None:
    """Keep this process's counters in the folder. Those that were made before stay where they are. Raises OSError."""
    # What the client library goes by if the rest fails: it has read the variable, too.
    values.ValueClass = values.MutexValue
    folder.mkdir(parents=True, exist_ok=True)
    place = OwnPlace(folder)
    place()
    values.ValueClass = values.MultiProcessValue(place)  # type: ignore[no-untyped-call]  # the library has no types there


def counted_in(folder: Path) -> CollectorRegistry:
    """The counters of all processes that have, or had, a place in the folder."""
    registry = CollectorRegistry()
    registry.register(_Together(folder))
    return registry


def places(folder: Path) -> Iterator[Place]:
    """Those that are taken."""
    for path in sorted(folder.glob("place_*.lock")):
        with contextlib.suppress(OSError, ValueError), path.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                yield Place(int(path.stem.removeprefix("place_")), int(lock.read()))


class _Together:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        files = [str(path) for path in self._folder.glob("*.db") if path.stat().st_size]
        yield from MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]  # the library has no types there


def _lock_of(folder: Path, number: int) -> Path:
    return folder / f"place_{number}.lock"


def _try_lock(path: Path) -> int | None:
    """Its descriptor, which holds the lock until it is closed, if no other process has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _reserve(path: Path, size: int) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, size)
    finally:
        os.close(descriptor)
