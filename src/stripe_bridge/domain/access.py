"""Who may do what: one table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from stripe_bridge.domain.errors.base import Forbidden
from stripe_bridge.domain.origin import Actor, ActorType


class Permission(StrEnum):
    READ = "read"
    READ_PAYLOADS = "read_payloads"
    READ_FOREIGN_PAYLOADS = "read_foreign_payloads"
    SEND_INVOICES = "send_invoices"
    VOID_INVOICES = "void_invoices"
    REFUND_INVOICES = "refund_invoices"
    MANAGE_INTEGRATIONS = "manage_integrations"
    REPLAY_EVENTS = "replay_events"
    WRITE_SALES_ORDERS = "write_sales_orders"
    MANAGE_SUBSCRIBERS = "manage_subscribers"
    READ_ACTS = "read_acts"
    HOLD_SENDS = "hold_sends"


class Role(StrEnum):
    VIEWER = "viewer"
    MEMBER = "member"
    POWER_USER = "power_user"
    ADMIN = "admin"

    @property
    def permissions(self) -> frozenset[Permission]:
        return _TABLE[self]


_VIEWER = frozenset({Permission.READ})
_MEMBER = _VIEWER | {Permission.SEND_INVOICES, Permission.VOID_INVOICES}
_POWER_USER = _MEMBER | {
    Permission.HOLD_SENDS,
    Permission.MANAGE_INTEGRATIONS,
    Permission.READ_PAYLOADS,
    Permission.REFUND_INVOICES,
    Permission.REPLAY_EVENTS,
    Permission.WRITE_SALES_ORDERS,
}
_TABLE = {
    Role.VIEWER: _VIEWER,
    Role.MEMBER: _MEMBER,
    Role.POWER_USER: _POWER_USER,
    Role.ADMIN: frozenset(Permission),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """On whose behalf a request is made. `token_id` distinguishes tokens without revealing them; `subject` is who an identity
    provider says it is, None for a token of ours."""

    tenant_id: str
    role: Role
    user_id: int | None
    token_id: str
    subject: str | None = None

    @property
    def actor(self) -> Actor:
        """As the change log names it."""
        if self.subject is not None:
            return Actor(type=ActorType.USER, id=self.subject, user_id=self.user_id)
        return Actor(type=ActorType.TOKEN, id=self.token_id, user_id=self.user_id)

    def check(self, permission: Permission) -> None:
        """Raises Forbidden when the role does not have the permission."""
        if permission not in self.role.permissions:
            raise Forbidden


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """A bearer token as stored: its SHA-256, never the token itself. It has 256 random bits, so no salt is needed."""

    id: int
    tenant_id: str
    role: Role
    user_id: int | None
    label: str
    token_hash: str
    created_at: datetime
    revoked_at: datetime | None = None

    @property
    def principal(self) -> Principal:
        return Principal(
            tenant_id=self.tenant_id, role=self.role, user_id=self.user_id, token_id=f"token:{self.id}"
        )
