"""Forgetting what is no longer of use."""

from __future__ import annotations

from datetime import timedelta

from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock

# For this long, a merchant who comes back too late is still told why it did not work.
_KEPT = timedelta(days=1)
# Events per transaction: on SQLite, others wait for it.
_AT_ONCE = 500


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
            seen = work.inbox.purge_payloads(self._clock.now() - self._after, _AT_ONCE)
            work.commit()
        # Events grow old as steadily as they once came in, so there is always one more: only a full batch means more work.
        return seen >= _AT_ONCE


class PurgeOAuthStates:
    """Remove authorizations, used or not, that expired a day ago; how many there were."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self) -> int:
        with self._store.writing() as work:
            removed = work.oauth_states.remove_expired_before(self._clock.now() - _KEPT)
            work.commit()
        return removed
