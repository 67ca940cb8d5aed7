"""Subscribers, and what was last delivered to them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from stripe_bridge.adapters.database.tables.base import OWN_IDS, Id, Row, partial_index
from stripe_bridge.adapters.database.types import Choice, Document
from stripe_bridge.domain.subscriber import MAX_SUBSCRIBERS, DeliveryType, DisabledReason

# Written exactly as in the partial index.
IS_ENABLED = text("enabled")


class SubscriberRow(Row):
    """So that no two requests at once make one too many, each has one of the tenant's slots."""

    __tablename__ = "subscribers"
    __table_args__ = (
        Index("uq_subscribers_slot", "tenant_id", "slot", unique=True),
        partial_index("ix_subscribers_enabled", "next_attempt_at", where=IS_ENABLED),
        CheckConstraint(text(f"slot BETWEEN 1 AND {MAX_SUBSCRIBERS}"), name="slot"),
        OWN_IDS,
    )

    id: Mapped[Id]
    tenant_id: Mapped[str]
    slot: Mapped[int]
    url: Mapped[str]
    types: Mapped[tuple[str, ...] | None] = mapped_column(Document(list, tuple))
    max_batch: Mapped[int]
    description: Mapped[str]
    enabled: Mapped[bool]
    disabled_reason: Mapped[DisabledReason | None] = mapped_column(Choice(DisabledReason))
    disabled_at: Mapped[datetime | None]
    after: Mapped[int]
    after_hash: Mapped[str]
    log: Mapped[str | None]
    examined: Mapped[int]
    resumed: Mapped[int]
    failures: Mapped[int]
    failing_since: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime]
    last_success_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    sealed_secret: Mapped[str]
    sealed_former_secret: Mapped[str | None]
    former_secret_until: Mapped[datetime | None]
    lease: Mapped[str | None]
    leased_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int]


class DeliveryRow(Row):
    __tablename__ = "subscriber_deliveries"
    __table_args__ = (Index("ix_subscriber_deliveries", "subscriber_id", "id"), OWN_IDS)

    id: Mapped[Id]
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"))
    type: Mapped[DeliveryType] = mapped_column(Choice(DeliveryType))
    message_id: Mapped[str]
    after: Mapped[int | None]
    last: Mapped[int | None]
    attempted_at: Mapped[datetime]
    status: Mapped[int | None]
    ms: Mapped[int]
    error: Mapped[str | None]
