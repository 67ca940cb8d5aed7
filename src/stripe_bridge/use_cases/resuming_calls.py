"""Resuming calls on an account that lets us in again, even through another integration than before."""

from __future__ import annotations

from datetime import datetime

from stripe_bridge.ports.unit_of_work import UnitOfWork


def resume_calls(work: UnitOfWork, account_id: str, now: datetime) -> bool:
    """Make the waiting calls in this account due now, since Stripe can be looked at again. Whether there were any."""
    is_any = False
    for seen in work.intents.unsettled_in_account(account_id):
        waiting = work.intents.find(seen.id, lock=True) or seen
        hastened = waiting.hasten(now)
        if hastened != waiting:
            work.intents.save(hastened)
            is_any = True
    return is_any
