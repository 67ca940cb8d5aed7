"""What is known of a restore: whose sends are held, which invoices are unresolved, which keys signed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from stripe_bridge.adapters.database.tables.base import Row
from stripe_bridge.adapters.database.types import Choice
from stripe_bridge.domain.reconciliation import Drift

IS_HOLD_OPEN = text("released_at IS NULL")


class RecoveryHoldRow(Row):
    __tablename__ = "recovery_holds"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(primary_key=True)
    held_at: Mapped[datetime]
    stripe_invoice_id: Mapped[str | None]
    released_at: Mapped[datetime | None]


class UnresolvedInvoiceRow(Row):
    __tablename__ = "unresolved_invoices"
    __table_args__ = (Index("ix_unresolved_invoices_order", "tenant_id", "sales_order_id"),)

    account_id: Mapped[str] = mapped_column(primary_key=True)
    stripe_invoice_id: Mapped[str] = mapped_column(primary_key=True)
    other_stripe_invoice_id: Mapped[str]
    tenant_id: Mapped[str]
    sales_order_id: Mapped[int]
    cause: Mapped[Drift] = mapped_column(Choice(Drift))
    found_at: Mapped[datetime]


class SigningKeyRow(Row):
    __tablename__ = "signing_keys"

    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]
    stripe_id: Mapped[str | None]
