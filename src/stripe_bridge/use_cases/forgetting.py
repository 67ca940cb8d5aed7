"""Forgetting what is of no use to anybody any more."""

from __future__ import annotations

from datetime import timedelta

from stripe_bridge.ports.timing import Clock
from stripe_bridge.ports.unit_of_work import Store

# So long, who comes back late is told why it does not work.
_KEPT = timedelta(days=1)


class ForgetAuthorizations:
    """Remove authorizations, used or not, that expired a day ago; how many there were."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self) -> int:
        with self._store.writing() as work:
            removed = work.oauth_states.remove_expired_before(self._clock.now() - _KEPT)
            work.commit()
        return removed
