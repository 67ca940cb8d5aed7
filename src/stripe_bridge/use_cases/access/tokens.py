"""Bearer tokens: created and revoked by operators, and checked on every request."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from stripe_bridge.domain.access import ApiToken, Principal, Role
from stripe_bridge.domain.errors.base import TenantNotFound, Unauthenticated
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.ports.identity_provider import IdentityProvider
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock, Identifiers

# So that people and secret scanners recognize what they have found.
PREFIX = "sbt_"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """`secret` is shown only this once; just its hash is stored."""

    token: ApiToken
    secret: str = field(repr=False)


class CreateToken:
    """Create a token for a tenant, with a role, on behalf of an ERP user or of none."""

    def __init__(self, store: Store, clock: Clock, identifiers: Identifiers) -> None:
        self._store, self._clock, self._identifiers = store, clock, identifiers

    def __call__(self, *, tenant_id: str, role: Role, user_id: int | None, label: str) -> IssuedToken:
        secret = PREFIX + self._identifiers.secret()
        with self._store.writing() as work:
            token = work.tokens.add(
                ApiToken(
                    id=0,
                    tenant_id=tenant_id,
                    role=role,
                    user_id=user_id,
                    label=label,
                    token_hash=hash_of(secret),
                    created_at=self._clock.now(),
                )
            )
            work.commit()
        return IssuedToken(token=token, secret=secret)


class ListTokens:
    """Oldest first, including revoked ones."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self) -> Sequence[ApiToken]:
        with self._store.reading() as work:
            return work.tokens.all()


class RevokeToken:
    """Takes effect with the next request. Raises TokenNotFound."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self, token_id: int) -> ApiToken:
        with self._store.writing() as work:
            token = work.tokens.revoke(token_id, self._clock.now())
            work.commit()
        return token


class CheckTenant:
    """Raises TenantNotFound for one that has neither a token nor an integration: most likely its name was mistyped."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str) -> None:
        # PostgreSQL refuses even to look for a NUL character.
        if "\0" in tenant_id:
            raise TenantNotFound
        with self._store.reading() as work:
            has_token = any(token.tenant_id == tenant_id for token in work.tokens.all())
            if not (has_token or work.integrations.page(tenant_id, PageRequest(per_page=1)).items):
                raise TenantNotFound


class Authenticate:
    """On whose behalf a bearer token acts: one of our own, or the identity provider's if there is one.

    Raises Unauthenticated, IdentityProviderUnavailable.
    """

    def __init__(self, store: Store, provider: IdentityProvider | None) -> None:
        self._store, self._provider = store, provider

    def __call__(self, secret: str) -> Principal:
        if self._provider is not None and not secret.startswith(PREFIX):
            return self._provider.principal(secret)
        with self._store.autocommit() as work:
            token = work.tokens.find_by_hash(hash_of(secret))
        if token is None or not token.is_good:
            raise Unauthenticated
        return token.principal


def hash_of(secret: str) -> str:
    """What is stored of a secret: it has 256 random bits, so no salt is needed."""
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()
