"""The status of a receiver: its endpoint as Stripe shows it, compared with what is stored here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stripe_bridge.domain.receiver import (
    PLATFORM_KINDS,
    Receiver,
    ReceiverKind,
    account_receiver_url,
    endpoint_problems,
)
from stripe_bridge.domain.stripe_objects import METADATA_KIND, WebhookEndpoint
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.stripe.receivers import ReceiverGateway
from stripe_bridge.ports.vault import Vault, can_open


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointStatus:
    """`known` is the receiver stored here, and `endpoint` the one at Stripe whose secret it has; either may be missing.

    `faults` is what keeps the endpoint from sending what it should. `orphans` are endpoints that were created by us for the
    same kind and URL, but whose secrets are not stored: their events are refused.
    """

    kind: ReceiverKind
    known: Receiver | None
    endpoint: WebhookEndpoint | None
    faults: tuple[str, ...] = ()
    is_secret_unreadable: bool = False
    is_of_other_version: bool = False
    orphans: tuple[str, ...] = ()

    @property
    def endpoint_id(self) -> str | None:
        """None if no endpoint was ever registered."""
        return None if self.known is None else self.known.stripe_endpoint_id

    def is_made_by_hand(self, *, has_extra_secrets: bool) -> bool:
        """With secrets of endpoints created by hand, there need not be any others."""
        return self.endpoint_id is None and has_extra_secrets

    @property
    def delivers(self) -> bool:
        """Whether Stripe sends what it should, to where it should."""
        return self.endpoint is not None and not self.faults

    @property
    def must_replace(self) -> bool:
        """Whether there is an endpoint that cannot be repaired: a secret is shown only once, and a version never changes."""
        return self.endpoint is not None and (self.is_secret_unreadable or self.is_of_other_version)

    @property
    def problems(self) -> tuple[str, ...]:
        """In words; empty if all events that Stripe should send arrive and can be verified."""
        if self.known is None:
            return ("it was never registered",)
        found = ("it is missing at Stripe",) if self.endpoint is None else self.faults
        return (*found, *((UNREADABLE,) if self.is_secret_unreadable else ()))

    @property
    def is_in_order(self) -> bool:
        return not self.problems and not self.orphans


UNREADABLE = "its signing secret cannot be opened with ENCRYPTION_KEYS"


class EndpointStatuses:
    """Compares what is stored of endpoints with what Stripe shows of them. Changes nothing; may raise GatewayError."""

    def __init__(self, store: Store, gateway: ReceiverGateway, vault: Vault) -> None:
        self._store, self._gateway, self._vault = store, gateway, vault

    def of_platform(self, url: str) -> list[EndpointStatus]:
        """One for each of the platform's kinds."""
        at_stripe = self._gateway.endpoints(None)
        with self._store.reading() as work:
            known = {receiver.kind: receiver for receiver in work.receivers.of_kinds(PLATFORM_KINDS)}
        return [self._compare(kind, known.get(kind), url, at_stripe) for kind in PLATFORM_KINDS]

    def of_account(self, integration_id: int, account_id: str, url: str) -> list[EndpointStatus]:
        """One for each endpoint that was created in the account itself; usually there are none."""
        with self._store.reading() as work:
            own = [each for each in work.receivers.of_integration(integration_id) if each.stripe_endpoint_id]
        if not own:
            return []
        at_stripe = self._gateway.endpoints(account_id)
        own_url = account_receiver_url(url, integration_id)
        return [self._compare(ReceiverKind.ACCOUNT, each, own_url, at_stripe) for each in own]

    def _compare(
        self, kind: ReceiverKind, known: Receiver | None, url: str, at_stripe: Sequence[WebhookEndpoint]
    ) -> EndpointStatus:
        known_id = None if known is None else known.stripe_endpoint_id
        endpoint = next((each for each in at_stripe if each.id == known_id), None)
        version = self._gateway.api_version
        return EndpointStatus(
            kind=kind,
            known=known,
            endpoint=endpoint,
            faults=() if endpoint is None else tuple(endpoint_problems(endpoint, url, version)),
            # An account's own cannot be created again at will: there the doctor asks for the key instead.
            is_secret_unreadable=(
                kind in PLATFORM_KINDS
                and known is not None
                and not can_open(self._vault, known.sealed_secret)
            ),
            is_of_other_version=endpoint is not None and endpoint.api_version != version,
            orphans=tuple(each.id for each in at_stripe if _is_orphan(each, kind, url, known_id)),
        )


def new_receiver(
    endpoint: WebhookEndpoint,
    kind: ReceiverKind,
    integration_id: int | None,
    vault: Vault,
    *,
    url: str,
    now: datetime,
) -> Receiver:
    """The receiver for an endpoint that was just created."""
    assert endpoint.secret, "The answer that creates an endpoint has its secret"
    return Receiver(
        id=0,
        kind=kind,
        integration_id=integration_id,
        stripe_endpoint_id=endpoint.id,
        url=url,
        sealed_secret=vault.seal(endpoint.secret),
        enabled=endpoint.enabled,
        created_at=now,
        checked_at=now,
    )


def _is_orphan(endpoint: WebhookEndpoint, kind: ReceiverKind, url: str, known_id: str | None) -> bool:
    return (
        endpoint.id != known_id and endpoint.url == url and endpoint.metadata.get(METADATA_KIND) == kind.value
    )
