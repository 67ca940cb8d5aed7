"""Who is signed in to the console, and the links by which one gets in without an identity provider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from stripe_bridge.domain.access import Permission, Principal, Role

LINK_LIFETIME = timedelta(minutes=5)
SESSION_LIFETIME = timedelta(hours=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who signs in. Without a tenant it is an operator, who sees all of them and may do everything.

    `name` is a login name, or the identity provider's subject: then `is_vouched_for`.
    """

    name: str
    tenant_id: str | None = None
    role: Role | None = None
    user_id: int | None = None
    is_vouched_for: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleLink:
    """As stored: the token's SHA-256, never the token itself. One without an end can be used until another one is made: only
    on the machine that it leads to."""

    id: int
    token_hash: str
    name: str
    tenant_id: str | None
    role: Role | None
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None = None

    @property
    def is_standing(self) -> bool:
        return self.expires_at is None

    @property
    def person(self) -> Person:
        return Person(name=self.name, tenant_id=self.tenant_id, role=self.role)

    def is_good(self, now: datetime) -> bool:
        return self.expires_at is None or (self.used_at is None and now < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSession:
    """As stored: the token's SHA-256, never the token itself. Tenant and role stay those that it began with."""

    id: int
    token_hash: str
    name: str
    tenant_id: str | None
    role: Role | None
    user_id: int | None
    is_vouched_for: bool
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    @property
    def is_operator(self) -> bool:
        return self.tenant_id is None

    @property
    def permissions(self) -> frozenset[Permission]:
        """An operator's are all there are. A tenant's person has a role, or nothing."""
        if self.is_operator:
            return frozenset(Permission)
        return frozenset() if self.role is None else self.role.permissions

    def is_good(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at

    def principal_for(self, tenant_id: str) -> Principal:
        """Who acts for this tenant: the session's own, or any if it is an operator's."""
        is_user = self.is_vouched_for and not self.is_operator
        return Principal(
            tenant_id=tenant_id,
            role=Role.ADMIN if self.role is None else self.role,
            user_id=self.user_id,
            token_id=f"console:{self.id}",
            subject=self.name if is_user else None,
            operator=None if is_user else self.name,
            expires_at=self.expires_at,
        )
