"""Deleting what is no longer needed."""

from __future__ import annotations

from datetime import timedelta

from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock

# For this long, a merchant who comes back too late still learns why it did not work.
_STATE_RETENTION = timedelta(days=1)
# Events per transaction: on SQLite, it holds the only write lock.
_BATCH_SIZE = 500


class PurgePayloads:
    """Delete the payloads of finished events that were stored longer than `after` ago, a batch at a time. Returns whether
    there may be more.

    Payloads are most of what is stored, and contain personal data. The record that an event arrived is kept, so that it is
    never applied a second time. An `after` of zero keeps payloads forever.
    """

    def __init__(self, store: Store, clock: Clock, after: timedelta) -> None:
        self._store, self._clock, self._after = store, clock, after

    def __call__(self) -> bool:
        if not self._after:
            return False
        with self._store.writing() as work:
            seen = work.inbox.purge_payloads(self._clock.now() - self._after, _BATCH_SIZE)
            work.commit()
        # Events expire as steadily as they once arrived, so there is always one more: only a full batch means more work.
        return seen >= _BATCH_SIZE


class PurgeOAuthStates:
    """Remove authorizations, used or not, that expired a day ago; how many there were."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self) -> int:
        with self._store.writing() as work:
            removed = work.oauth_states.remove_expired_before(self._clock.now() - _STATE_RETENTION)
            work.commit()
        return removed
