"""The two calls that change webhook endpoints at Stripe: the platform's are repaired, an account's own is requested."""

from __future__ import annotations

from dataclasses import replace

from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.receiver import SUBSCRIBED_EVENTS, ReceiverKind
from stripe_bridge.domain.stripe_objects import METADATA_KIND, METADATA_REFERENCE, WebhookEndpoint
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.ports.stripe.errors import GatewayRefused
from stripe_bridge.ports.stripe.receivers import ReceiverGateway
from stripe_bridge.ports.system import Clock
from stripe_bridge.ports.vault import Vault, WrongEncryptionKey
from stripe_bridge.use_cases.receivers.encryption_key import EncryptionKey
from stripe_bridge.use_cases.receivers.endpoint_status import EndpointStatuses, new_receiver


class RepairEndpointStep:
    """Bring one of the platform's endpoints in order. The result never depends on what it finds, so it may be repeated."""

    def __init__(
        self,
        clock: Clock,
        gateway: ReceiverGateway,
        vault: Vault,
        statuses: EndpointStatuses,
        key: EncryptionKey,
    ) -> None:
        self._clock, self._gateway, self._vault = clock, gateway, vault
        self._statuses, self._key = statuses, key

    def find_effect(self, intent: Intent) -> WebhookEndpoint | None:
        """The secret was in the answer that got lost, so an endpoint that exists can only be an orphan."""
        return None

    def call(self, intent: Intent) -> WebhookEndpoint:
        kind, url = ReceiverKind(intent.parameters["kind"]), intent.parameters["url"]
        status = next(each for each in self._statuses.of_platform(url) if each.kind is kind)
        for orphan in status.orphans:
            self._gateway.delete_endpoint(account_id=None, endpoint_id=orphan)
        endpoint = status.endpoint
        if endpoint is not None and not status.must_replace:
            if not status.delivers:
                repair_endpoint(self._gateway, None, endpoint, url)
            return endpoint
        if self._key.status().is_foreign:
            # A process with the right key planned this, and one with the right key will do it.
            raise WrongEncryptionKey
        if endpoint is not None:
            self._gateway.delete_endpoint(account_id=None, endpoint_id=endpoint.id)
        return _create_endpoint(self._gateway, intent, None, kind)

    def on_success(self, work: UnitOfWork, intent: Intent, result: WebhookEndpoint) -> Intent | None:
        kind, now = ReceiverKind(intent.parameters["kind"]), self._clock.now()
        url = intent.parameters["url"]
        for known in work.receivers.of_kinds([kind]):
            if known.stripe_endpoint_id == result.id:
                work.receivers.save(replace(known, enabled=True, url=url, checked_at=now))
            else:
                work.receivers.remove(known.id)
        if result.secret is not None:
            work.receivers.add(new_receiver(result, kind, None, self._vault, url=url, now=now))
        return None

    def on_refusal(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        return None


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
            return _create_endpoint(self._gateway, intent, intent.account_id, ReceiverKind.ACCOUNT)
        except GatewayRefused:
            return None

    def on_success(self, work: UnitOfWork, intent: Intent, result: WebhookEndpoint | None) -> Intent | None:
        if result is not None:
            own = new_receiver(
                result,
                ReceiverKind.ACCOUNT,
                intent.integration_id,
                self._vault,
                url=result.url,
                now=self._clock.now(),
            )
            work.receivers.add(own)
        return None

    def on_refusal(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        return None


def repair_endpoint(
    gateway: ReceiverGateway, account_id: str | None, endpoint: WebhookEndpoint, url: str
) -> None:
    """Enable it, with our URL and our events. This needs no intent, as it may be repeated."""
    gateway.repair_endpoint(account_id=account_id, endpoint_id=endpoint.id, url=url, events=SUBSCRIBED_EVENTS)


def _create_endpoint(
    gateway: ReceiverGateway, intent: Intent, account_id: str | None, kind: ReceiverKind
) -> WebhookEndpoint:
    # A key for each attempt: the attempt before it may have made an endpoint that is deleted by now, as its secret is lost,
    # and the same key would return that one.
    key = f"{intent.idempotency_key}-{intent.attempts}"
    return gateway.create_endpoint(
        account_id=account_id,
        url=intent.parameters["url"],
        connect=kind is ReceiverKind.CONNECT,
        events=SUBSCRIBED_EVENTS,
        metadata={METADATA_REFERENCE: intent.reference, METADATA_KIND: kind.value},
        key=key,
    )
