"""Requesting a receiver of an account's own, once it is connected. Stripe normally refuses; then the platform's serves it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.intent import Intent, receiver_subject
from stripe_bridge.domain.intent_plans import plan_endpoint
from stripe_bridge.domain.receiver import SUBSCRIBED_EVENTS, Receiver, ReceiverKind
from stripe_bridge.domain.stripe_objects import METADATA_KIND, METADATA_REFERENCE, WebhookEndpoint
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.ports.stripe.errors import GatewayRefused
from stripe_bridge.ports.stripe.receivers import ReceiverGateway
from stripe_bridge.ports.system import Clock, Identifiers
from stripe_bridge.ports.vault import Vault


class RequestReceiver:
    """The intent that requests it; None if there already is a receiver, or an earlier request is not settled yet."""

    def __init__(self, clock: Clock, identifiers: Identifiers, receiver_url: Callable[[int], str]) -> None:
        self._clock, self._identifiers, self._receiver_url = clock, identifiers, receiver_url

    def __call__(self, work: UnitOfWork, before: Integration, account_id: str) -> int | None:
        """`before` is the integration as it was before it was connected to the account."""
        is_there = work.intents.find_unsettled(receiver_subject(before.id)) is not None
        for receiver in work.receivers.of_integration(before.id):
            # One that we requested is in the account that was left, and what it brings would pass for the new account's.
            if before.account_id != account_id and receiver.stripe_endpoint_id is not None:
                work.receivers.remove(receiver.id)
            else:
                is_there = True
        if is_there:
            return None
        url, reference = self._receiver_url(before.id), self._identifiers.reference()
        plan = plan_endpoint(before, account_id, url, reference=reference, now=self._clock.now())
        return work.intents.add(plan).id


class CreateEndpointStep:
    """Ask Stripe for a receiver of the account's own. If Stripe refuses, the platform's Connect endpoint serves it."""

    def __init__(self, gateway: ReceiverGateway, clock: Clock, vault: Vault) -> None:
        self._gateway, self._clock, self._vault = gateway, clock, vault

    def find_effect(self, intent: Intent) -> WebhookEndpoint | None:
        """Its secret was shown only once and is lost, so an endpoint that exists is removed, and then there is none."""
        try:
            existing = self._gateway.endpoints(intent.account_id)
        except GatewayRefused:
            # A platform that may not list an account's endpoints may not create one there either.
            return None
        for endpoint in existing:
            if endpoint.metadata.get(METADATA_REFERENCE) == intent.reference:
                self._gateway.delete_endpoint(account_id=intent.account_id, endpoint_id=endpoint.id)
        return None

    def call(self, intent: Intent) -> WebhookEndpoint | None:
        """None if Stripe does not allow it, which is normal for a Connect platform: that is an answer, not a failure."""
        try:
            return self._gateway.create_endpoint(
                account_id=intent.account_id,
                url=intent.parameters["url"],
                connect=False,
                events=SUBSCRIBED_EVENTS,
                metadata={
                    METADATA_REFERENCE: intent.reference,
                    METADATA_KIND: ReceiverKind.ACCOUNT.value,
                },
                key=intent.idempotency_key,
            )
        except GatewayRefused:
            return None

    def on_success(self, work: UnitOfWork, intent: Intent, result: WebhookEndpoint | None) -> Intent | None:
        if result is None:
            return None
        now = self._clock.now()
        work.receivers.add(
            _receiver(ReceiverKind.ACCOUNT, intent.integration_id, result, self._vault, now=now)
        )
        return None

    def on_refusal(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        return None


def _receiver(
    kind: ReceiverKind,
    integration_id: int | None,
    endpoint: WebhookEndpoint,
    vault: Vault,
    *,
    now: datetime,
) -> Receiver:
    assert endpoint.secret, "Stripe tells the secret in the answer that creates the endpoint"
    return Receiver(
        id=0,
        kind=kind,
        integration_id=integration_id,
        stripe_endpoint_id=endpoint.id,
        url=endpoint.url,
        sealed_secret=vault.seal(endpoint.secret),
        enabled=endpoint.enabled,
        created_at=now,
        checked_at=now,
    )
