"""Resuming calls on an account that lets us in again, even through another integration than before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from stripe_bridge.domain.integration import Integration
from stripe_bridge.ports.unit_of_work import UnitOfWork


def resume_calls(work: UnitOfWork, integrations: Sequence[Integration | None], now: datetime) -> bool:
    """Make the waiting calls of these integrations due now, since Stripe can be looked at again. Whether there were any."""
    is_any = False
    for integration in filter(None, integrations):
        for seen in work.intents.unsettled_of_integration(integration.id):
            waiting = work.intents.find(seen.id, lock=True) or seen
            hastened = waiting.hasten(now)
            if hastened != waiting:
                work.intents.save(hastened)
                is_any = True
    return is_any
