"""The adapters that call Stripe, or read what it sends: they are a third of all there is to load."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.adapters.stripe_gateway.client import StripeConfig
from stripe_bridge.adapters.stripe_gateway.connect import StripeConnectGateway
from stripe_bridge.adapters.stripe_gateway.events import StripeEventGateway
from stripe_bridge.adapters.stripe_gateway.invoices import StripeInvoiceGateway
from stripe_bridge.adapters.stripe_gateway.probe import StripeProbeGateway
from stripe_bridge.adapters.stripe_gateway.rate_limit import (
    ENDPOINT_PER_SECOND,
    LIVE_PER_SECOND,
    TEST_PER_SECOND,
    RateLimit,
)
from stripe_bridge.adapters.stripe_gateway.receivers import StripeReceiverGateway
from stripe_bridge.adapters.stripe_gateway.refunds import StripeRefundGateway
from stripe_bridge.adapters.stripe_gateway.signatures import StripeSignatures
from stripe_bridge.adapters.stripe_gateway.snapshots import StripeSnapshots
from stripe_bridge.bootstrap.loading import load
from stripe_bridge.config import Settings
from stripe_bridge.ports.metrics import Metrics
from stripe_bridge.ports.system import Clock
from stripe_bridge.ports.tracing import Tracing
from stripe_bridge.use_cases.integrations.account import AccountTokens


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


def build_stripe_adapters(
    settings: Settings, clock: Clock, metrics: Metrics, tracing: Tracing, tokens: AccountTokens
) -> StripeAdapters:
    config = _stripe_config(settings, metrics, tracing)
    token_for = tokens if settings.uses_account_tokens else None
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


def _stripe_config(settings: Settings, metrics: Metrics, tracing: Tracing) -> StripeConfig:
    return StripeConfig(
        secret_key=settings.stripe_secret_key,
        client_id=settings.stripe_client_id,
        api_base=settings.stripe_api_base,
        connect_base=settings.stripe_connect_base,
        connect_timeout=settings.stripe_connect_timeout,
        read_timeout=settings.stripe_read_timeout,
        max_network_retries=settings.stripe_max_network_retries,
        rate_limit=_rate_limit(settings, metrics),
        tracing=tracing,
    )


def _rate_limit(settings: Settings, metrics: Metrics) -> RateLimit:
    if settings.redis_url is not None:
        # Before the limit's own library does, and lets redis-py load OpenTelemetry.
        load("adapters.queue.plain_redis:redis")
    allowed = LIVE_PER_SECOND if settings.livemode else TEST_PER_SECOND
    return RateLimit(
        settings.stripe_requests_per_second or allowed,
        settings.redis_url or "memory://",
        per_endpoint=settings.stripe_requests_per_second or ENDPOINT_PER_SECOND,
        on_wait=metrics.rate_limit_wait,
    )
