"""Giving way: while webhooks come in, they are acknowledged first, and what is stored is applied in between."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from stripe_bridge.ports.timing import Clock
from stripe_bridge.ports.unit_of_work import Store

# However long a batch took: it may have waited for Stripe, and what comes in is to be applied, too.
LONGEST_REST = timedelta(seconds=1)
# They come in as long as two are no further apart. So often whoever rests looks whether they still do.
APART = timedelta(seconds=0.05)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class GiveWay:
    """Rest after a batch that took so many seconds, as long as webhooks come in: `rest` times as long as it took, at most.

    `wait` waits for so many seconds, and tells whether it is time to stop.

    What one thread's batch took, all threads of the process rest for: so they apply for the same part of the time, however
    many there are. That something came in is known by its id, and not by its age: clocks of two machines differ.
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
        with self._store.glancing() as work:
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
