"""Webhook events: the record of what Stripe sent, and the queue of what is still to be applied."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from stripe_bridge.adapters.database.tables.base import (
    OWN_IDS,
    Id,
    Row,
    is_among,
    not_negative,
    one_of,
    partial_index,
)
from stripe_bridge.adapters.database.types import Choice, Compressed
from stripe_bridge.domain.webhook_event import EventStatus, SkipReason

IS_AWAITING = is_among("status", [EventStatus.RECEIVED, EventStatus.PROCESSING])
IS_FAILED = text("status = 'failed'")
IS_DONE = is_among("status", [EventStatus.PROCESSED, EventStatus.SKIPPED, EventStatus.FAILED])


class RetentionCursorRow(Row):
    """One row: payloads of events up to this id have been deleted, except those that are pending."""

    __tablename__ = "forgotten_payloads"

    up_to_event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class RetentionPendingRow(Row):
    """An event that was not finished when it was passed."""

    __tablename__ = "payloads_left"

    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class WebhookEventRow(Row):
    """Without a foreign key to the integration: each insert would then write to that one row, which all of a
    merchant's events share, and integrations are never deleted."""

    __tablename__ = "webhook_events"
    __table_args__ = (
        UniqueConstraint("account_id", "livemode", "stripe_event_id"),
        Index("ix_webhook_events_account", "account_id", "event_created_at"),
        partial_index("ix_webhook_events_due", "due_at", "id", where=IS_AWAITING),
        partial_index("ix_webhook_events_failed", "id", where=IS_FAILED),
        Index("ix_webhook_events_tenant", "tenant_id", "id"),
        Index("ix_webhook_events_integration", "tenant_id", "integration_id", "id"),
        Index("ix_webhook_events_status", "tenant_id", "status", "id"),
        Index("ix_webhook_events_type", "tenant_id", "event_type", "id"),
        Index("ix_webhook_events_related_object", "tenant_id", "related_object_id", "id"),
        one_of("status", EventStatus),
        *not_negative("attempts"),
        OWN_IDS,
    )

    id: Mapped[Id]
    tenant_id: Mapped[str | None]
    integration_id: Mapped[int | None]
    stripe_event_id: Mapped[str]
    event_type: Mapped[str]
    account_id: Mapped[str]
    livemode: Mapped[bool]
    related_object_id: Mapped[str | None]
    event_created_at: Mapped[datetime]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    due_at: Mapped[datetime]
    status: Mapped[EventStatus] = mapped_column(Choice(EventStatus))
    attempts: Mapped[int]
    last_error: Mapped[str | None]
    skip_reason: Mapped[SkipReason | None] = mapped_column(Choice(SkipReason))
    processed_at: Mapped[datetime | None]
    payload: Mapped[bytes] = mapped_column(Compressed)


class ProbeRow(Row):
    """One row, written over and over."""

    __tablename__ = "probes"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    written_at: Mapped[datetime]
