"""wrk, which plays prepared webhooks over kept-alive connections as fast as they are acknowledged."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.load.payloads import Numbers, Template, write_requests

CONNECTIONS = 16
THREADS = 2
_SCRIPT = Path(__file__).with_name("play.lua")
_SHARED_MEMORY = Path("/dev/shm")
_MARK = "RESULT "
_PAUSE = 0.5
# So many times in a row: on a machine that is busy with other things, one request may take longer than a pause.
_UNCHANGED = 4


class LoadFailed(Exception):
    """The round does not count: something was refused or failed."""


@dataclass(frozen=True)
class Played:
    """What a turn achieved. `latencies`, in milliseconds, has the exact one of each acknowledgement."""

    acknowledged: int
    seconds: float
    latencies: tuple[float, ...]

    @property
    def per_second(self) -> float:
        return self.acknowledged / self.seconds


Stored = Callable[[], int]


def ensure_wrk() -> None:
    """Install wrk if possible. Raises LoadFailed if not."""
    if shutil.which("wrk"):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-y", "-qq", "wrk"], check=True, stdout=subprocess.DEVNULL)
    if not shutil.which("wrk"):
        raise LoadFailed(
            "wrk is needed to send the load. Install it; on Debian and Ubuntu with `apt-get install wrk`."
        )


class Wrk:
    """Plays events made from the template, each once in the whole run."""

    def __init__(self, template: Template, numbers: Numbers) -> None:
        self._template, self._numbers = template, numbers
        self._rates: dict[str, float] = {}

    def play(self, url: str, seconds: float, stored: Stored) -> Played:
        """One turn. Raises LoadFailed unless every answer was a 200, and everything acknowledged is stored."""
        # Twice as many requests as last time needed. The first time, a short trial, which also warms up, shows how many.
        rate = self._rates.get(url) or self._enough(url, 1, stored, count=2_000).per_second
        count = int(2 * rate * seconds) + 50 * CONNECTIONS
        played = self._enough(url, seconds, stored, count)
        self._rates[url] = played.per_second
        return played

    def _enough(self, url: str, seconds: float, stored: Stored, count: int) -> Played:
        while (played := self._play(url, seconds, stored, count)) is None:
            count *= 4
        return played

    def _play(self, url: str, seconds: float, stored: Stored, count: int) -> Played | None:
        """None if there were too few requests for the time."""
        before = settled(stored)
        with _folder() as folder:
            stem = folder / "requests"
            files = [stem.with_suffix(f".{number}") for number in range(THREADS)]
            write_requests(files, url, map(self._template.payload, self._numbers.take(count)))
            played = _wrk(url, stem, seconds)
        if played is not None:
            check_stored(played.acknowledged, stored() - before)
        return played

    @contextmanager
    def delivering(self, url: str, payloads: Sequence[bytes]) -> Iterator[None]:
        """Send each of these once, over as many connections, while the caller watches the effects.

        A thread of wrk that has nothing left sends its last request again.
        """
        with _folder() as folder:
            stem = folder / "requests"
            files = [stem.with_suffix(f".{number}") for number in range(THREADS)]
            # Before it starts, wrk takes the very first request as a sample, and does not send it.
            write_requests(files, url, iter([payloads[0], *payloads[1:2], payloads[0], *payloads[2:]]))
            with subprocess.Popen(_command(url, stem, 3600), stdout=subprocess.DEVNULL) as wrk:
                yield
                wrk.kill()


def settled(stored: Stored) -> int:
    """The number stored, once the requests that an earlier turn left under way have arrived."""
    now, unchanged = stored(), 0
    while unchanged < _UNCHANGED:
        time.sleep(_PAUSE)
        before, now = now, stored()
        unchanged = unchanged + 1 if now == before else 0
    return now


def check_stored(acknowledged: int, stored: int) -> None:
    """When the time is up, each connection may have one request under way, which is stored but no longer counted."""
    if not acknowledged <= stored <= acknowledged + CONNECTIONS:
        raise LoadFailed(f"{acknowledged} acknowledged, {stored} stored")


def _command(url: str, stem: Path, seconds: float) -> list[str]:
    # wrk accepts only whole seconds.
    load = ["wrk", f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "--timeout", "10s"]
    return [*load, "-s", str(_SCRIPT), url, "--", str(stem)]


def _wrk(url: str, stem: Path, seconds: float) -> Played | None:
    done = subprocess.run(_command(url, stem, seconds), capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith(_MARK)]
    if done.returncode or not lines:
        raise LoadFailed(f"wrk: {done.stderr or done.stdout}")
    found: dict[str, Any] = json.loads(lines[0].removeprefix(_MARK))
    if found["failed"] or found["refused"]:
        raise LoadFailed(
            f"{url}: {found['refused']} refused, {found['failed']} failed of {found['requests']}"
        )
    if found["exhausted"]:
        return None
    counts = uncorrected(dict(found["latencies"]), found["microseconds"], found["requests"])
    return Played(
        acknowledged=found["requests"],
        seconds=found["microseconds"] / 1e6,
        latencies=tuple(value / 1000 for value in sorted(counts) for _ in range(counts[value])),
    )


def uncorrected(counts: dict[int, int], microseconds: int, requests: int) -> dict[int, int]:
    """How often each latency was really measured, computed from wrk's counts.

    For each latency that is longer than usual, wrk adds latencies that it has not measured: those of the requests that
    could have been made meanwhile. pgbench does not, so the two could not be compared. What wrk added is subtracted
    again, from the longest latency down. Raises LoadFailed if the result does not match the number of requests.
    """
    measured = dict(counts)
    usual = microseconds // (requests // CONNECTIONS or 1)
    for value in sorted(counts, reverse=True):
        if not measured[value]:
            continue
        for added in range(value - usual, usual, -usual):
            measured[added] -= measured[value]
    total = sum(measured.values())
    if min(measured.values(), default=0) < 0 or abs(total - requests) > CONNECTIONS:
        raise LoadFailed(f"wrk measured {total} latencies of {requests} requests")
    return measured


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder in memory if possible: writing hundreds of megabytes to the disk would slow down every commit."""
    parent = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="stripe-bridge-bench-", dir=parent) as name:
        yield Path(name)
