"""Returning to an account that lets us in again, be it through another integration than before."""

from __future__ import annotations

from datetime import datetime

from stripe_bridge.ports.unit_of_work import UnitOfWork


def go_on_with_calls(work: UnitOfWork, account_id: str, now: datetime) -> bool:
    """Whether calls were found that waited outside: what became of them can be looked up from now on."""
    is_any = False
    for seen in work.intents.unsettled_in_account(account_id):
        waiting = work.intents.find(seen.id, lock=True) or seen
        hastened = waiting.hasten(now)
        if hastened != waiting:
            work.intents.save(hastened)
            is_any = True
    return is_any
