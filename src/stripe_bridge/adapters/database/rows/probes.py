"""What is written only to see that writing works."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from stripe_bridge.adapters.database.rows.base import Row


class ProbeRow(Row):
    """One row, written over and over."""

    __tablename__ = "probes"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    written_at: Mapped[datetime]
