"""Bearer JWTs, checked against the provider's published keys (RFC 7519, RFC 7517)."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
from jwt.types import Options

from stripe_bridge.adapters.identity.claims import ClaimNames, membership_of, subject_of, user_id_of
from stripe_bridge.domain.access import Principal
from stripe_bridge.domain.errors.base import Unauthenticated
from stripe_bridge.ports.identity_provider import IdentityProviderUnavailable
from stripe_bridge.ports.system import Clock

_log = logging.getLogger(__name__)
# Asymmetric only: with a shared secret, everyone who can verify a token could also issue one.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_LEEWAY_SECONDS = 30
# Times are checked here, as PyJWT would go by the host's clock.
_OPTIONS: Options = {
    "require": ["exp", "iss", "aud", "sub"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}
_TIMEOUT_SECONDS = 5
# After a failed fetch none is tried for this many times as long as the failed one took.
_BACKOFF_FACTOR = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtTrust:
    """Whose tokens are accepted, and what their claims mean."""

    issuer: str
    audience: str
    jwks_url: str
    claim_names: ClaimNames


class _Keys(jwt.PyJWKClient):
    """The provider's keys. One thread fetches them while all others wait for it, and a failure counts for all of them.

    Otherwise each thread in turn would wait for an unresponsive provider, and none would be left for our own tokens.
    """

    _no_fetch_before = 0.0

    def fetch_data(self) -> Any:
        began_at = time.monotonic()
        if began_at < self._no_fetch_before:
            raise IdentityProviderUnavailable
        try:
            return super().fetch_data()
        except Exception as error:
            # A timeout, a broken connection, a response without keys (a proxy's page): none says anything about the token.
            now = time.monotonic()
            self._no_fetch_before = now + _BACKOFF_FACTOR * (now - began_at)
            _log.warning("JWKS fetch failed", extra={"reason": str(error)})
            raise IdentityProviderUnavailable from None


class JwtVerifier:
    """Whether a token is an issuer's, for an audience, and valid now.

    Keys are fetched when first needed, kept for five minutes, and fetched again for an unknown key id, at most twice a minute.
    """

    def __init__(self, *, issuer: str, audience: str, jwks_url: str, clock: Clock) -> None:
        self._issuer, self._audience, self._clock = issuer, audience, clock
        self._keys = _Keys(jwks_url, timeout=_TIMEOUT_SECONDS)

    def claims(self, token: str) -> Mapping[str, Any]:
        """Raises Unauthenticated, IdentityProviderUnavailable."""
        try:
            key = self._keys.get_signing_key_from_jwt(token)
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                issuer=self._issuer,
                audience=self._audience,
                options=_OPTIONS,
            )
            _check_times(claims, self._clock.now().timestamp())
        except (jwt.PyJWTError, ValueError) as error:
            _log.info("JWT rejected", extra={"reason": type(error).__name__})
            raise Unauthenticated from None
        return claims


class JwtIdentityProvider:
    """Whoever a good token is about, as its claims say."""

    def __init__(self, trust: JwtTrust, clock: Clock) -> None:
        self._names = trust.claim_names
        self._verifier = JwtVerifier(
            issuer=trust.issuer, audience=trust.audience, jwks_url=trust.jwks_url, clock=clock
        )

    def principal(self, token: str) -> Principal:
        claims = self._verifier.claims(token)
        subject, membership = subject_of(claims), membership_of(claims, self._names)
        return Principal(
            tenant_id=membership.tenant_id,
            role=membership.role,
            user_id=user_id_of(claims, self._names),
            # A caller with a fresh token keeps its rate limits and idempotency keys.
            token_id=f"jwt:{_without_colons(membership.tenant_id)}:{subject}",
            subject=subject,
            expires_at=_time(claims["exp"]),
        )


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    """Raises PyJWTError if it has expired, or is not valid or not issued yet."""
    if _seconds(claims["exp"]) <= now - _LEEWAY_SECONDS:
        raise jwt.ExpiredSignatureError
    if any(_seconds(claims.get(claim, 0)) > now + _LEEWAY_SECONDS for claim in ("nbf", "iat")):
        raise jwt.ImmatureSignatureError


def _time(claim: float) -> datetime:
    """One that no calendar reaches never comes."""
    try:
        return datetime.fromtimestamp(claim, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC)


def _seconds(claim: object) -> float:
    """A NumericDate; NaN, which would pass every comparison, and anything else are refused."""
    if isinstance(claim, bool) or not isinstance(claim, int | float) or not math.isfinite(claim):
        raise jwt.DecodeError("not a time")
    return claim


def _without_colons(tenant: str) -> str:
    """Makes it unambiguous where the tenant ends and the subject begins."""
    return tenant.replace("%", "%25").replace(":", "%3A")
