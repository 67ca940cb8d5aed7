"""Backpressure: while webhooks are coming in, acknowledging them comes first, and stored events are applied in between."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock

# However long a batch took: it may have waited for Stripe, and new events have to be applied, too.
MAX_PAUSE = timedelta(seconds=1)
# Webhooks count as coming in while two are no further apart than this. A pausing worker checks at this interval.
QUIET_AFTER = timedelta(seconds=0.05)
_DISTANT_PAST = datetime.min.replace(tzinfo=UTC)


class YieldToReceiving:
    """Pause after a batch that `took` so many seconds, while webhooks are coming in: at most `pause_factor` times as long.

    `wait` waits for a number of seconds, and returns whether it is time to stop.

    All threads of the process pause for the time that any one thread's batch took, so that they apply events for the same
    share of the time however many there are. Whether webhooks come in is seen from ids and not from times, because the clocks
    of two machines differ.
    """

    def __init__(self, store: Store, clock: Clock, *, pause_factor: int) -> None:
        self._store, self._clock, self._pause_factor = store, clock, pause_factor
        self._mutex = threading.Lock()
        self._newest_id: int | None = None
        self._last_received_at = self._paused_until = _DISTANT_PAST

    def __call__(self, took: float, wait: Callable[[float], bool]) -> None:
        if not self._pause_factor or not self._is_receiving():
            return
        left = self._pause_after(timedelta(seconds=took))
        while left:
            part = min(left, QUIET_AFTER)
            if wait(part.total_seconds()) or not self._is_receiving():
                return
            left -= part

    def _is_receiving(self) -> bool:
        with self._store.autocommit() as work:
            newest_id = work.inbox.newest_id()
        now = self._clock.now()
        with self._mutex:
            # The first time there is nothing to compare with.
            if self._newest_id not in (None, newest_id):
                self._last_received_at = now
            self._newest_id = newest_id
            return now - self._last_received_at < QUIET_AFTER

    def _pause_after(self, worked: timedelta) -> timedelta:
        now = self._clock.now()
        with self._mutex:
            begun_at = max(self._paused_until, now - worked)
            self._paused_until = min(begun_at + worked * (1 + self._pause_factor), now + MAX_PAUSE)
            return self._paused_until - now
