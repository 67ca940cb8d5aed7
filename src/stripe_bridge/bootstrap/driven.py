"""All driven adapters, one for each port: real ones or fakes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stripe_bridge.domain.webhook_event import StripeEvent, parse_event
from stripe_bridge.ports.connect_gateway import ConnectGateway
from stripe_bridge.ports.event_gateway import EventGateway
from stripe_bridge.ports.identifiers import Identifiers
from stripe_bridge.ports.identity_provider import IdentityProvider
from stripe_bridge.ports.intake import Intake
from stripe_bridge.ports.measurements import Measurements
from stripe_bridge.ports.nudges import Nudges
from stripe_bridge.ports.payment_gateway import PaymentGateway
from stripe_bridge.ports.receiver_gateway import ReceiverGateway
from stripe_bridge.ports.refund_gateway import RefundGateway
from stripe_bridge.ports.signatures import Signatures
from stripe_bridge.ports.snapshots import Snapshots
from stripe_bridge.ports.timing import Clock, Dice
from stripe_bridge.ports.tracing import Tracing
from stripe_bridge.ports.unit_of_work import Store
from stripe_bridge.ports.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """One for each port. Without `tracing` nothing is traced. `read_event` does what `parse_event` does."""

    store: Store
    intake: Intake
    clock: Clock
    dice: Dice
    identifiers: Identifiers
    vault: Vault
    nudges: Nudges
    signatures: Signatures
    snapshots: Snapshots
    connect_gateway: ConnectGateway
    payment_gateway: PaymentGateway
    receiver_gateway: ReceiverGateway
    refund_gateway: RefundGateway
    event_gateway: EventGateway
    measurements: Measurements
    identity_provider: IdentityProvider | None = None
    tracing: Tracing | None = None
    read_event: Callable[[bytes], StripeEvent] = parse_event
