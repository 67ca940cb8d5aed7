"""Giving way: while webhooks are coming in, acknowledging them comes first, and stored events are applied in between."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock

# However long a batch took: it may have waited for Stripe, and new events have to be applied, too.
LONGEST_REST = timedelta(seconds=1)
# Webhooks count as coming in while two are no further apart than this. A resting worker checks at this interval.
APART = timedelta(seconds=0.05)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class YieldToReceiving:
    """Rest after a batch that `took` so many seconds, while webhooks are coming in: at most `rest` times as long as it took.

    `wait` waits for a number of seconds, and returns whether it is time to stop.

    All threads of the process rest for the time that any one thread's batch took, so that they apply events for the same
    share of the time however many there are. Whether something came in is judged by ids and not by times, because the clocks
    of two machines differ.
    """

    def __init__(self, store: Store, clock: Clock, *, rest: int) -> None:
        self._store, self._clock, self._rest = store, clock, rest
        self._mutex = threading.Lock()
        self._newest_id: int | None = None
        self._came_in_at = self._rests_until = _LONG_AGO

    def __call__(self, took: float, wait: Callable[[float], bool]) -> None:
        if not self._rest or not self._is_coming_in():
            return
        left = self._rest_after(timedelta(seconds=took))
        while left:
            part = min(left, APART)
            if wait(part.total_seconds()) or not self._is_coming_in():
                return
            left -= part

    def _is_coming_in(self) -> bool:
        with self._store.autocommit() as work:
            newest_id = work.inbox.newest_id()
        now = self._clock.now()
        with self._mutex:
            # The first look has nothing to compare with.
            if self._newest_id not in (None, newest_id):
                self._came_in_at = now
            self._newest_id = newest_id
            return now - self._came_in_at < APART

    def _rest_after(self, worked: timedelta) -> timedelta:
        now = self._clock.now()
        with self._mutex:
            begun_at = max(self._rests_until, now - worked)
            self._rests_until = min(begun_at + worked * (1 + self._rest), now + LONGEST_REST)
            return self._rests_until - now
