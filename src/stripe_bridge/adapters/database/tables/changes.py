"""The change log: its entries, and the end of each tenant's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from stripe_bridge.adapters.database.tables.base import Row, partial_index
from stripe_bridge.adapters.database.types import Choice, Compressed
from stripe_bridge.domain.changes.change import ChangeType, SubjectType


class ChangeHeadRow(Row):
    """Locked, always by tenant, at the end of every transaction that records something: numbers have no gaps."""

    __tablename__ = "change_heads"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    log: Mapped[str]
    sequence: Mapped[int]
    hash: Mapped[str]
    oldest: Mapped[int]
    is_complete: Mapped[bool]


class ActWindowRow(Row):
    """Until when acts with the same key are only counted."""

    __tablename__ = "act_windows"
    __table_args__ = (Index("ix_act_windows_ends_at", "ends_at"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    ends_at: Mapped[datetime]
    count: Mapped[int]


class ChangeRow(Row):
    """No foreign keys: checking them would lock rows after the heads. `signed` is what was hashed; the other columns but
    `content` and `salt` are derived from it."""

    __tablename__ = "changes"
    __table_args__ = (
        partial_index(
            "ix_changes_order",
            "tenant_id",
            "sales_order_id",
            "sequence",
            where=text("sales_order_id IS NOT NULL"),
        ),
        partial_index(
            "ix_changes_subject",
            "tenant_id",
            "subject_type",
            "subject_id",
            "sequence",
            where=text("sales_order_id IS NULL"),
        ),
    )

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str]
    type: Mapped[ChangeType] = mapped_column(Choice(ChangeType))
    subject_type: Mapped[SubjectType] = mapped_column(Choice(SubjectType))
    subject_id: Mapped[str]
    sales_order_id: Mapped[int | None]
    integration_id: Mapped[int | None]
    occurred_at: Mapped[datetime]
    signed: Mapped[bytes] = mapped_column(Compressed)
    content: Mapped[bytes | None] = mapped_column(Compressed)
    salt: Mapped[str | None]
    hash: Mapped[str]


class ChangeBackfillRow(Row):
    """How far one kind of object that was there before the log has been recorded. `cursor` is the last key of this pass."""

    __tablename__ = "change_backfill"

    subject_type: Mapped[SubjectType] = mapped_column(Choice(SubjectType), primary_key=True)
    cursor: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    pass_number: Mapped[int]
    found_in_pass: Mapped[int]
    recorded: Mapped[int]
    next_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
