"""Events of connected accounts: their snapshot, and whether our access was revoked."""

from __future__ import annotations

from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.stripe_objects import AccountSnapshot
from stripe_bridge.domain.webhook_event import SkipReason, StripeEvent
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.ports.stripe.connect import ConnectGateway
from stripe_bridge.ports.stripe.errors import AccessRevoked
from stripe_bridge.ports.stripe.snapshots import Snapshots
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.integrations.account import mark_access_revoked
from stripe_bridge.use_cases.webhook_events.handlers.handler import (
    Applied,
    Fetched,
    HandlerResult,
    NeedsRefetch,
    Skipped,
)


class AccountUpdatedHandler:
    """`account.updated`: a payload does not show its age, so if the snapshot differs, the current one is fetched."""

    def __init__(self, gateway: ConnectGateway, snapshots: Snapshots, clock: Clock) -> None:
        self._gateway, self._snapshots, self._clock = gateway, snapshots, clock

    def fetch(self, account_id: str, event: StripeEvent) -> AccountSnapshot:
        return self._gateway.account(account_id)

    def apply(
        self,
        work: UnitOfWork,
        account_id: str,
        event: StripeEvent,
        fetched: Fetched[AccountSnapshot] | None,
    ) -> HandlerResult:
        integration = _connected(work, account_id)
        if integration is None:
            return Skipped(SkipReason.DISCONNECTED)
        if fetched is not None and fetched.version == integration.version:
            refreshed = integration.refresh(fetched.current, self._clock.now())
            if refreshed != integration:
                work.integrations.save(refreshed)
            return Applied()
        if not event.is_thin and self._snapshots.account(event.object) == integration.snapshot:
            return Applied()
        return NeedsRefetch(integration.version)


class DeauthorizedHandler:
    """`account.application.deauthorized`: believed only after a probe, since it may be older than a reconnect."""

    def __init__(self, gateway: ConnectGateway, clock: Clock, client_id: str) -> None:
        self._gateway, self._clock, self._client_id = gateway, clock, client_id

    def fetch(self, account_id: str, event: StripeEvent) -> bool:
        """Whether there still is access to the account."""
        try:
            self._gateway.account(account_id)
        except AccessRevoked:
            return False
        return True

    def apply(
        self, work: UnitOfWork, account_id: str, event: StripeEvent, fetched: Fetched[bool] | None
    ) -> HandlerResult:
        if event.object.get("id") != self._client_id:
            return Skipped(SkipReason.OTHER_APPLICATION)
        integration = _connected(work, account_id)
        if integration is None:
            return Applied()
        if fetched is None or fetched.version != integration.version:
            return NeedsRefetch(integration.version)
        if fetched.current:
            return Skipped(SkipReason.STILL_CONNECTED)
        mark_access_revoked(work, integration, self._clock.now())
        return Applied()


def _connected(work: UnitOfWork, account_id: str) -> Integration | None:
    integration = work.integrations.find_by_account(account_id, lock=True)
    return integration if integration is not None and integration.connected else None
