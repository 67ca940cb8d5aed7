"""After a restore, an operator can hold all sends before the first event shows that something is missing."""

from __future__ import annotations

from stripe_bridge.domain.recovery import EVERYONE, HighestIds, RecoveryHold
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.records.adopt import hold_sends


class HoldAllSends:
    """Hold everyone's sends until their accounts are reconciled. Returns False if they are held already."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self) -> bool:
        with self._store.writing() as work:
            hold = RecoveryHold(tenant_id=EVERYONE, account_id=EVERYONE, held_at=self._clock.now())
            is_new = hold_sends(work, hold, HighestIds())
            work.commit()
        return is_new
