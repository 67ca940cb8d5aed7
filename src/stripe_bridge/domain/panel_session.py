"""A panel session: for ten minutes, one page of the ERP may show one sales order, and do with it what its creator allowed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from stripe_bridge.domain.access import PanelGrant, Permission, Principal, Role
from stripe_bridge.domain.loopback import is_loopback

LIFETIME = timedelta(minutes=10)
_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::(?P<port>[1-9][0-9]{0,4}))?"
)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


class PanelAction(StrEnum):
    """What a session can do, as it is asked for."""

    READ = "read"
    SEND = "send"
    VOID = "void"
    REFUND = "refund"

    @property
    def permission(self) -> Permission:
        return _PERMISSIONS[self]


_PERMISSIONS = {
    PanelAction.READ: Permission.READ,
    PanelAction.SEND: Permission.SEND_INVOICES,
    PanelAction.VOID: Permission.VOID_INVOICES,
    PanelAction.REFUND: Permission.REFUND_INVOICES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelSession:
    """As stored: the token's SHA-256, never the token itself.

    Its creator is one of our own tokens, `api_token_id`, or a user of the identity provider, `subject`; `creator` is the
    principal's `token_id` either way.
    """

    id: int
    token_hash: str
    tenant_id: str
    sales_order_id: int
    can: frozenset[PanelAction]
    origin: str
    user_id: int | None
    role: Role
    creator: str
    subject: str | None
    api_token_id: int | None
    created_at: datetime
    expires_at: datetime

    def is_good(self, now: datetime) -> bool:
        return now < self.expires_at

    @property
    def principal(self) -> Principal:
        """Whoever created it, held to what the session is for."""
        grant = PanelGrant(
            session_id=self.id,
            sales_order_id=self.sales_order_id,
            origin=self.origin,
            permissions=frozenset(action.permission for action in self.can),
            expires_at=self.expires_at,
        )
        return Principal(
            tenant_id=self.tenant_id,
            role=self.role,
            user_id=self.user_id,
            token_id=self.creator,
            subject=self.subject,
            panel=grant,
        )


def actions_of(permissions: frozenset[Permission]) -> frozenset[PanelAction]:
    """All that somebody with these permissions can do in a panel."""
    return frozenset(action for action in PanelAction if action.permission in permissions)


def is_origin(text: str) -> bool:
    """Whether a browser would send it as `Origin`: scheme, host and port, and https unless the host is this machine."""
    found = _ORIGIN.fullmatch(text)
    if found is None or len(text) > 300:
        return False
    port = found["port"]
    if port is not None and (port == _DEFAULT_PORTS[found["scheme"]] or int(port) > 65535):
        return False
    return found["scheme"] == "https" or is_loopback(found["host"])
