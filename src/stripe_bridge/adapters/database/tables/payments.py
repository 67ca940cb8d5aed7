"""What belongs to an invoice at Stripe: links to it, payments, refunds and disputes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
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
from stripe_bridge.adapters.database.types import Choice, Document
from stripe_bridge.domain.dispute import ENDED
from stripe_bridge.domain.refund import RefundSource, RefundState
from stripe_bridge.domain.refusal import Refusal, dump_refusal, load_refusal
from stripe_bridge.domain.stripe_objects import PaymentProgress

IS_UNDECIDED = is_among("state", [RefundState.PENDING, RefundState.REQUIRES_ACTION])
IS_DUPLICATE = text("duplicate_of IS NOT NULL")
# Whatever status Stripe adds may still change.
IS_ONGOING = text(f"status NOT IN ({', '.join(repr(status) for status in sorted(ENDED))})")


class LinkRow(Row):
    __tablename__ = "links"
    __table_args__ = (Index("ix_links_invoice", "invoice_id"),)

    # First in the key: many are looked up at once by it, of whatever account.
    stripe_id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"))


class PaymentRow(Row):
    __tablename__ = "payments"
    __table_args__ = (
        Index("ix_payments_invoice", "invoice_id"),
        Index("ix_payments_payment_intent", "account_id", "payment_intent_id"),
        *not_negative("amount_paid"),
    )

    account_id: Mapped[str] = mapped_column(primary_key=True)
    stripe_id: Mapped[str] = mapped_column(primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"))
    payment_intent_id: Mapped[str | None]
    charge_id: Mapped[str | None]
    status: Mapped[str]
    is_default: Mapped[bool]
    amount_paid: Mapped[int]
    paid_at: Mapped[datetime | None]
    progress: Mapped[PaymentProgress | None] = mapped_column(Choice(PaymentProgress))
    failure_reason: Mapped[str | None]
    method: Mapped[str | None]


class RefundRow(Row):
    __tablename__ = "refunds"
    __table_args__ = (
        UniqueConstraint("account_id", "stripe_refund_id"),
        UniqueConstraint("reference"),
        Index("ix_refunds_invoice", "invoice_id", "id"),
        partial_index("ix_refunds_duplicates", "id", where=IS_DUPLICATE),
        partial_index("ix_refunds_undecided", "account_id", "id", where=IS_UNDECIDED),
        one_of("state", RefundState),
        *not_negative("amount"),
        OWN_IDS,
    )

    id: Mapped[Id]
    tenant_id: Mapped[str]
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"))
    account_id: Mapped[str]
    payment_intent_id: Mapped[str | None]
    charge_id: Mapped[str | None]
    amount: Mapped[int]
    currency: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    state: Mapped[RefundState] = mapped_column(Choice(RefundState))
    reference: Mapped[str | None]
    stripe_refund_id: Mapped[str | None]
    reason: Mapped[str | None]
    failure_reason: Mapped[str | None]
    refusal: Mapped[Refusal | None] = mapped_column(Document(dump_refusal, load_refusal))
    user_id: Mapped[int | None]
    source: Mapped[RefundSource | None] = mapped_column(Choice(RefundSource))
    duplicate_of: Mapped[int | None]
    version: Mapped[int]
    logged_version: Mapped[int | None]


class DisputeRow(Row):
    __tablename__ = "disputes"
    __table_args__ = (
        Index("ix_disputes_invoice", "invoice_id"),
        partial_index("ix_disputes_ongoing", "account_id", "stripe_id", where=IS_ONGOING),
        *not_negative("amount"),
    )

    account_id: Mapped[str] = mapped_column(primary_key=True)
    stripe_id: Mapped[str] = mapped_column(primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"))
    status: Mapped[str]
    amount: Mapped[int]
    charge_id: Mapped[str | None]
    payment_intent_id: Mapped[str | None]
    is_charge_refundable: Mapped[bool]
    opened_at: Mapped[datetime]
    version: Mapped[int]
    logged_version: Mapped[int | None]
