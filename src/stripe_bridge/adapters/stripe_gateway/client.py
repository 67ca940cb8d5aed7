"""The SDK's client, and the two kinds of calls that are made through it: lookups and changes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import cast

import stripe

from stripe_bridge.adapters.stripe_gateway.errors import TOKEN_REVOKED, Row, translate_errors
from stripe_bridge.adapters.stripe_gateway.rate_limit import RateLimit, ThrottledClient
from stripe_bridge.adapters.stripe_gateway.snapshots import Raw
from stripe_bridge.ports.stripe.errors import GatewayMisconfigured
from stripe_bridge.ports.tracing import NoTracing, Tracing
from stripe_bridge.ports.vault import SealBroken

API_VERSION = stripe.api_version
"""The version whose objects this package can read; requests and endpoints are pinned to it."""

_QUICK_TURN_WAIT, _QUICK_CONNECT_TIMEOUT, _QUICK_READ_TIMEOUT = 0.2, 0.6, 1.2

TokenFor = Callable[[str], str | None]
"""The OAuth token of an account, None if there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeConfig:
    """The platform's credentials, where Stripe is, and how long to wait for it (seconds).

    `max_network_retries` and `max_429_wait` (how long to wait out a 429) apply only to lookups. `max_turn_wait` is how long a
    call waits for its turn within the rate limit, by default as long as the limit itself says.
    """

    secret_key: str = field(repr=False)
    client_id: str
    api_base: str = stripe.DEFAULT_API_BASE
    connect_base: str = stripe.DEFAULT_CONNECT_API_BASE
    connect_timeout: float = 4.0
    read_timeout: float = 20.0
    max_network_retries: int = 1
    max_429_wait: float = 8.0
    max_turn_wait: float | None = None
    rate_limit: RateLimit | None = None
    tracing: Tracing = field(default_factory=NoTracing)

    def quick(self) -> StripeConfig:
        """For lookups that take at most two seconds: the wait for a turn, a connection and an answer together."""
        return replace(
            self,
            max_turn_wait=_QUICK_TURN_WAIT,
            connect_timeout=min(self.connect_timeout, _QUICK_CONNECT_TIMEOUT),
            read_timeout=min(self.read_timeout, _QUICK_READ_TIMEOUT),
            max_network_retries=0,
            max_429_wait=0.0,
        )


def build_client(config: StripeConfig) -> stripe.StripeClient:
    """A client, and its connections, that threads share."""
    _quiet_sdk_logging()
    return stripe.StripeClient(
        config.secret_key,
        stripe_version=API_VERSION,
        client_id=config.client_id,
        # Without this the client makes no retries at all: the SDK's module-wide default does not apply to it.
        max_network_retries=config.max_network_retries,
        http_client=ThrottledClient(
            timeout=(config.connect_timeout, config.read_timeout),
            rate_limit=config.rate_limit,
            max_429_wait=config.max_429_wait,
            max_turn_wait=config.max_turn_wait,
            tracing=config.tracing,
        ),
        # The SDK joins base and path as they are: a trailing slash would double.
        base_addresses={
            "api": config.api_base.rstrip("/"),
            "connect": config.connect_base.rstrip("/"),
        },
    )


class StripeCalls:
    """The client with what every call needs: whose account, which key, our errors in place of the SDK's.

    A change is tried once. The SDK would retry it under the same idempotency key, so that a 429 after a dropped
    connection would look as if nothing had happened; whether to try again is for the intent to decide.
    """

    def __init__(self, config: StripeConfig, token_for: TokenFor | None = None) -> None:
        self._client = client = build_client(config)
        self.v1, self.oauth = client.v1, client.oauth
        self._token_for = token_for

    @contextmanager
    def lookup(self, account_id: str | None, *rows: Row) -> Iterator[stripe.RequestOptions]:
        """Around a call that only reads. `account_id` None is the platform itself."""
        options, own_rows = self._acting_as(account_id)
        with translate_errors(*rows, *own_rows):
            yield options

    @contextmanager
    def change(self, account_id: str | None, key: str | None = None) -> Iterator[stripe.RequestOptions]:
        """Around a call that may have an effect."""
        options, own_rows = self._acting_as(account_id)
        options["max_network_retries"] = 0
        if key is not None:
            options["idempotency_key"] = key
        with translate_errors(*own_rows):
            yield options

    def get(self, path: str, params: Mapping[str, object], options: stripe.RequestOptions) -> Raw:
        """Stripe's raw answer: building the SDK's objects for a page of events takes longer than reading it."""
        return self._raw("get", path, params, options)

    def post(self, path: str, params: Mapping[str, object], options: stripe.RequestOptions) -> Raw:
        """Stripe's raw answer: building the SDK's object for an invoice takes longer than reading it."""
        return self._raw("post", path, params, options)

    def _raw(
        self, method: str, path: str, params: Mapping[str, object], options: stripe.RequestOptions
    ) -> Raw:
        return cast("Raw", self._client.raw_request(method, path, **params, **options).data)

    def _acting_as(self, account_id: str | None) -> tuple[stripe.RequestOptions, tuple[Row, ...]]:
        """Without the account's token the platform may still act for it, as long as Stripe allows it.

        Raises GatewayMisconfigured if there is a token that cannot be opened.
        """
        if account_id is None:
            return {}, ()
        try:
            token = self._token_for(account_id) if self._token_for else None
        except SealBroken:
            reason = "the account's token cannot be opened with ENCRYPTION_KEYS"
            raise GatewayMisconfigured(reason) from None
        if token:
            return {"api_key": token}, (TOKEN_REVOKED,)
        return {"stripe_account": account_id}, ()


def _quiet_sdk_logging() -> None:
    """Settings that the SDK and its transport have only for the whole process, made here and nowhere else.

    Telemetry writes a file into the home folder and sends Stripe facts about this machine. The SDK's log shows OAuth codes and
    tokens (debug) and customers' emails (info), so only its warnings are let through. Its environment variable STRIPE_LOG
    prints all of it to stderr whatever is set here. urllib3 (debug) shows each URL, and customers are looked up by email.
    """
    stripe.enable_telemetry = False
    for name in ("stripe", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
