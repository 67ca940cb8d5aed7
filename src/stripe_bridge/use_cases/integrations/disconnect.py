"""Disconnecting an integration: mark it, let what is in flight settle, revoke our access at Stripe."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.intent import Intent, Operation, account_subject
from stripe_bridge.domain.intent_plans import plan_deauthorize
from stripe_bridge.domain.receiver import Receiver
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.stripe.connect import ConnectGateway
from stripe_bridge.ports.stripe.errors import AccessRevoked, CallNotAccepted, GatewayRefused
from stripe_bridge.ports.stripe.receivers import ReceiverGateway
from stripe_bridge.ports.system import Clock, Identifiers
from stripe_bridge.use_cases.integrations.in_flight import ListInFlight
from stripe_bridge.use_cases.intents.settle import SettleIntent
from stripe_bridge.use_cases.intents.wait import wait_until_settled
from stripe_bridge.use_cases.records.refetch import FinalCheck

_log = logging.getLogger(__name__)
# How long calls in flight get to settle before access is revoked, and how long a request waits for that.
GRACE = timedelta(seconds=10)


class DisconnectIntegration:
    """Once this commits, no new calls are made. If Stripe is unreachable, access is revoked later.

    Money that is then still in flight is logged. If the integration is not connected, nothing changes.

    Raises IntegrationNotFound.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        identifiers: Identifiers,
        settle: SettleIntent,
        list_in_flight: ListInFlight,
    ) -> None:
        self._store, self._clock, self._identifiers = store, clock, identifiers
        self._settle, self._list_in_flight = settle, list_in_flight

    def __call__(self, tenant_id: str, integration_id: int) -> Integration:
        deadline = self._clock.now() + GRACE
        integration, revoking = self._mark(tenant_id, integration_id)
        if revoking is not None:
            self._wait_until_settled(revoking, deadline)
            self._log_in_flight(integration)
        return integration

    def _wait_until_settled(self, revoking: Intent, deadline: datetime) -> None:
        """Settle all calls that are due in the account, until access to it is revoked."""

        def read_unsettled() -> Sequence[Intent] | None:
            with self._store.reading() as work:
                unsettled = work.intents.unsettled_in_account(revoking.account_id)
            return unsettled if any(intent.id == revoking.id for intent in unsettled) else None

        wait_until_settled(self._clock, self._settle, read_unsettled, deadline)

    def _log_in_flight(self, integration: Integration) -> None:
        in_flight = self._list_in_flight(integration.tenant_id, integration.id).counts
        if in_flight:
            facts = {"integration_id": integration.id, "account_id": integration.account_id}
            _log.warning("disconnected with money in flight", extra={**facts, "in_flight": dict(in_flight)})

    def _mark(self, tenant_id: str, integration_id: int) -> tuple[Integration, Intent | None]:
        now = self._clock.now()
        with self._store.writing() as work:
            integration = work.integrations.get(tenant_id, integration_id, lock=True)
            account_id = integration.stripe_account_id
            if account_id is None:
                return integration, None
            disconnected = work.integrations.save(integration.disconnect(now))
            revoking = work.intents.find_unsettled(account_subject(account_id))
            if revoking is None:
                reference = self._identifiers.reference()
                plan = plan_deauthorize(disconnected, account_id, reference=reference, now=now)
                revoking = work.intents.add(plan)
            work.commit()
        return disconnected, revoking


class DeauthorizeStep:
    """Remove the account's own receiver and revoke our access to the account, unless a live integration uses it.

    Deauthorizing acts on platform and account, not on our row, so this is checked again before each attempt. Until one
    succeeds, `final_check` checks what is in flight there.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        gateway: ConnectGateway,
        receivers: ReceiverGateway,
        final_check: FinalCheck,
    ) -> None:
        self._store, self._clock, self._gateway, self._receivers = store, clock, gateway, receivers
        self._final_check = final_check

    def find_effect(self, intent: Intent) -> str | None:
        if self._is_in_use(intent.account_id):
            return "in use again"
        self._final_check(intent.account_id)
        try:
            self._gateway.account(intent.account_id)
        except AccessRevoked:
            return "revoked"
        return None

    def call(self, intent: Intent) -> str:
        if self._is_in_use(intent.account_id):
            return "in use again"
        with self._store.reading() as work:
            unsettled = work.intents.unsettled_in_account(intent.account_id)
            receivers = _receivers_to_remove(work, intent)
        in_flight = [other for other in unsettled if other.operation is not Operation.DEAUTHORIZE]
        if in_flight and self._clock.now() - intent.created_at < GRACE:
            raise CallNotAccepted(f"{len(in_flight)} earlier calls are still in flight")
        self._final_check(intent.account_id)
        for receiver in receivers:
            if receiver.stripe_endpoint_id is not None:
                self._remove(intent.account_id, receiver.stripe_endpoint_id)
        # That may have taken so long that another worker finished it, and the merchant has connected again.
        if self._is_in_use(intent.account_id):
            return "in use again"
        self._gateway.deauthorize(intent.account_id)
        return "revoked"

    def on_success(self, work: UnitOfWork, intent: Intent, result: str) -> Intent | None:
        if result == "revoked":
            for receiver in _receivers_to_remove(work, intent):
                work.receivers.remove(receiver.id)
        return None

    def on_refusal(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        """A refusal cannot be compensated: the failed intent stays for operators to see."""
        return None

    def _remove(self, account_id: str, endpoint_id: str) -> None:
        try:
            self._receivers.delete_endpoint(account_id=account_id, endpoint_id=endpoint_id)
        except GatewayRefused:
            # Whatever the reason, revoking our access ends its deliveries.
            return

    def _is_in_use(self, account_id: str) -> bool:
        with self._store.reading() as work:
            holder = work.integrations.find_by_account(account_id)
        return holder is not None and holder.connected


def _receivers_to_remove(work: UnitOfWork, intent: Intent) -> Sequence[Receiver]:
    """The account's own receivers; none if the integration is connected again, or they belong to another account."""
    assert intent.integration_id is not None, "An integration's account is deauthorized"
    integration = work.integrations.find(intent.integration_id)
    if integration is None or integration.connected or integration.account_id != intent.account_id:
        return []
    return work.receivers.of_integration(integration.id)
