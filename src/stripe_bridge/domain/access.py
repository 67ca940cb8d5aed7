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
    RESOLVE_INTENTS = "resolve_intents"
    WRITE_SALES_ORDERS = "write_sales_orders"
    MANAGE_SUBSCRIBERS = "manage_subscribers"
    READ_ACTS = "read_acts"
    HOLD_SENDS = "hold_sends"
    MANAGE_TOKENS = "manage_tokens"
    # What belongs to no tenant, or to all: for those who run the service, whatever their role.
    OPERATE = "operate"


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
    Permission.RESOLVE_INTENTS,
    Permission.WRITE_SALES_ORDERS,
}
_TABLE = {
    Role.VIEWER: _VIEWER,
    Role.MEMBER: _MEMBER,
    Role.POWER_USER: _POWER_USER,
    Role.ADMIN: frozenset(Permission) - {Permission.OPERATE},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelGrant:
    """What a panel session is for: one sales order, shown by one page's origin."""

    session_id: int
    sales_order_id: int
    origin: str
    permissions: frozenset[Permission]
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """On whose behalf a request is made. `token_id` distinguishes tokens without revealing them; `subject` is who an identity
    provider says it is, None for a token of ours; `api_token_id` is that token's. `expires_at` is the end of a credential that
    has one. With `panel` it is a session that the token created; with `operator` it is somebody in the console whom no
    identity provider vouches for, or who runs the service."""

    tenant_id: str
    role: Role
    user_id: int | None
    token_id: str
    subject: str | None = None
    api_token_id: int | None = None
    expires_at: datetime | None = None
    panel: PanelGrant | None = None
    operator: str | None = None

    @property
    def permissions(self) -> frozenset[Permission]:
        """What it may do: for a session, what it is for, as far as its creator's role still goes."""
        allowed = self.role.permissions
        return allowed if self.panel is None else allowed & self.panel.permissions

    @property
    def idempotency_scope(self) -> str:
        """Within what idempotency keys are unique. A session that was renewed is the same caller: a repeated click is one
        request."""
        return self.token_id if self.panel is None else f"{self.token_id} order:{self.panel.sales_order_id}"

    @property
    def actor(self) -> Actor:
        """As the change log names it."""
        if self.operator is not None:
            return Actor(type=ActorType.OPERATOR, id=self.operator, user_id=self.user_id)
        if self.subject is not None:
            return Actor(type=ActorType.USER, id=self.subject, user_id=self.user_id)
        return Actor(type=ActorType.TOKEN, id=self.token_id, user_id=self.user_id)

    def check(self, permission: Permission) -> None:
        """Raises Forbidden when it does not have the permission."""
        if permission not in self.permissions:
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
    def is_good(self) -> bool:
        return self.revoked_at is None

    @property
    def principal(self) -> Principal:
        return Principal(
            tenant_id=self.tenant_id,
            role=self.role,
            user_id=self.user_id,
            token_id=f"token:{self.id}",
            api_token_id=self.id,
        )
