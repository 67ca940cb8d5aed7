"""Repairing receivers: webhook endpoints in a connected account itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from stripe_bridge.domain.errors.rules import IntegrationNotConnected
from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.receiver import SUBSCRIBED_EVENTS, Receiver, ReceiverKind, endpoint_problems
from stripe_bridge.domain.stripe_objects import METADATA_KIND, METADATA_REFERENCE, WebhookEndpoint
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.stripe.errors import GatewayRefused
from stripe_bridge.ports.stripe.receivers import ReceiverGateway
from stripe_bridge.ports.system import Clock
from stripe_bridge.ports.vault import Vault, can_open


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
            elif endpoint_problems(endpoint, url, self._gateway.api_version):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The state of one kind of receiver. `endpoint` is the one at Stripe whose secret is stored here, if there is one.

    `strays` were created by us for the same kind and URL, but their secrets are not stored: their events are refused.
    """

    known: Receiver | None
    endpoint: WebhookEndpoint | None
    faults: tuple[str, ...]
    must_replace: bool
    strays: tuple[str, ...]

    @property
    def is_in_order(self) -> bool:
        return self.endpoint is not None and not self.faults and not self.strays


class RepairEndpointStep:
    """Whatever it finds, the result is the same, so it may be done any number of times."""

    def __init__(self, store: Store, clock: Clock, gateway: ReceiverGateway, vault: Vault) -> None:
        self._store, self._clock, self._gateway, self._vault = store, clock, gateway, vault

    def standing(self, kind: ReceiverKind, url: str, at_stripe: Sequence[WebhookEndpoint]) -> Standing:
        with self._store.reading() as work:
            known = next(iter(work.receivers.of_kinds([kind])), None)
        known_id = None if known is None else known.stripe_endpoint_id
        endpoint = next((each for each in at_stripe if each.id == known_id), None)
        faults = [] if endpoint is None else endpoint_problems(endpoint, url, self._gateway.api_version)
        is_secret_lost = (
            endpoint is not None and known is not None and not can_open(self._vault, known.sealed_secret)
        )
        if is_secret_lost:
            faults.append("its signing secret cannot be opened with ENCRYPTION_KEYS")
        return Standing(
            known=known,
            endpoint=endpoint,
            faults=tuple(faults),
            must_replace=is_secret_lost
            or (endpoint is not None and endpoint.api_version != self._gateway.api_version),
            strays=tuple(
                each.id
                for each in at_stripe
                if each.id != known_id and each.url == url and each.metadata.get(METADATA_KIND) == kind.value
            ),
        )

    def find_effect(self, intent: Intent) -> WebhookEndpoint | None:
        """Its secret was shown once and got lost with the answer: there can only be a stray."""
        return None

    def call(self, intent: Intent) -> WebhookEndpoint:
        kind, url = ReceiverKind(intent.parameters["kind"]), intent.parameters["url"]
        standing = self.standing(kind, url, self._gateway.endpoints(None))
        for stray in standing.strays:
            self._gateway.delete_endpoint(account_id=None, endpoint_id=stray)
        endpoint = standing.endpoint
        if endpoint is not None and not standing.must_replace:
            if standing.faults:
                self._gateway.repair_endpoint(
                    account_id=None, endpoint_id=endpoint.id, url=url, events=SUBSCRIBED_EVENTS
                )
            return endpoint
        if endpoint is not None:
            self._gateway.delete_endpoint(account_id=None, endpoint_id=endpoint.id)
        return self._gateway.create_endpoint(
            account_id=None,
            url=url,
            connect=kind is ReceiverKind.CONNECT,
            events=SUBSCRIBED_EVENTS,
            metadata={METADATA_REFERENCE: intent.reference, METADATA_KIND: kind.value},
            key=intent.idempotency_key,
        )

    def on_success(self, work: UnitOfWork, intent: Intent, result: WebhookEndpoint) -> Intent | None:
        kind, now = ReceiverKind(intent.parameters["kind"]), self._clock.now()
        url = intent.parameters["url"]
        for known in work.receivers.of_kinds([kind]):
            if known.stripe_endpoint_id == result.id:
                work.receivers.save(replace(known, enabled=True, url=url, checked_at=now))
            else:
                work.receivers.remove(known.id)
        if result.secret is not None:
            work.receivers.add(
                Receiver(
                    id=0,
                    kind=kind,
                    integration_id=None,
                    stripe_endpoint_id=result.id,
                    url=url,
                    sealed_secret=self._vault.seal(result.secret),
                    enabled=result.enabled,
                    created_at=now,
                    checked_at=now,
                )
            )
        return None

    def on_refusal(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        return None
