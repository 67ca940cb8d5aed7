"""Bearer JWTs, checked against the provider's published keys (RFC 7519, RFC 7517)."""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeGuard

import jwt
from jwt.types import Options

from stripe_bridge.domain.access import Principal, Role
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
_MAX_TENANT_LENGTH = 64
# OpenID Connect's own bound.
_MAX_SUBJECT_LENGTH = 255
_MAX_USER_ID = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtTrust:
    """Whose tokens are accepted, and what their claims mean."""

    issuer: str
    audience: str
    jwks_url: str
    tenant_claim: str
    role_claim: str
    user_claim: str


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


class JwtIdentityProvider:
    """Keys are fetched when first needed, kept for five minutes, and fetched again for an unknown key id, at most
    twice a minute."""

    def __init__(self, trust: JwtTrust, clock: Clock) -> None:
        self._trust, self._clock = trust, clock
        self._keys = _Keys(trust.jwks_url, timeout=_TIMEOUT_SECONDS)

    def principal(self, token: str) -> Principal:
        try:
            key = self._keys.get_signing_key_from_jwt(token)
            claims = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                issuer=self._trust.issuer,
                audience=self._trust.audience,
                options=_OPTIONS,
            )
            _check_times(claims, self._clock.now().timestamp())
        except (jwt.PyJWTError, ValueError) as error:
            _log.info("JWT rejected", extra={"reason": type(error).__name__})
            raise Unauthenticated from None
        return self._read(claims)

    def _read(self, claims: Mapping[str, Any]) -> Principal:
        tenant, role = claims.get(self._trust.tenant_claim), claims.get(self._trust.role_claim)
        user = claims.get(self._trust.user_claim)
        known = {known.value for known in Role}
        if not _is_name(claims["sub"], _MAX_SUBJECT_LENGTH):
            _log.info("JWT without a usable subject")
            raise Unauthenticated
        if not _is_name(tenant, _MAX_TENANT_LENGTH) or not isinstance(role, str) or role not in known:
            _log.info("JWT without a usable tenant or role")
            raise Unauthenticated
        return Principal(
            tenant_id=tenant,
            role=Role(role),
            user_id=_user_id(user),
            # A caller with a fresh token keeps its rate limits and idempotency keys.
            token_id=f"jwt:{_without_colons(tenant)}:{claims['sub']}",
            subject=claims["sub"],
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


def _is_name(claim: object, max_length: int) -> TypeGuard[str]:
    """Whether it is text that every database can store."""
    return (
        isinstance(claim, str)
        and 0 < len(claim) <= max_length
        and not any(char == "\0" or "\ud800" <= char <= "\udfff" for char in claim)
    )


def _without_colons(tenant: str) -> str:
    """Makes it unambiguous where the tenant ends and the subject begins."""
    return tenant.replace("%", "%25").replace(":", "%3A")


def _user_id(claim: object) -> int | None:
    """The ERP's integer; some providers send numbers as text."""
    if isinstance(claim, str) and re.fullmatch("[0-9]{1,19}", claim):
        claim = int(claim)
    is_id = isinstance(claim, int) and not isinstance(claim, bool) and 0 < claim <= _MAX_USER_ID
    return claim if is_id and isinstance(claim, int) else None
