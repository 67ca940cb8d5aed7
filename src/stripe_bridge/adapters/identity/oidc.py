"""Signing people in by OpenID Connect's code flow, by Authlib, with state, nonce and PKCE.

Only the code flow is Authlib's. The ID token is checked as every other JWT is: one way to verify them, one clock.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from stripe_bridge.adapters.identity.claims import ClaimNames, membership_of, subject_of, user_id_of
from stripe_bridge.adapters.identity.jwt_provider import JwtVerifier
from stripe_bridge.domain.console_session import Person
from stripe_bridge.domain.errors.base import Unauthenticated
from stripe_bridge.ports.identity_provider import IdentityProviderUnavailable
from stripe_bridge.ports.sign_in_provider import PendingSignIn
from stripe_bridge.ports.system import Clock

_log = logging.getLogger(__name__)
_TIMEOUT_SECONDS = 5
# After a failed fetch none is tried for this long.
BACKOFF = timedelta(seconds=15)
_BASIC, _POST = "client_secret_basic", "client_secret_post"


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcClient:
    """What the provider knows this service as. `operator_claim` is a claim that is true for operators, or `name=value`: that
    the claim has that value, or is a list with it."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    claim_names: ClaimNames
    operator_claim: str | None


def build_oidc_sign_in(client: Mapping[str, Any], clock: Clock) -> OidcSignIn:
    return OidcSignIn(OidcClient(**client), clock)


class OidcSignIn:
    """The provider's addresses are read when first needed: one thread reads them while all others wait, and a failure counts
    for all of them. Anybody may begin to sign in, and a provider that hangs must not take every thread.
    """

    def __init__(self, client: OidcClient, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._metadata: Mapping[str, Any] | None = None
        self._verifier: JwtVerifier | None = None
        self._reading = threading.Lock()
        self._no_reading_before: datetime | None = None

    @property
    def issuer(self) -> str:
        return self._client.issuer

    def begin(self) -> PendingSignIn:
        metadata = self._discover()
        nonce, code_verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        with self._session(metadata) as session:
            url, state = session.create_authorization_url(
                metadata["authorization_endpoint"],
                state=secrets.token_urlsafe(32),
                nonce=nonce,
                code_verifier=code_verifier,
            )
        return PendingSignIn(url=url, state=state, nonce=nonce, code_verifier=code_verifier)

    def complete(self, code: str, pending: PendingSignIn) -> Person:
        claims = self._claims_of(self._redeem(code, pending))
        nonce, parties = claims.get("nonce"), (None, self._client.client_id)
        if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), pending.nonce.encode()):
            _log.warning("sign-in refused", extra={"reason": "the ID token is for another sign-in"})
            raise Unauthenticated
        if claims.get("azp") not in parties:
            _log.warning("sign-in refused", extra={"reason": "the ID token is for another client"})
            raise Unauthenticated
        return self._person(claims)

    def _person(self, claims: Mapping[str, Any]) -> Person:
        subject, user_id = subject_of(claims), user_id_of(claims, self._client.claim_names)
        if self._is_operator(claims):
            return Person(name=subject, user_id=user_id, is_vouched_for=True)
        membership = membership_of(claims, self._client.claim_names)
        return Person(
            name=subject,
            tenant_id=membership.tenant_id,
            role=membership.role,
            user_id=user_id,
            is_vouched_for=True,
        )

    def _is_operator(self, claims: Mapping[str, Any]) -> bool:
        """Only JSON's true counts, not text that may say so."""
        if self._client.operator_claim is None:
            return False
        name, equals, value = self._client.operator_claim.partition("=")
        claim = claims.get(name)
        if not equals:
            return claim is True
        return claim == value or (isinstance(claim, list) and value in claim)

    def _redeem(self, code: str, pending: PendingSignIn) -> str:
        """The ID token."""
        metadata = self._discover()
        try:
            with self._session(metadata) as session:
                answer = session.fetch_token(
                    metadata["token_endpoint"], code=code, code_verifier=pending.code_verifier
                )
        except OAuthError as error:
            _log.warning("sign-in refused", extra={"reason": error.error})
            raise Unauthenticated from None
        except (requests.RequestException, ValueError) as error:
            raise _unavailable(error) from None
        token = answer.get("id_token")
        if not isinstance(token, str):
            _log.warning("sign-in refused", extra={"reason": "there is no ID token"})
            raise Unauthenticated
        return token

    def _claims_of(self, id_token: str) -> Mapping[str, Any]:
        if self._verifier is None:
            self._verifier = JwtVerifier(
                issuer=self._client.issuer,
                audience=self._client.client_id,
                jwks_url=self._discover()["jwks_uri"],
                clock=self._clock,
            )
        return self._verifier.claims(id_token)

    def _session(self, metadata: Mapping[str, Any]) -> OAuth2Session:
        """`client_secret_basic` is what a provider has that does not say."""
        methods = metadata.get("token_endpoint_auth_methods_supported", [_BASIC])
        return OAuth2Session(
            client_id=self._client.client_id,
            client_secret=self._client.client_secret,
            token_endpoint_auth_method=_POST if _BASIC not in methods and _POST in methods else _BASIC,
            scope="openid",
            redirect_uri=self._client.redirect_uri,
            code_challenge_method="S256",
            default_timeout=_TIMEOUT_SECONDS,
        )

    def _discover(self) -> Mapping[str, Any]:
        with self._reading:
            if self._metadata is None:
                now = self._clock.now()
                if self._no_reading_before is not None and now < self._no_reading_before:
                    raise IdentityProviderUnavailable
                try:
                    self._metadata = self._read_metadata()
                except (requests.RequestException, ValueError, KeyError, TypeError) as error:
                    self._no_reading_before = self._clock.now() + BACKOFF
                    raise _unavailable(error) from None
            return self._metadata

    def _read_metadata(self) -> Mapping[str, Any]:
        """https://openid.net/specs/openid-connect-discovery-1_0.html"""
        url = f"{self._client.issuer.rstrip('/')}/.well-known/openid-configuration"
        answer = requests.get(url, timeout=_TIMEOUT_SECONDS)
        answer.raise_for_status()
        metadata: Mapping[str, Any] = answer.json()
        if metadata["issuer"] != self._client.issuer:
            raise ValueError(f"it calls itself {metadata['issuer']!r}")
        needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if not all(isinstance(metadata.get(name), str) for name in needed):
            raise ValueError("it does not say where its endpoints are")
        return metadata


def _unavailable(error: Exception) -> IdentityProviderUnavailable:
    _log.warning("identity provider unavailable", extra={"reason": str(error)})
    return IdentityProviderUnavailable()
