"""The adapters that call Stripe, or read what it sends: they are a third of all there is to load."""

from __future__ import annotations

from stripe_bridge.adapters.stripe_gateway.client import StripeConfig
from stripe_bridge.adapters.stripe_gateway.gateways import StripeAdapters, build_gateways
from stripe_bridge.adapters.stripe_gateway.rate_limit import (
    ENDPOINT_PER_SECOND,
    LIVE_PER_SECOND,
    TEST_PER_SECOND,
    RateLimit,
)
from stripe_bridge.bootstrap.loading import load
from stripe_bridge.config import Settings
from stripe_bridge.ports.metrics import Metrics
from stripe_bridge.ports.system import Clock
from stripe_bridge.ports.tracing import Tracing
from stripe_bridge.use_cases.integrations.account import AccountTokens


def build_stripe_adapters(
    settings: Settings, clock: Clock, metrics: Metrics, tracing: Tracing, tokens: AccountTokens
) -> StripeAdapters:
    config = StripeConfig(
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
    return build_gateways(config, clock, tokens, act_with_tokens=settings.uses_account_tokens)


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
