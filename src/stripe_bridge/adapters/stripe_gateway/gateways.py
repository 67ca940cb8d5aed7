"""All gateways of one process: they share a connection pool and a budget of requests."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.adapters.stripe_gateway.client import StripeConfig, TokenFor
from stripe_bridge.adapters.stripe_gateway.connect import StripeConnectGateway
from stripe_bridge.adapters.stripe_gateway.events import StripeEventGateway
from stripe_bridge.adapters.stripe_gateway.invoices import StripeInvoiceGateway
from stripe_bridge.adapters.stripe_gateway.probe import StripeProbeGateway
from stripe_bridge.adapters.stripe_gateway.receivers import StripeReceiverGateway
from stripe_bridge.adapters.stripe_gateway.refunds import StripeRefundGateway
from stripe_bridge.adapters.stripe_gateway.signatures import StripeSignatures
from stripe_bridge.adapters.stripe_gateway.snapshots import StripeSnapshots
from stripe_bridge.ports.system import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeAdapters:
    signatures: StripeSignatures
    snapshots: StripeSnapshots
    connect_gateway: StripeConnectGateway
    invoice_gateway: StripeInvoiceGateway
    receiver_gateway: StripeReceiverGateway
    refund_gateway: StripeRefundGateway
    event_gateway: StripeEventGateway
    stripe_probe: StripeProbeGateway


def build_gateways(
    config: StripeConfig, clock: Clock, tokens: TokenFor, *, act_with_tokens: bool
) -> StripeAdapters:
    """With `act_with_tokens`, a call for an account carries its OAuth token instead of our key and the account's id."""
    token_for = tokens if act_with_tokens else None
    return StripeAdapters(
        signatures=StripeSignatures(clock),
        snapshots=StripeSnapshots(),
        connect_gateway=StripeConnectGateway(config, tokens),
        invoice_gateway=StripeInvoiceGateway(config, token_for),
        receiver_gateway=StripeReceiverGateway(config, token_for),
        refund_gateway=StripeRefundGateway(config, token_for),
        event_gateway=StripeEventGateway(config, token_for),
        stripe_probe=StripeProbeGateway(config, token_for),
    )
