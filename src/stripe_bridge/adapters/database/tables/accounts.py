"""Who may call us, and what we are connected to: tokens, integrations, OAuth states, receivers."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from stripe_bridge.adapters.database.tables.base import OWN_IDS, Id, Row, is_among, one_of, partial_index
from stripe_bridge.adapters.database.types import (
    Choice,
    Document,
    dump_gap,
    dump_snapshot,
    load_gap,
    load_snapshot,
)
from stripe_bridge.domain.access import Role
from stripe_bridge.domain.panel_session import PanelAction
from stripe_bridge.domain.receiver import PLATFORM_KINDS, ReceiverKind
from stripe_bridge.domain.reconciliation import Gap
from stripe_bridge.domain.stripe_objects import AccountSnapshot


def _load_actions(stored: list[str]) -> frozenset[PanelAction]:
    return frozenset(map(PanelAction, stored))


class TokenRow(Row):
    __tablename__ = "api_tokens"
    __table_args__ = (UniqueConstraint("token_hash"), one_of("role", Role), OWN_IDS)

    id: Mapped[Id]
    tenant_id: Mapped[str]
    role: Mapped[Role] = mapped_column(Choice(Role))
    user_id: Mapped[int | None]
    label: Mapped[str]
    token_hash: Mapped[str]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class PanelSessionRow(Row):
    __tablename__ = "panel_sessions"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index("ix_panel_sessions_expires_at", "expires_at"),
        one_of("role", Role),
        OWN_IDS,
    )

    id: Mapped[Id]
    token_hash: Mapped[str]
    tenant_id: Mapped[str]
    sales_order_id: Mapped[int]
    can: Mapped[frozenset[PanelAction]] = mapped_column(Document(sorted, _load_actions))
    origin: Mapped[str]
    user_id: Mapped[int | None]
    role: Mapped[Role] = mapped_column(Choice(Role))
    creator: Mapped[str]
    subject: Mapped[str | None]
    api_token_id: Mapped[int | None] = mapped_column(ForeignKey("api_tokens.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class IntegrationRow(Row):
    __tablename__ = "integrations"
    __table_args__ = (
        partial_index(
            "uq_integrations_connected_account", "account_id", where=text("connected"), unique=True
        ),
        Index("ix_integrations_account", "account_id", "connected", "disconnected_at", "id"),
        Index("ix_integrations_tenant", "tenant_id", "id"),
        partial_index("ix_integrations_reconcile_due", "reconcile_due_at", "id", where=text("connected")),
        CheckConstraint(text("account_id IS NOT NULL OR NOT connected"), name="connected"),
        OWN_IDS,
    )

    id: Mapped[Id]
    tenant_id: Mapped[str]
    name: Mapped[str]
    livemode: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    connected: Mapped[bool]
    account_id: Mapped[str | None]
    snapshot: Mapped[AccountSnapshot | None] = mapped_column(Document(dump_snapshot, load_snapshot))
    sealed_access_token: Mapped[str | None]
    connected_at: Mapped[datetime | None]
    disconnected_at: Mapped[datetime | None]
    last_reconciled_at: Mapped[datetime | None]
    # Whose turn it is to reconcile, and what that came upon, is the workers' concern alone: no fields of the integration's.
    reconcile_due_at: Mapped[datetime] = mapped_column(default=datetime(1970, 1, 1, tzinfo=UTC))
    webhook_gap: Mapped[Gap | None] = mapped_column(Document(dump_gap, load_gap))
    version: Mapped[int]
    logged_version: Mapped[int | None]


class OAuthStateRow(Row):
    __tablename__ = "oauth_states"
    __table_args__ = (
        Index("ix_oauth_states_expires_at", "expires_at"),
        Index("uq_oauth_states_confirmation", "confirmation_hash", unique=True),
    )

    state_hash: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    integration_id: Mapped[int] = mapped_column(ForeignKey("integrations.id"))
    expires_at: Mapped[datetime]
    consumed_at: Mapped[datetime | None]
    code_hash: Mapped[str | None]
    connected_at: Mapped[datetime | None]
    needs_confirmation: Mapped[bool] = mapped_column(server_default=false())
    sealed_code: Mapped[str | None]
    confirmation_hash: Mapped[str | None]
    confirmed_at: Mapped[datetime | None]


class ReceiverRow(Row):
    __tablename__ = "receivers"
    __table_args__ = (
        UniqueConstraint("stripe_endpoint_id"),
        Index("ix_receivers_integration", "integration_id"),
        partial_index("uq_receivers_platform", "kind", where=is_among("kind", PLATFORM_KINDS), unique=True),
        one_of("kind", ReceiverKind),
        CheckConstraint(text("(kind = 'account') = (integration_id IS NOT NULL)"), name="integration"),
        OWN_IDS,
    )

    id: Mapped[Id]
    kind: Mapped[ReceiverKind] = mapped_column(Choice(ReceiverKind))
    integration_id: Mapped[int | None] = mapped_column(ForeignKey("integrations.id"))
    stripe_endpoint_id: Mapped[str | None]
    url: Mapped[str]
    sealed_secret: Mapped[str]
    enabled: Mapped[bool]
    created_at: Mapped[datetime]
    checked_at: Mapped[datetime]
