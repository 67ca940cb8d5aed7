"""How many there are: totals, and the changes that are still to be added to them. Triggers write the changes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from stripe_bridge.adapters.database.tables.base import OWN_IDS, Id, Row
from stripe_bridge.adapters.database.types import Choice
from stripe_bridge.domain.hourly_sums import Measure


class EventTotalRow(Row):
    """Of events that are done with. No tenant is '', no integration 0."""

    __tablename__ = "event_counts"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    integration_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event_type: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]


class EventTotalChangeRow(Row):
    __tablename__ = "event_count_changes"
    __table_args__ = (OWN_IDS,)

    id: Mapped[Id]
    tenant_id: Mapped[str]
    integration_id: Mapped[int]
    event_type: Mapped[str]
    status: Mapped[str]
    number: Mapped[int]


class InvoiceTotalRow(Row):
    __tablename__ = "invoice_counts"

    integration_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    status: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]


class InvoiceTotalChangeRow(Row):
    __tablename__ = "invoice_count_changes"
    __table_args__ = (OWN_IDS,)

    id: Mapped[Id]
    integration_id: Mapped[int]
    status: Mapped[str]
    number: Mapped[int]


class HourlySumRow(Row):
    """What happened in the hour that begins at `hour`. No integration is 0, no currency ''."""

    __tablename__ = "hourly_sums"

    integration_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    measure: Mapped[Measure] = mapped_column(Choice(Measure), primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]


class HourlySumChangeRow(Row):
    """SQLite has only one writer, whom nobody waits for in vain: there the triggers add to the sums at once."""

    __tablename__ = "hourly_sum_changes"
    __table_args__ = (OWN_IDS,)

    id: Mapped[Id]
    integration_id: Mapped[int]
    hour: Mapped[datetime]
    measure: Mapped[Measure] = mapped_column(Choice(Measure))
    currency: Mapped[str]
    number: Mapped[int]
