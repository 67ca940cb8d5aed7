"""Forgetting what is of no use to anybody any more."""

from __future__ import annotations

from datetime import timedelta

from stripe_bridge.ports.timing import Clock
from stripe_bridge.ports.unit_of_work import Store

# So long, who comes back late is told why it does not work.
_KEPT = timedelta(days=1)
# Events in one transaction: others wait for it, on SQLite.
_AT_ONCE = 500


class ForgetPayloads:
    """Let go of the payloads of events that were stored `after` so long ago and are done with, some at a time; whether there
    was more than is looked at in one go.

    They are most of what is stored, and personal data. What shows that an event came before is kept, so that it is never
    applied a second time. An `after` of zero keeps them for ever.
    """

    def __init__(self, store: Store, clock: Clock, after: timedelta) -> None:
        self._store, self._clock, self._after = store, clock, after

    def __call__(self) -> bool:
        if not self._after:
            return False
        with self._store.writing() as work:
            seen = work.inbox.forget_payloads(self._clock.now() - self._after, _AT_ONCE)
            work.commit()
        # As they came in then, they become old now: there is always another one.
        return seen >= _AT_ONCE


class ForgetAuthorizations:
    """Remove authorizations, used or not, that expired a day ago; how many there were."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self) -> int:
        with self._store.writing() as work:
            removed = work.oauth_states.remove_expired_before(self._clock.now() - _KEPT)
            work.commit()
        return removed
