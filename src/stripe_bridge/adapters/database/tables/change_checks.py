"""How far each tenant's change log has been checked."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from stripe_bridge.adapters.database.tables.base import Row
from stripe_bridge.adapters.database.types import Choice
from stripe_bridge.domain.changes.verification import FaultKind


class ChangeCheckRow(Row):
    __tablename__ = "change_checks"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    checked_at: Mapped[datetime]
    sequence: Mapped[int]
    hash: Mapped[str]
    order_id: Mapped[int | None]
    completed_at: Mapped[datetime | None]
    fault_kind: Mapped[FaultKind | None] = mapped_column(Choice(FaultKind))
    fault_sequence: Mapped[int | None]
    fault_what: Mapped[str | None]
