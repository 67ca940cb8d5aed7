"""The key in use."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from stripe_bridge.adapters.database.tables.base import Row


class KeyInUseRow(Row):
    """At most one row."""

    __tablename__ = "encryption_key"
    __table_args__ = (CheckConstraint(text("id = 1"), name="single"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    fingerprint: Mapped[str]
    since: Mapped[datetime]
