"""Recording what was there before the change log."""

from __future__ import annotations

from stripe_bridge.ports.storage.changes import Backfill
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock

_BATCH_SIZE = 200


class RecordExisting:
    """Look through a batch of what was there before the log, or was changed by a release that has none, and record what the
    log does not have. Returns how many were looked through, 0 if none is due."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self) -> int:
        with self._store.reading() as work:
            if not work.existing.is_due(self._clock.now()):
                return 0
        with self._store.writing() as work:
            looked_through = work.existing.record(self._clock.now(), _BATCH_SIZE)
            work.commit()
        return looked_through


class ShowBackfill:
    """How far that has come."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self) -> Backfill:
        with self._store.reading() as work:
            return work.existing.progress()
