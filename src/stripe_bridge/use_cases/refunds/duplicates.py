"""Refunds that were made twice at Stripe: for an operator to look into."""

from __future__ import annotations

from stripe_bridge.domain.errors.base import RefundNotFound
from stripe_bridge.domain.refund import Refund
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.system import Clock


def find_duplicates(work: UnitOfWork) -> list[tuple[Refund, Refund]]:
    """Those of all tenants, each with the refund that was made first here. Two of which one came to nothing are one."""
    pairs = [(work.refunds.find(each.duplicate_of or 0), each) for each in work.refunds.duplicates()]
    return [
        (first, second)
        for first, second in pairs
        if first is not None and first.is_effective and second.is_effective
    ]


class AcceptDuplicate:
    """Let a refund stand that was made twice: it stays in the ledger, and is not reported any more.

    Raises RefundNotFound, RefundNotDuplicate.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self, tenant_id: str, refund_id: int) -> Refund:
        with self._store.writing() as work:
            refund = work.refunds.find(refund_id)
            if refund is None or refund.tenant_id != tenant_id:
                raise RefundNotFound
            accepted = work.refunds.save(refund.accept_duplicate(self._clock.now()))
            work.commit()
        return accepted
