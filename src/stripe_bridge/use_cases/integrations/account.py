"""A connected account: its token, refreshing its snapshot, and what follows when our access to it is revoked."""

from __future__ import annotations

from datetime import datetime

from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.reconciliation import Drift, ReconcileProgress
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.stripe.connect import ConnectGateway
from stripe_bridge.ports.stripe.errors import AccessRevoked
from stripe_bridge.ports.system import Clock
from stripe_bridge.ports.vault import Vault


class AccountTokens:
    """The OAuth token of an account; None once it is disconnected."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store, self._vault = store, vault

    def __call__(self, account_id: str) -> str | None:
        with self._store.reading() as work:
            integration = work.integrations.find_by_account(account_id)
        sealed = None if integration is None else integration.sealed_access_token
        return None if sealed is None else self._vault.open(sealed)


class RefreshAccount:
    """Store the account's current snapshot. Returns whether there still is access; if not, the integration is disconnected.

    May raise GatewayError.
    """

    def __init__(self, store: Store, clock: Clock, gateway: ConnectGateway) -> None:
        self._store, self._clock, self._gateway = store, clock, gateway

    def __call__(self, integration_id: int, progress: ReconcileProgress) -> bool:
        with self._store.reading() as work:
            integration = work.integrations.find(integration_id)
        if integration is None or integration.stripe_account_id is None:
            return True
        try:
            snapshot = self._gateway.account(integration.stripe_account_id)
        except AccessRevoked:
            snapshot = None
        with self._store.writing() as work:
            current = work.integrations.find(integration_id, lock=True)
            # It may have been disconnected and connected again since Stripe was asked.
            if current is None or current.version != integration.version:
                return True
            if snapshot is None:
                mark_access_revoked(work, current, self._clock.now())
            elif current.snapshot != snapshot:
                work.integrations.save(current.refresh(snapshot, self._clock.now()))
                progress.drift[Drift.ACCOUNT_DIFFERS] += 1
            work.commit()
        return snapshot is not None


def mark_access_revoked(work: UnitOfWork, integration: Integration, now: datetime) -> None:
    """As after a disconnect from our side: delete the token and the account's own receivers with their secrets."""
    work.integrations.save(integration.disconnect(now))
    for receiver in work.receivers.of_integration(integration.id):
        work.receivers.remove(receiver.id)
