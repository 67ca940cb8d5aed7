"""Who is signed in to the console, and the links by which one gets in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from stripe_bridge.adapters.database.tables.base import OWN_IDS, Id, Row, one_of
from stripe_bridge.adapters.database.types import Choice
from stripe_bridge.domain.access import Role


def _both_or_neither() -> CheckConstraint:
    """A tenant's person has a role; an operator has neither."""
    return CheckConstraint(text("(tenant_id IS NULL) = (role IS NULL)"), name="person")


class ConsoleLinkRow(Row):
    __tablename__ = "console_links"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index("ix_console_links_expires_at", "expires_at"),
        one_of("role", Role),
        _both_or_neither(),
        OWN_IDS,
    )

    id: Mapped[Id]
    token_hash: Mapped[str]
    name: Mapped[str]
    tenant_id: Mapped[str | None]
    role: Mapped[Role | None] = mapped_column(Choice(Role))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class ConsoleSessionRow(Row):
    __tablename__ = "console_sessions"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index("ix_console_sessions_expires_at", "expires_at"),
        one_of("role", Role),
        _both_or_neither(),
        OWN_IDS,
    )

    id: Mapped[Id]
    token_hash: Mapped[str]
    name: Mapped[str]
    tenant_id: Mapped[str | None]
    role: Mapped[Role | None] = mapped_column(Choice(Role))
    user_id: Mapped[int | None]
    is_vouched_for: Mapped[bool]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
