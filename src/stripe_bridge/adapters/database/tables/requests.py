"""What requests left behind."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from stripe_bridge.adapters.database.tables.base import Row, one_of
from stripe_bridge.adapters.database.types import Choice
from stripe_bridge.domain.request_trace import TraceKind


class RequestTraceRow(Row):
    """Beside the log and the intents, so that neither has another index: most of both come from no request."""

    __tablename__ = "request_traces"
    __table_args__ = (Index("ix_request_traces_noted_at", "noted_at"), one_of("kind", TraceKind))

    request_id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[TraceKind] = mapped_column(Choice(TraceKind), primary_key=True)
    object_id: Mapped[int] = mapped_column(primary_key=True)
    noted_at: Mapped[datetime]
