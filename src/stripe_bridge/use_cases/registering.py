"""Registering receivers: the webhook endpoints that Stripe sends events to, and their signing secrets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from stripe_bridge.domain.errors import IntegrationNotFound
from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.receiver import SUBSCRIBED_EVENTS, Receiver, ReceiverKind, faults_of
from stripe_bridge.domain.stripe_objects import METADATA_REFERENCE, WebhookEndpoint
from stripe_bridge.ports.gateway_errors import GatewayRefused
from stripe_bridge.ports.identifiers import Identifiers
from stripe_bridge.ports.receiver_gateway import ReceiverGateway
from stripe_bridge.ports.timing import Clock
from stripe_bridge.ports.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.vault import SealBroken, Vault

METADATA_KIND = "bridge_receiver"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredReceiver:
    """`action` is what was done: created, repaired, or nothing (`in order`); `faults` what had been wrong."""

    kind: ReceiverKind
    endpoint_id: str
    url: str
    action: str
    faults: tuple[str, ...] = ()


class RegisterReceivers:
    """Make the platform's two endpoints at Stripe, or mend what is wrong with them; again is a check.

    An endpoint whose secret we do not have, or of another API version, cannot be mended: it is replaced.
    May raise GatewayError.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        identifiers: Identifiers,
        gateway: ReceiverGateway,
        vault: Vault,
        url: str,
    ) -> None:
        self._store, self._clock, self._identifiers = store, clock, identifiers
        self._gateway, self._vault, self._url = gateway, vault, url

    def __call__(self) -> list[RegisteredReceiver]:
        at_stripe = {endpoint.id: endpoint for endpoint in self._gateway.endpoints(None)}
        return [self._register(kind, at_stripe) for kind in (ReceiverKind.PLATFORM, ReceiverKind.CONNECT)]

    def _register(self, kind: ReceiverKind, at_stripe: dict[str, WebhookEndpoint]) -> RegisteredReceiver:
        with self._store.reading() as work:
            known = next(iter(work.receivers.of_kinds([kind])), None)
        endpoint = at_stripe.get(known.stripe_endpoint_id or "") if known is not None else None
        if known is None or endpoint is None:
            self._remove_strays(kind, at_stripe)
            return self._create(kind, known, ())
        faults = tuple(faults_of(endpoint, self._url, self._gateway.api_version))
        is_secret_lost = not self._opens(known)
        if is_secret_lost:
            faults += ("its signing secret cannot be opened with ENCRYPTION_KEYS",)
        if is_secret_lost or endpoint.api_version != self._gateway.api_version:
            self._gateway.delete_endpoint(account_id=None, endpoint_id=endpoint.id)
            return self._create(kind, known, faults)
        if faults:
            self._gateway.repair_endpoint(
                account_id=None, endpoint_id=endpoint.id, url=self._url, events=SUBSCRIBED_EVENTS
            )
        with self._store.writing() as work:
            # Read anew: its secret may have been sealed under another key in the meantime.
            current = work.receivers.find(known.id, lock=True) or known
            now = self._clock.now()
            work.receivers.save(replace(current, enabled=True, url=self._url, checked_at=now))
            work.commit()
        action = "repaired" if faults else "in order"
        return RegisteredReceiver(
            kind=kind, endpoint_id=endpoint.id, url=self._url, action=action, faults=faults
        )

    def _opens(self, receiver: Receiver) -> bool:
        try:
            self._vault.open(receiver.sealed_secret)
        except SealBroken:
            return False
        return True

    def _remove_strays(self, kind: ReceiverKind, at_stripe: dict[str, WebhookEndpoint]) -> None:
        """Endpoints that we made for this URL and whose secret was lost: events signed with it would all be refused."""
        for endpoint in at_stripe.values():
            if endpoint.url == self._url and endpoint.metadata.get(METADATA_KIND) == kind.value:
                self._gateway.delete_endpoint(account_id=None, endpoint_id=endpoint.id)

    def _create(
        self, kind: ReceiverKind, known: Receiver | None, faults: tuple[str, ...]
    ) -> RegisteredReceiver:
        reference = self._identifiers.reference()
        endpoint = self._gateway.create_endpoint(
            account_id=None,
            url=self._url,
            connect=kind is ReceiverKind.CONNECT,
            events=SUBSCRIBED_EVENTS,
            metadata={METADATA_REFERENCE: reference, METADATA_KIND: kind.value},
            key=reference,
        )
        now = self._clock.now()
        with self._store.writing() as work:
            if known is not None:
                work.receivers.remove(known.id)
            work.receivers.add(_receiver(kind, None, endpoint, self._vault, now=now))
            work.commit()
        return RegisteredReceiver(
            kind=kind, endpoint_id=endpoint.id, url=self._url, action="created", faults=faults
        )


class CreateEndpoint:
    """Ask Stripe for a receiver of the account's own. Where Stripe refuses, the platform's Connect endpoint serves it."""

    def __init__(self, gateway: ReceiverGateway, clock: Clock, vault: Vault) -> None:
        self._gateway, self._clock, self._vault = gateway, clock, vault

    def look(self, intent: Intent) -> WebhookEndpoint | None:
        """Its secret was told once and is lost, so what is there is removed: absent then."""
        for endpoint in self._gateway.endpoints(intent.account_id):
            if endpoint.metadata.get(METADATA_REFERENCE) == intent.reference:
                self._gateway.delete_endpoint(account_id=intent.account_id, endpoint_id=endpoint.id)
        return None

    def call(self, intent: Intent) -> WebhookEndpoint | None:
        """None where Stripe allows none, as it normally does to a Connect platform: that is an answer, not a failure."""
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

    def confirm(self, work: UnitOfWork, intent: Intent, result: WebhookEndpoint | None) -> Intent | None:
        if result is None:
            return None
        now = self._clock.now()
        work.receivers.add(
            _receiver(ReceiverKind.ACCOUNT, intent.integration_id, result, self._vault, now=now)
        )
        return None

    def refuse(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        return None


class AttachReceiver:
    """Take the signing secret of an endpoint that the merchant made by hand. Raises IntegrationNotFound."""

    def __init__(self, store: Store, clock: Clock, vault: Vault, receiver_url: Callable[[int], str]) -> None:
        self._store, self._clock, self._vault, self._receiver_url = store, clock, vault, receiver_url

    def __call__(self, integration_id: int, secret: str) -> Receiver:
        now = self._clock.now()
        with self._store.writing() as work:
            if work.integrations.find(integration_id) is None:
                raise IntegrationNotFound
            attached = work.receivers.add(
                Receiver(
                    id=0,
                    kind=ReceiverKind.ACCOUNT,
                    integration_id=integration_id,
                    stripe_endpoint_id=None,
                    url=self._receiver_url(integration_id),
                    sealed_secret=self._vault.seal(secret),
                    enabled=True,
                    created_at=now,
                    checked_at=now,
                )
            )
            work.commit()
        return attached


class ListReceivers:
    """All of them, platform's first."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self) -> list[Receiver]:
        with self._store.reading() as work:
            return list(work.receivers.of_kinds(list(ReceiverKind)))


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
