"""Giving way: while webhooks come in, they are acknowledged first, and what is stored is applied in between."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from stripe_bridge.ports.timing import Clock
from stripe_bridge.ports.unit_of_work import Store

# However long a batch took: it may have waited for Stripe, and what comes in is to be applied, too.
LONGEST_REST = timedelta(seconds=1)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class GiveWay:
    """How many seconds whoever has just applied a batch rests before the next one, given how many that one took.

    None, when nothing was stored since the last one; else `rest` times as long as it took. What one thread's batch took,
    all threads of the process rest for: so they apply for the same part of the time, however many there are.

    What was stored is known by its id, and not by its age: the clocks of two machines differ by more than a batch takes.
    """

    def __init__(self, store: Store, clock: Clock, *, rest: int) -> None:
        self._store, self._clock, self._rest = store, clock, rest
        self._mutex = threading.Lock()
        self._newest_id: int | None = None
        self._rests_until = _LONG_AGO

    def __call__(self, took: float) -> float:
        if not self._rest:
            return 0.0
        with self._store.glancing() as work:
            newest_id = work.inbox.newest_id()
        now, worked = self._clock.now(), timedelta(seconds=took)
        with self._mutex:
            # The first look has nothing to compare with.
            is_quiet = self._newest_id in (None, newest_id)
            self._newest_id = newest_id
            if is_quiet:
                return 0.0
            begun_at = max(self._rests_until, now - worked)
            self._rests_until = min(begun_at + worked * (1 + self._rest), now + LONGEST_REST)
            return (self._rests_until - now).total_seconds()
