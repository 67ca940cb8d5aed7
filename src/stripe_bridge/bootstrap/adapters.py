"""The real adapters, built from the settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stripe_bridge.adapters.clock import AnchoredClock
from stripe_bridge.adapters.database import GroupCommit, SqlStore, create_engine
from stripe_bridge.adapters.event_reader import read_event, read_whole_event
from stripe_bridge.adapters.logs import redact
from stripe_bridge.adapters.metrics import PrometheusMetrics
from stripe_bridge.adapters.system import SystemIdentifiers, SystemRandomness
from stripe_bridge.bootstrap.loading import Later, load, once
from stripe_bridge.config import Settings
from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.ports.committed_changes import CommittedChanges
from stripe_bridge.ports.deliveries import Deliveries
from stripe_bridge.ports.identity_provider import IdentityProvider
from stripe_bridge.ports.metrics import Metrics
from stripe_bridge.ports.nudges import Nudges
from stripe_bridge.ports.own_address import OwnAddress
from stripe_bridge.ports.signer import Signer
from stripe_bridge.ports.system import Clock
from stripe_bridge.ports.tracing import NoTracing, Tracing
from stripe_bridge.use_cases.integrations.account import AccountTokens


def build_adapters(
    settings: Settings, nudges: Nudges, tracing: Tracing | None = None, *, lazily: bool = False
) -> Adapters:
    """`lazily` loads what calls Stripe, subscribers, or opens secrets once it is used: most commands have no use for it."""
    tracing = tracing or NoTracing()
    clock = AnchoredClock()
    engine = create_engine(settings.database_url, pool_size=settings.database_pool_size, anchor=clock)
    committed = CommittedChanges()
    store = SqlStore(engine, committed)
    made = _later if lazily else _now
    vault = made(lambda: load("adapters.vault:FernetVault")(settings.encryption_keys))
    metrics = PrometheusMetrics()
    tokens = AccountTokens(store, vault)
    of_stripe = _stripe_adapters(settings, clock, metrics, tracing, tokens, lazily=lazily)
    return Adapters(
        store=store,
        event_ingest=GroupCommit(engine),
        clock=clock,
        randomness=SystemRandomness(),
        identifiers=SystemIdentifiers(),
        vault=vault,
        signer=made(lambda: _signer(settings)),
        nudges=nudges,
        identity_provider=_identity_provider(settings, clock),
        sign_in_provider=_sign_in_provider(settings, clock),
        tracing=tracing,
        signatures=of_stripe("signatures"),
        snapshots=of_stripe("snapshots"),
        connect_gateway=of_stripe("connect_gateway"),
        invoice_gateway=of_stripe("invoice_gateway"),
        receiver_gateway=of_stripe("receiver_gateway"),
        refund_gateway=of_stripe("refund_gateway"),
        event_gateway=of_stripe("event_gateway"),
        stripe_probe=of_stripe("stripe_probe"),
        own_address=Later(_own_address),
        deliveries=made(lambda: _deliveries(settings)),
        metrics=metrics,
        read_event=read_event,
        read_whole_event=read_whole_event,
        committed=committed,
    )


def _stripe_adapters(
    settings: Settings,
    clock: Clock,
    metrics: Metrics,
    tracing: Tracing,
    tokens: AccountTokens,
    *,
    lazily: bool,
) -> Callable[[str], Any]:
    """By name. They share a connection pool and a budget of requests."""
    build = once(
        lambda: load("bootstrap.stripe_adapters:build_stripe_adapters")(
            settings, clock, metrics, tracing, tokens
        )
    )
    if lazily:
        return lambda name: Later(lambda: getattr(build(), name))
    return lambda name: getattr(build(), name)


def _now(build: Callable[[], Any]) -> Any:
    return build()


def _later(build: Callable[[], Any]) -> Any:
    return Later(once(build))


def _own_address() -> OwnAddress:
    made: OwnAddress = load("adapters.own_address:HttpOwnAddress")()
    return made


def _signer(settings: Settings) -> Signer:
    made: Signer = load("adapters.vault:HmacSigner")(
        settings.encryption_keys, settings.retired_encryption_keys
    )
    return made


def _deliveries(settings: Settings) -> Deliveries:
    made: Deliveries = load("adapters.deliveries:HttpDeliveries")(
        settings.subscribers_allow_private,
        proxy=settings.subscribers_proxy,
        ca_file=settings.subscribers_ca_file,
        redact=redact,
    )
    return made


def _identity_provider(settings: Settings, clock: Clock) -> IdentityProvider | None:
    if settings.jwt_issuer is None or settings.jwt_audience is None or settings.jwt_jwks_url is None:
        return None
    made: IdentityProvider = load("adapters.identity:JwtIdentityProvider")(
        load("adapters.identity:JwtTrust")(
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            jwks_url=settings.jwt_jwks_url,
            claim_names=_claim_names(settings),
        ),
        clock,
    )
    return made


def _claim_names(settings: Settings) -> Any:
    return load("adapters.identity:ClaimNames")(
        tenant=settings.jwt_tenant_claim, role=settings.jwt_role_claim, user=settings.jwt_user_claim
    )


def _sign_in_provider(settings: Settings, clock: Clock) -> Any:
    """Loaded only where there is one, and by what serves pages."""
    issuer, client_id = settings.console_oidc_issuer, settings.console_oidc_client_id
    if issuer is None or client_id is None or settings.console_oidc_client_secret is None:
        return None
    client = {
        "issuer": issuer,
        "client_id": client_id,
        "client_secret": settings.console_oidc_client_secret,
        "redirect_uri": f"{settings.public_url}/console/oidc/callback",
        "claim_names": _claim_names(settings),
        "operator_claim": settings.console_operator_claim,
    }
    build = once(lambda: load("adapters.identity.oidc:build_oidc_sign_in")(client, clock))
    return Later(build)
