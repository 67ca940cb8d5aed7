"""Settings from the environment: read once, validated together, and every fault reported by name."""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from stripe_bridge.domain.loopback import is_on_loopback
from stripe_bridge.domain.reconciliation import HORIZON
from stripe_bridge.environment import (
    Environment,
    base_url,
    between,
    listed,
    one_of,
    seconds,
    starting_with,
    url,
)

_FERNET_KEY_BYTES = 32
_ALL_NETWORKS = ("0.0.0.0/0", "::/0")
# By their present names, the former names of settings: accepted for one more release, with a warning at start.
FORMER_NAMES = {"WORKER_PAUSE_FACTOR": "WORKER_REST"}


class SettingsInvalid(Exception):
    """`faults` has one sentence for each setting that is missing or wrong."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("The settings are not usable:\n" + "\n".join(f"  - {fault}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The README's table says what each is for, and its default. Secrets are hidden in repr."""

    public_url: str
    stripe_secret_key: str = field(repr=False)
    stripe_client_id: str
    encryption_keys: tuple[str, ...] = field(repr=False)
    retired_encryption_keys: tuple[str, ...] = field(repr=False)
    database_url: str = field(repr=False)
    redis_url: str | None = field(repr=False)
    stripe_api_base: str
    stripe_connect_base: str
    stripe_webhook_secrets: tuple[str, ...] = field(repr=False)
    stripe_account_auth: str
    stripe_connect_timeout: float
    stripe_read_timeout: float
    stripe_max_network_retries: int
    stripe_requests_per_second: int | None
    invoice_days_until_due: int
    oauth_return_url: str | None
    jwt_issuer: str | None
    jwt_audience: str | None
    jwt_jwks_url: str | None
    jwt_tenant_claim: str
    jwt_role_claim: str
    jwt_user_claim: str
    console_oidc_issuer: str | None
    console_oidc_client_id: str | None
    console_oidc_client_secret: str | None = field(repr=False)
    console_operator_claim: str | None
    cors_origins: tuple[str, ...]
    trusted_proxies: tuple[str, ...]
    log_level: str
    log_level_is_set: bool
    log_format: str
    web_threads: int
    max_unfinished_requests: int
    worker_threads: int
    worker_pause_factor: int
    worker_metrics_port: int
    database_pool_size: int
    sweep_seconds: float
    intent_lease_seconds: float
    intent_settle_seconds: float
    reconcile_seconds: int
    event_payload_days: int
    change_object_days: int
    metrics_token: str | None = field(repr=False)
    subscribers_allow_private: tuple[str, ...]
    subscribers_proxy: str | None = field(repr=False)
    subscribers_ca_file: str | None
    # Former names of settings that are set, with the present ones.
    deprecated: Mapping[str, str] = field(default_factory=dict)

    @property
    def livemode(self) -> bool:
        """Whether the key is a live key, not a test key."""
        return "_live_" in self.stripe_secret_key

    @property
    def uses_account_tokens(self) -> bool:
        return self.stripe_account_auth == "token"

    @property
    def reconcile_every(self) -> timedelta:
        return timedelta(seconds=self.reconcile_seconds)

    def without_secrets(self) -> dict[str, object]:
        """By their names in the environment. Of a secret, and of an address that may contain one, only whether it is set."""
        return {
            each.name.upper(): value if each.repr else bool(value)
            for each in fields(self)
            if each.name not in ("deprecated", "log_level_is_set")
            for value in [getattr(self, each.name)]
        }

    @property
    def receiver_url(self) -> str:
        """Of the platform's receiver; an account's own has its integration's id behind it."""
        return f"{self.public_url}/api/webhooks/stripe"

    @property
    def redirect_uri(self) -> str:
        """Where Stripe sends the merchant's browser back to; it has to be registered there."""
        return f"{self.public_url}/api/stripe/oauth/callback"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Raises SettingsInvalid."""
        read = Environment(environ, FORMER_NAMES)
        settings: dict[str, Any] = {
            **_of_stripe(read),
            **_of_the_identity_provider(read),
            **_of_the_console(read),
            **_of_the_processes(read),
            **_of_subscribers(read),
            "deprecated": read.deprecated,
            "public_url": read.required(
                "PUBLIC_URL",
                base_url,
                what="the address at which Stripe and browsers reach this service, e.g. https://bridge.example.com",
            ),
            "encryption_keys": read.required(
                "ENCRYPTION_KEYS",
                _fernet_keys,
                what="Fernet keys, newest first, separated by commas; `stripe-bridge keys generate` prints a new one",
            ),
            "retired_encryption_keys": read.optional("RETIRED_ENCRYPTION_KEYS", (), _fernet_keys),
            "database_url": read.optional("DATABASE_URL", "sqlite:///stripe-bridge.db", _database_url),
            "redis_url": read.optional("REDIS_URL", None, _redis_url),
            "invoice_days_until_due": read.optional("INVOICE_DAYS_UNTIL_DUE", 30, between(0, 3650)),
            "oauth_return_url": read.optional("OAUTH_RETURN_URL", None, url),
            "cors_origins": read.optional("CORS_ORIGINS", (), _origins),
            "trusted_proxies": read.optional("TRUSTED_PROXIES", (), _networks),
            "log_format": read.optional("LOG_FORMAT", "json", one_of("json", "text")),
            "log_level_is_set": bool(environ.get("LOG_LEVEL", "").strip()),
            "log_level": read.optional("LOG_LEVEL", "INFO", _log_level),
            "metrics_token": read.optional("METRICS_TOKEN", None, str),
            "event_payload_days": read.optional("EVENT_PAYLOAD_DAYS", 90, _payload_days),
            "change_object_days": read.optional("CHANGE_OBJECT_DAYS", 400, between(0, 3650)),
            "reconcile_seconds": read.optional("RECONCILE_SECONDS", 900, between(0, 86_400)),
        }
        if read.faults:
            raise SettingsInvalid(read.faults)
        complete = cls(**settings)
        complete._check_settle_seconds()
        complete._check_metrics_port()
        return complete

    def _check_settle_seconds(self) -> None:
        """Otherwise a call that is still under way, such as a refund, could be considered to have failed and be made again."""
        longest = self.stripe_connect_timeout + self.stripe_read_timeout
        if self.livemode and self.intent_settle_seconds <= longest:
            rule = f"longer than STRIPE_CONNECT_TIMEOUT and STRIPE_READ_TIMEOUT together ({longest:g}), with a live key"
            raise SettingsInvalid([f"INTENT_SETTLE_SECONDS must be {rule}"])

    def _check_metrics_port(self) -> None:
        if self.worker_metrics_port and self.metrics_token is None:
            raise SettingsInvalid(
                ["METRICS_TOKEN is missing: WORKER_METRICS_PORT answers only requests that carry it"]
            )


def _of_stripe(read: Environment) -> dict[str, Any]:
    return {
        "stripe_secret_key": read.required(
            "STRIPE_SECRET_KEY",
            starting_with("sk_test_", "sk_live_", "rk_test_", "rk_live_"),
            what="the platform's secret key, from https://dashboard.stripe.com/apikeys",
        ),
        "stripe_client_id": read.required(
            "STRIPE_CLIENT_ID",
            starting_with("ca_"),
            what="the Connect client id (ca_…), from https://dashboard.stripe.com/settings/connect",
        ),
        "stripe_api_base": read.optional("STRIPE_API_BASE", "https://api.stripe.com", base_url),
        "stripe_connect_base": read.optional("STRIPE_CONNECT_BASE", "https://connect.stripe.com", base_url),
        "stripe_webhook_secrets": read.optional("STRIPE_WEBHOOK_SECRETS", (), _webhook_secrets),
        "stripe_account_auth": read.optional("STRIPE_ACCOUNT_AUTH", "header", one_of("header", "token")),
        "stripe_connect_timeout": read.optional("STRIPE_CONNECT_TIMEOUT", 3.0, seconds),
        "stripe_read_timeout": read.optional("STRIPE_READ_TIMEOUT", 20.0, seconds),
        "stripe_max_network_retries": read.optional("STRIPE_MAX_NETWORK_RETRIES", 1, between(0, 5)),
        "stripe_requests_per_second": read.optional("STRIPE_REQUESTS_PER_SECOND", None, between(1, 10_000)),
    }


def _of_the_processes(read: Environment) -> dict[str, Any]:
    return {
        "web_threads": read.optional("WEB_THREADS", 8, between(1, 64)),
        "max_unfinished_requests": read.optional("MAX_UNFINISHED_REQUESTS", 1000, between(1, 1_000_000)),
        "worker_threads": read.optional("WORKER_THREADS", 2, between(1, 64)),
        "worker_pause_factor": read.optional("WORKER_PAUSE_FACTOR", 1, between(0, 10)),
        "worker_metrics_port": read.optional("WORKER_METRICS_PORT", 0, between(0, 65_535)),
        "database_pool_size": read.optional("DATABASE_POOL_SIZE", 20, between(1, 200)),
        "sweep_seconds": read.optional("SWEEP_SECONDS", 5.0, seconds),
        "intent_lease_seconds": read.optional("INTENT_LEASE_SECONDS", 60.0, seconds),
        "intent_settle_seconds": read.optional("INTENT_SETTLE_SECONDS", 60.0, seconds),
    }


def _of_subscribers(read: Environment) -> dict[str, Any]:
    return {
        "subscribers_allow_private": read.optional("SUBSCRIBERS_ALLOW_PRIVATE", (), _private_networks),
        "subscribers_proxy": read.optional("SUBSCRIBERS_PROXY", None, url),
        "subscribers_ca_file": read.optional("SUBSCRIBERS_CA_FILE", None, _certificates),
    }


def _of_the_identity_provider(read: Environment) -> dict[str, Any]:
    read.all_or_none("JWT_ISSUER", "JWT_AUDIENCE", "JWT_JWKS_URL")
    return {
        "jwt_issuer": read.optional("JWT_ISSUER", None, str),
        "jwt_audience": read.optional("JWT_AUDIENCE", None, str),
        "jwt_jwks_url": read.optional("JWT_JWKS_URL", None, url),
        "jwt_tenant_claim": read.optional("JWT_TENANT_CLAIM", "tenant", str),
        "jwt_role_claim": read.optional("JWT_ROLE_CLAIM", "role", str),
        "jwt_user_claim": read.optional("JWT_USER_CLAIM", "user_id", str),
    }


def _of_the_console(read: Environment) -> dict[str, Any]:
    read.all_or_none("CONSOLE_OIDC_ISSUER", "CONSOLE_OIDC_CLIENT_ID", "CONSOLE_OIDC_CLIENT_SECRET")
    return {
        "console_oidc_issuer": read.optional("CONSOLE_OIDC_ISSUER", None, _issuer),
        "console_oidc_client_id": read.optional("CONSOLE_OIDC_CLIENT_ID", None, str),
        "console_oidc_client_secret": read.optional("CONSOLE_OIDC_CLIENT_SECRET", None, str),
        "console_operator_claim": read.optional("CONSOLE_OPERATOR_CLAIM", None, _operator_claim),
    }


def _issuer(text: str) -> str:
    """As the provider writes it, with or without a slash at its end: it is compared."""
    url(text)
    if not text.startswith("https:") and not is_on_loopback(text):
        raise ValueError("must be an https URL")
    return text


def _operator_claim(text: str) -> str:
    """Of a group's name that was left empty, anybody could be."""
    name, equals, value = text.partition("=")
    if not name.strip() or bool(equals) != bool(value.strip()):
        raise ValueError("must be a claim's name, or name=value")
    return text


def _database_url(text: str) -> str:
    if not re.fullmatch(r"sqlite:///(?!:memory:).+|postgres(ql(\+psycopg)?)?://.+", text):
        raise ValueError("must be a sqlite:///file or postgresql://… URL")
    if text.startswith("postgres"):
        # The password ends at the first @, but may contain any other character.
        authority, _, place = text.partition("://")[2].partition("@")
        if "@" in place.partition("/")[0]:
            raise ValueError("has more than one @; is its password percent-encoded?")
        where = f"//{place or authority}"
        _check_port(where)
        if urlsplit(where).netloc.endswith(":"):
            raise ValueError("has no port after its colon")
    return text


def _redis_url(text: str) -> str:
    starting_with("redis://", "rediss://")(text)
    _check_port(text)
    return text


def _check_port(text: str) -> None:
    try:
        _ = urlsplit(text).port
    except ValueError:
        # Python's own message would show the password, which it mistook for a port.
        raise ValueError("has a port that is not a number; is the password percent-encoded?") from None


def _fernet_keys(text: str) -> tuple[str, ...]:
    keys = listed(text)
    for position, key in enumerate(keys or ("",), start=1):
        try:
            is_key = len(base64.urlsafe_b64decode(key)) == _FERNET_KEY_BYTES
        except ValueError:
            is_key = False
        if not is_key:
            raise ValueError(
                f"does not have a Fernet key at position {position}; `stripe-bridge keys generate` prints a new one"
            )
    return keys


def _payload_days(text: str) -> int:
    """When a merchant reconnects, events that were skipped are applied from their stored payloads, up to Stripe's horizon."""
    days = between(0, 3650)(text)
    if 0 < days < HORIZON.days:
        raise ValueError(
            f"must be 0, or at least {HORIZON.days}, the number of days for which Stripe lists events"
        )
    return days


def _webhook_secrets(text: str) -> tuple[str, ...]:
    """Refuses a secret that is only the prefix, as an unset variable leaves it: with that, anyone could sign."""
    secrets = listed(text)
    if not all(re.fullmatch("whsec_[!-~]+", secret) for secret in secrets):
        raise ValueError("must be a comma-separated list of secrets that begin with whsec_")
    return secrets


def _networks(text: str) -> tuple[str, ...]:
    networks = listed(text)
    for each in networks:
        try:
            ip_network(each)
        except ValueError:
            raise ValueError("must be a comma-separated list of networks such as 10.0.0.0/8") from None
    return networks


def _private_networks(text: str) -> tuple[str, ...]:
    if text in ("true", "false"):
        return _ALL_NETWORKS if text == "true" else ()
    try:
        return _networks(text)
    except ValueError:
        raise ValueError(
            "must be `true`, or a comma-separated list of networks such as 10.20.0.0/16"
        ) from None


def _certificates(text: str) -> str:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(text)
    except OSError:
        raise ValueError("must name a readable file with certificates in PEM format") from None
    return text


def _origins(text: str) -> tuple[str, ...]:
    """Each exactly as a browser sends it: scheme, host and port, no path.

    Wildcards are refused, too: Flask-CORS would take them for regular expressions, which match more than they seem to.
    """
    origins = listed(text)
    if not all(re.fullmatch(r"https?://[A-Za-z0-9._-]+(:[0-9]+)?", origin) for origin in origins):
        raise ValueError("must be a comma-separated list of origins such as https://erp.example.com")
    return origins


def _log_level(text: str) -> str:
    return one_of("DEBUG", "INFO", "WARNING", "ERROR")(text.upper())
