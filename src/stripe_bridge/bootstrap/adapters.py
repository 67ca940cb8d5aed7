"""The real adapters, built from the settings."""

from __future__ import annotations

from stripe_bridge.adapters.clock import AnchoredClock
from stripe_bridge.adapters.database import GroupCommit, SqlStore, create_engine
from stripe_bridge.adapters.deliveries import HttpDeliveries
from stripe_bridge.adapters.event_reader import read_event
from stripe_bridge.adapters.identity import JwtIdentityProvider, JwtTrust
from stripe_bridge.adapters.logs import redact
from stripe_bridge.adapters.metrics import PrometheusMetrics
from stripe_bridge.adapters.stripe_gateway.client import StripeConfig
from stripe_bridge.adapters.stripe_gateway.connect import StripeConnectGateway
from stripe_bridge.adapters.stripe_gateway.events import StripeEventGateway
from stripe_bridge.adapters.stripe_gateway.invoices import StripeInvoiceGateway
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
from stripe_bridge.adapters.system import SystemIdentifiers, SystemRandomness
from stripe_bridge.adapters.vault import FernetVault, HmacSigner
from stripe_bridge.config import Settings
from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.ports.committed_changes import CommittedChanges
from stripe_bridge.ports.metrics import Metrics
from stripe_bridge.ports.nudges import Nudges
from stripe_bridge.ports.system import Clock
from stripe_bridge.ports.tracing import NoTracing, Tracing
from stripe_bridge.use_cases.integrations.account import AccountTokens


def build_adapters(settings: Settings, nudges: Nudges, tracing: Tracing | None = None) -> Adapters:
    tracing = tracing or NoTracing()
    clock = AnchoredClock()
    engine = create_engine(settings.database_url, pool_size=settings.database_pool_size, anchor=clock)
    committed = CommittedChanges()
    store = SqlStore(engine, committed)
    vault = FernetVault(settings.encryption_keys)
    metrics = PrometheusMetrics()
    config = _stripe_config(settings, metrics, tracing)
    tokens = AccountTokens(store, vault)
    token_for = tokens if settings.uses_account_tokens else None
    return Adapters(
        store=store,
        event_ingest=GroupCommit(engine),
        clock=clock,
        randomness=SystemRandomness(),
        identifiers=SystemIdentifiers(),
        vault=vault,
        signer=HmacSigner(settings.encryption_keys, settings.retired_encryption_keys),
        nudges=nudges,
        identity_provider=_identity_provider(settings, clock),
        tracing=tracing,
        signatures=StripeSignatures(clock),
        snapshots=StripeSnapshots(),
        connect_gateway=StripeConnectGateway(config, tokens),
        invoice_gateway=StripeInvoiceGateway(config, token_for),
        receiver_gateway=StripeReceiverGateway(config, token_for),
        refund_gateway=StripeRefundGateway(config, token_for),
        event_gateway=StripeEventGateway(config, token_for),
        deliveries=HttpDeliveries(
            settings.subscribers_allow_private,
            proxy=settings.subscribers_proxy,
            ca_file=settings.subscribers_ca_file,
            redact=redact,
        ),
        metrics=metrics,
        read_event=read_event,
        committed=committed,
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
    allowed = LIVE_PER_SECOND if settings.livemode else TEST_PER_SECOND
    return RateLimit(
        settings.stripe_requests_per_second or allowed,
        settings.redis_url or "memory://",
        per_endpoint=settings.stripe_requests_per_second or ENDPOINT_PER_SECOND,
        on_wait=metrics.rate_limit_wait,
    )


def _identity_provider(settings: Settings, clock: Clock) -> JwtIdentityProvider | None:
    if settings.jwt_issuer is None or settings.jwt_audience is None or settings.jwt_jwks_url is None:
        return None
    return JwtIdentityProvider(
        JwtTrust(
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            jwks_url=settings.jwt_jwks_url,
            tenant_claim=settings.jwt_tenant_claim,
            role_claim=settings.jwt_role_claim,
            user_claim=settings.jwt_user_claim,
        ),
        clock,
    )
