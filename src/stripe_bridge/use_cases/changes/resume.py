"""Ending what a reader's word has begun, and beginning a new history once a restore has been dealt with."""

from __future__ import annotations

from stripe_bridge.domain.errors.conflicts import NotHeldByReader
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.changes.witness import witness_holds
from stripe_bridge.use_cases.intents.resolve import resume_waiting_intents


class ResumeSends:
    """Declare a reader's contradiction a mistake, as an operator: what it held goes on. Returns the accounts.

    Raises NotHeldByReader.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self, tenant_id: str) -> list[str]:
        now = self._clock.now()
        with self._store.writing() as work:
            # Released accounts count as reconciled, which they are not if the database was restored.
            is_restored = any(hold.is_for_everyone for hold in work.recoveries.open_holds())
            holds = [] if is_restored else witness_holds(work, tenant_id)
            if not holds:
                raise NotHeldByReader
            for hold in holds:
                work.recoveries.release(tenant_id, hold.account_id, now)
                resume_waiting_intents(work, hold.account_id, now)
            work.commit()
        return [hold.account_id for hold in holds]


def begin_history(work: UnitOfWork, tenant_id: str) -> None:
    """If sends are held after a restore, and that is about to end: whoever holds the history before is to notice.

    Call it in a unit of work of its own, since it locks the end of the log.
    """
    if any(hold.released_at is None for hold in work.recoveries.holds_of(tenant_id)):
        work.changes.begin_log(tenant_id)
