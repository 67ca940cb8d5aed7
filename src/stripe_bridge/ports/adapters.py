"""All driven adapters, one for each port: real ones or fakes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from stripe_bridge.domain.webhook_event import StripeEvent, parse_event
from stripe_bridge.ports.committed_changes import CommittedChanges
from stripe_bridge.ports.deliveries import Deliveries
from stripe_bridge.ports.identity_provider import IdentityProvider
from stripe_bridge.ports.metrics import Metrics
from stripe_bridge.ports.nudges import Nudges
from stripe_bridge.ports.own_address import OwnAddress
from stripe_bridge.ports.sign_in_provider import SignInProvider
from stripe_bridge.ports.signer import Signer
from stripe_bridge.ports.storage.inbox import EventIngest
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.stripe.connect import ConnectGateway
from stripe_bridge.ports.stripe.events import EventGateway
from stripe_bridge.ports.stripe.invoices import InvoiceGateway
from stripe_bridge.ports.stripe.probe import StripeProbe
from stripe_bridge.ports.stripe.receivers import ReceiverGateway
from stripe_bridge.ports.stripe.refunds import RefundGateway
from stripe_bridge.ports.stripe.signatures import Signatures
from stripe_bridge.ports.stripe.snapshots import Snapshots
from stripe_bridge.ports.system import Clock, Identifiers, Randomness
from stripe_bridge.ports.tracing import NoTracing, Tracing
from stripe_bridge.ports.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """One for each port. `read_event` and `read_whole_event` do what `parse_event` does; `committed` hears of what `store`
    records."""

    store: Store
    event_ingest: EventIngest
    clock: Clock
    randomness: Randomness
    identifiers: Identifiers
    vault: Vault
    signer: Signer
    nudges: Nudges
    signatures: Signatures
    snapshots: Snapshots
    connect_gateway: ConnectGateway
    invoice_gateway: InvoiceGateway
    receiver_gateway: ReceiverGateway
    refund_gateway: RefundGateway
    event_gateway: EventGateway
    stripe_probe: StripeProbe
    own_address: OwnAddress
    deliveries: Deliveries
    metrics: Metrics
    identity_provider: IdentityProvider | None = None
    sign_in_provider: SignInProvider | None = None
    tracing: Tracing = field(default_factory=NoTracing)
    committed: CommittedChanges = field(default_factory=CommittedChanges)
    read_event: Callable[[bytes], StripeEvent] = parse_event
    read_whole_event: Callable[[bytes], StripeEvent] = parse_event
