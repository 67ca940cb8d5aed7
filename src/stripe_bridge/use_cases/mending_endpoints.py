"""Mending the platform's endpoints: the step that makes sure one exists, once and in order, with its secret stored here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.receiver import SUBSCRIBED_EVENTS, Receiver, ReceiverKind, faults_of
from stripe_bridge.domain.stripe_objects import METADATA_KIND, METADATA_REFERENCE, WebhookEndpoint
from stripe_bridge.ports.gateway_errors import GatewayRefused
from stripe_bridge.ports.receiver_gateway import ReceiverGateway
from stripe_bridge.ports.timing import Clock
from stripe_bridge.ports.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.vault import Vault, opens


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


class MendEndpoint:
    """Whatever it finds, the result is the same, so it may be done any number of times."""

    def __init__(self, store: Store, clock: Clock, gateway: ReceiverGateway, vault: Vault) -> None:
        self._store, self._clock, self._gateway, self._vault = store, clock, gateway, vault

    def standing(self, kind: ReceiverKind, url: str, at_stripe: Sequence[WebhookEndpoint]) -> Standing:
        with self._store.reading() as work:
            known = next(iter(work.receivers.of_kinds([kind])), None)
        known_id = None if known is None else known.stripe_endpoint_id
        endpoint = next((each for each in at_stripe if each.id == known_id), None)
        faults = [] if endpoint is None else faults_of(endpoint, url, self._gateway.api_version)
        is_secret_lost = (
            endpoint is not None and known is not None and not opens(self._vault, known.sealed_secret)
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

    def look(self, intent: Intent) -> WebhookEndpoint | None:
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

    def confirm(self, work: UnitOfWork, intent: Intent, result: WebhookEndpoint) -> Intent | None:
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

    def refuse(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        return None
