"""The clock of this process: the database's time, carried on by a clock that nobody can set.

Whatever is compared with a time that another process wrote, or Stripe or an identity provider, goes by it. The host's own
clock may be wrong, and may be set at any moment; it counts only until the database was asked, and on SQLite, which has no
clock of its own, at the start of the process.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from stripe_bridge.domain.clock_skew import Skew

_log = logging.getLogger(__name__)
MEASURE_EVERY = 60.0
# In seconds. An answer that took longer says too little: its time may be anywhere in between.
_LONGEST_ROUND_TRIP = 2.0
# Where there is one, it also counts the time in which the machine is suspended.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady_time() -> float:
    return time.clock_gettime(_STEADY)


class _Anchor(NamedTuple):
    """What the reference showed when the steady clock was at `at`, both in seconds."""

    at: float
    shown: float


class AnchoredClock:
    """Threads share it. `wall` is the host's clock, in seconds since the epoch."""

    def __init__(
        self, wall: Callable[[], float] | None = None, steady: Callable[[], float] = steady_time
    ) -> None:
        self._wall, self._steady = wall or time.time, steady
        self._anchor = _Anchor(self._steady(), self._wall())
        self._measured_at = -math.inf
        self._reported = Skew.NONE
        self._reporting = threading.Lock()

    def now(self) -> datetime:
        anchor = self._anchor
        return datetime.fromtimestamp(anchor.shown + self._steady() - anchor.at, UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def skew(self) -> float:
        seconds = self._wall() - self.now().timestamp()
        self._report(seconds)
        return seconds

    def is_measurement_due(self) -> bool:
        return self._steady() - self._measured_at >= MEASURE_EVERY

    def measure(self, read_time: Callable[[], datetime]) -> None:
        """Go by the time that this returns, as of the middle of the call. Raises what it raises."""
        before = self._steady()
        shown = read_time().timestamp()
        after = self._steady()
        self._measured_at = after
        if after - before <= _LONGEST_ROUND_TRIP:
            self._anchor = _Anchor((before + after) / 2, shown)
        self.skew()

    def _report(self, seconds: float) -> None:
        """Log each change once."""
        now = Skew.of(seconds)
        with self._reporting:
            before, self._reported = self._reported, now
        if now is before:
            return
        facts = {"skew_seconds": round(seconds, 1), "makes_changing_calls": now is not Skew.TOO_LARGE}
        if now is Skew.NONE:
            _log.info("clock skew gone", extra=facts)
        else:
            _log.log(logging.ERROR if now is Skew.TOO_LARGE else logging.WARNING, "clock skew", extra=facts)
