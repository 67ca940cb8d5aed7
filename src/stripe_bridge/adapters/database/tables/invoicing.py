"""What is billed: sales orders, billed customers, invoices."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from stripe_bridge.adapters.database.tables.base import (
    OWN_IDS,
    Id,
    Row,
    Searched,
    is_among,
    not_negative,
    one_of,
    partial_index,
)
from stripe_bridge.adapters.database.types import (
    Choice,
    Document,
    dump_customer,
    dump_invoice_lines,
    dump_order_lines,
    load_customer,
    load_invoice_lines,
    load_order_lines,
)
from stripe_bridge.domain.invoice import PAYABLE, InvoiceStatus
from stripe_bridge.domain.origin import Actor, dump_actor, load_actor
from stripe_bridge.domain.refusal import SendFailure, dump_failure, load_failure
from stripe_bridge.domain.sales_order import Customer, InvoiceLine, OrderLine
from stripe_bridge.domain.stripe_objects import PaymentProgress

IS_PAYABLE = is_among("status", PAYABLE)
IS_RESERVED = is_among("status", [InvoiceStatus.RESERVED])
# What Stripe knows and may still change by itself.
IS_UNFINISHED = is_among("status", [InvoiceStatus.DRAFT, InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE])
# Without the paid ones, which are by far the most, it costs next to nothing to keep an index by status.
IS_NOT_PAID = is_among("status", set(InvoiceStatus) - {InvoiceStatus.PAID, InvoiceStatus.ABANDONED})
# Not paid, but somebody has begun or tried to.
IS_BEING_PAID = text(f"({IS_NOT_PAID}) AND (amount_paid > 0 OR payment_progress IN ('failed', 'pending'))")
IS_SETTLED = is_among("status", [InvoiceStatus.PAID])
IS_UNCONFIRMED = text("confirm_due_at IS NOT NULL")
IS_CONTRADICTED = text("contradicted_at IS NOT NULL")
# Whose due date may have passed without a note of it.
MAY_BE_OVERDUE = text(f"status = '{InvoiceStatus.OPEN}' AND overdue_for IS NULL")
IS_LISTED = text(f"status <> '{InvoiceStatus.ABANDONED}'")


class SalesOrderRow(Row):
    __tablename__ = "sales_orders"
    __table_args__ = (
        Index("ix_sales_orders_number", "tenant_id", "number", "id"),
        *not_negative("total", "paid_elsewhere"),
    )

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    # The ERP's own.
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    number: Mapped[Searched]
    currency: Mapped[str]
    total: Mapped[int]
    paid_elsewhere: Mapped[int]
    customer: Mapped[Customer] = mapped_column(Document(dump_customer, load_customer))
    lines: Mapped[tuple[OrderLine, ...]] = mapped_column(Document(dump_order_lines, load_order_lines))
    source_updated_at: Mapped[datetime]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    # An earlier release, which may still be writing, does not name it.
    submitted: Mapped[bool] = mapped_column(server_default=true())
    logged_updated_at: Mapped[datetime | None]


class BilledCustomerRow(Row):
    __tablename__ = "billed_customers"
    __table_args__ = (
        UniqueConstraint("tenant_id", "account_id", "erp_customer_id", "email"),
        Index("ix_billed_customers_stripe_customer", "account_id", "stripe_customer_id"),
        Index("ix_billed_customers_email", "tenant_id", "email", "id"),
        OWN_IDS,
    )

    id: Mapped[Id]
    tenant_id: Mapped[str]
    account_id: Mapped[str]
    erp_customer_id: Mapped[int]
    email: Mapped[Searched]
    stripe_customer_id: Mapped[str | None]


class InvoiceRow(Row):
    __tablename__ = "invoices"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "sales_order_id"], ["sales_orders.tenant_id", "sales_orders.id"]),
        UniqueConstraint("stripe_account_id", "stripe_invoice_id"),
        partial_index(
            "uq_invoices_payable",
            "tenant_id",
            "sales_order_id",
            where=IS_PAYABLE,
            unique=True,
        ),
        Index("ix_invoices_order", "tenant_id", "sales_order_id", "id"),
        Index("ix_invoices_integration", "integration_id", "id"),
        Index("ix_invoices_integration_status", "integration_id", "status", "id"),
        partial_index("ix_invoices_account", "integration_id", "stripe_account_id", where=IS_LISTED),
        partial_index("ix_invoices_unfinished", "stripe_account_id", "id", where=IS_UNFINISHED),
        Index("ix_invoices_tenant", "tenant_id", "id"),
        Index("ix_invoices_tenant_number", "tenant_id", "number"),
        Index("ix_invoices_tenant_updated_at", "tenant_id", "updated_at", "id"),
        partial_index("ix_invoices_tenant_status", "tenant_id", "status", "id", where=IS_NOT_PAID),
        Index("ix_invoices_tenant_created_at", "tenant_id", "created_at", "id"),
        partial_index("ix_invoices_paying", "tenant_id", "id", where=IS_BEING_PAID),
        Index("ix_invoices_customer", "customer_id", "id"),
        partial_index("ix_invoices_due", "due_date", "id", where=MAY_BE_OVERDUE),
        partial_index("ix_invoices_settled", "stripe_account_id", "confirmed_at", "id", where=IS_SETTLED),
        partial_index("ix_invoices_unconfirmed", "confirm_due_at", "id", where=IS_UNCONFIRMED),
        partial_index("ix_invoices_contradicted", "contradicted_at", "id", where=IS_CONTRADICTED),
        one_of("status", InvoiceStatus),
        *not_negative(
            "amount", "amount_paid", "amount_remaining", "amount_collected", "amount_refunded", "amount_lost"
        ),
        OWN_IDS,
    )

    id: Mapped[Id]
    tenant_id: Mapped[str]
    integration_id: Mapped[int] = mapped_column(ForeignKey("integrations.id"))
    sales_order_id: Mapped[int]
    sales_order_number: Mapped[str]
    user_id: Mapped[int | None]
    stripe_account_id: Mapped[str]
    customer_id: Mapped[int] = mapped_column(ForeignKey("billed_customers.id"))
    customer_email: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]
    lines: Mapped[tuple[InvoiceLine, ...]] = mapped_column(Document(dump_invoice_lines, load_invoice_lines))
    days_until_due: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    status: Mapped[InvoiceStatus] = mapped_column(Choice(InvoiceStatus))
    stripe_invoice_id: Mapped[str | None]
    stripe_customer_id: Mapped[str | None]
    stripe_payment_intent_id: Mapped[str | None]
    stripe_charge_id: Mapped[str | None]
    number: Mapped[Searched | None]
    amount_paid: Mapped[int]
    amount_remaining: Mapped[int]
    amount_collected: Mapped[int]
    amount_refunded: Mapped[int]
    amount_lost: Mapped[int]
    dispute_status: Mapped[str | None]
    hosted_invoice_url: Mapped[str | None]
    invoice_pdf: Mapped[str | None]
    links_made_at: Mapped[datetime | None]
    links_asked_at: Mapped[datetime | None]
    due_date: Mapped[datetime | None]
    finalized_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    voided_by: Mapped[Actor | None] = mapped_column(Document(dump_actor, load_actor))
    last_refunded_at: Mapped[datetime | None]
    payment_progress: Mapped[PaymentProgress | None] = mapped_column(Choice(PaymentProgress))
    payment_failure_reason: Mapped[str | None]
    failure_reason: Mapped[str | None]
    failure: Mapped[SendFailure | None] = mapped_column(Document(dump_failure, load_failure))
    confirmed_at: Mapped[datetime | None]
    confirm_due_at: Mapped[datetime | None]
    contradicted_at: Mapped[datetime | None]
    overdue_for: Mapped[datetime | None]
    # `metadata` is taken on a declarative class.
    metadata_: Mapped[Mapping[str, str]] = mapped_column("metadata", Document(dict, dict))
    version: Mapped[int]
    logged_version: Mapped[int | None]
