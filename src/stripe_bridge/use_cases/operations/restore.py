"""What an operator says after a restore, before the first event shows that something is missing."""

from __future__ import annotations

from stripe_bridge.domain.recovery import EVERYONE, HighestIds, RecoveryHold
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.records.adopt import hold_sends


class BeginRecovery:
    """Hold everyone's sends until their accounts are reconciled, and sign everyone out of the console, since a session that
    was ended after the backup was made would go on. Returns False if sends are held already."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self) -> bool:
        with self._store.writing() as work:
            now = self._clock.now()
            hold = RecoveryHold(tenant_id=EVERYONE, account_id=EVERYONE, held_at=now)
            is_new = hold_sends(work, hold, HighestIds())
            for session in work.console_sessions.not_expired(now) if is_new else ():
                work.console_sessions.revoke(session.id, now)
            work.commit()
        return is_new
