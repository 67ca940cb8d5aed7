"""Repairing receivers: webhook endpoints in a connected account itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

from stripe_bridge.domain.errors import IntegrationNotConnected
from stripe_bridge.domain.receiver import SUBSCRIBED_EVENTS, Receiver, faults_of
from stripe_bridge.domain.stripe_objects import WebhookEndpoint
from stripe_bridge.ports.receiver_gateway import ReceiverGateway
from stripe_bridge.ports.timing import Clock
from stripe_bridge.ports.unit_of_work import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairedReceivers:
    repaired: int = 0
    removed: int = 0


class RepairReceivers:
    """Repair an integration's own endpoints at Stripe, or remove those that cannot be repaired: the platform's Connect
    endpoint gets the same events.

    Neither needs an intent, as both may be done any number of times. Raises IntegrationNotConnected; may raise GatewayError.
    """

    def __init__(self, store: Store, clock: Clock, gateway: ReceiverGateway, url: str) -> None:
        self._store, self._clock, self._gateway, self._url = store, clock, gateway, url

    def __call__(self, integration_id: int) -> RepairedReceivers:
        with self._store.reading() as work:
            integration = work.integrations.find(integration_id)
            receivers = work.receivers.of_integration(integration_id)
        if integration is None or integration.stripe_account_id is None:
            raise IntegrationNotConnected
        account_id, url = integration.stripe_account_id, f"{self._url}/{integration_id}"
        at_stripe = {endpoint.id: endpoint for endpoint in self._gateway.endpoints(account_id)}
        done = RepairedReceivers()
        for receiver in receivers:
            if receiver.stripe_endpoint_id is None:
                continue
            endpoint = at_stripe.get(receiver.stripe_endpoint_id)
            if endpoint is None or endpoint.api_version != self._gateway.api_version:
                self._remove(account_id, receiver, endpoint)
                done = replace(done, removed=done.removed + 1)
            elif faults_of(endpoint, url, self._gateway.api_version):
                self._repair(account_id, receiver, endpoint, url)
                done = replace(done, repaired=done.repaired + 1)
        return done

    def _remove(self, account_id: str, receiver: Receiver, endpoint: WebhookEndpoint | None) -> None:
        # At Stripe first: if an endpoint went on sending with a secret we no longer have, each event would be refused.
        if endpoint is not None:
            self._gateway.delete_endpoint(account_id=account_id, endpoint_id=endpoint.id)
        with self._store.writing() as work:
            work.receivers.remove(receiver.id)
            work.commit()

    def _repair(self, account_id: str, receiver: Receiver, endpoint: WebhookEndpoint, url: str) -> None:
        self._gateway.repair_endpoint(
            account_id=account_id, endpoint_id=endpoint.id, url=url, events=SUBSCRIBED_EVENTS
        )
        with self._store.writing() as work:
            # Read again: in the meantime its secret may have been sealed with another key, or the account disconnected.
            current = work.receivers.find(receiver.id, lock=True)
            if current is not None:
                now = self._clock.now()
                work.receivers.save(replace(current, enabled=True, url=url, checked_at=now))
            work.commit()
