"""Our callers' idempotent requests, for a day."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from stripe_bridge.adapters.database.tables.base import Row


class IdempotentRequestRow(Row):
    __tablename__ = "idempotent_requests"
    __table_args__ = (Index("ix_idempotent_requests_created_at", "created_at"),)

    token_id: Mapped[str] = mapped_column(primary_key=True)
    method: Mapped[str] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body_hash: Mapped[str]
    created_at: Mapped[datetime]
    leased_until: Mapped[datetime]
    status: Mapped[int | None]
    content_type: Mapped[str | None]
    body: Mapped[bytes | None]
