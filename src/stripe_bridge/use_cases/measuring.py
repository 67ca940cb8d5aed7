"""Measuring what waits, for those who watch the service."""

from __future__ import annotations

from stripe_bridge.ports.measurements import Backlog
from stripe_bridge.ports.timing import Clock
from stripe_bridge.ports.unit_of_work import Store


class MeasureBacklog:
    """Of the whole service, as its database has it. Raises StoreUnavailable."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self) -> Backlog:
        with self._store.reading() as work:
            return Backlog(
                events=work.inbox.backlog(), intents=work.intents.backlog(), measured_at=self._clock.now()
            )
