"""Returning to an account that lets us in again, be it through another integration than before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from stripe_bridge.domain.integration import Integration
from stripe_bridge.ports.unit_of_work import UnitOfWork


def go_on_with_calls(work: UnitOfWork, integrations: Sequence[Integration | None], now: datetime) -> bool:
    """Whether calls were found that waited outside: what became of them can be looked up from now on."""
    is_any = False
    for integration in filter(None, integrations):
        for seen in work.intents.unsettled_of_integration(integration.id):
            waiting = work.intents.find(seen.id, lock=True) or seen
            hastened = waiting.hasten(now)
            if hastened != waiting:
                work.intents.save(hastened)
                is_any = True
    return is_any
