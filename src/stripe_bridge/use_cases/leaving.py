"""Leaving an account that has revoked our access, however we learned of it."""

from __future__ import annotations

from datetime import datetime

from stripe_bridge.domain.integration import Integration
from stripe_bridge.ports.unit_of_work import UnitOfWork


def leave_account(work: UnitOfWork, integration: Integration, now: datetime) -> None:
    """As after a disconnect from our side: forget the token and the secrets of the account's own receivers."""
    work.integrations.save(integration.disconnect(now))
    for receiver in work.receivers.of_integration(integration.id):
        work.receivers.remove(receiver.id)
