"""Invoices as callers see them: each with its integration's name, its payments, and what of it may still be refunded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.payment import Payment
from stripe_bridge.domain.refund import total_refundable
from stripe_bridge.domain.stripe_objects import PaymentProgress
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork

_LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentView:
    """`status` is `paid`, `pending` or `failed`. `amount` is in minor units, None where it is not known."""

    payment: Payment
    status: str
    amount: int | None
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceView:
    """An invoice, with what else a caller sees. Of its payments those that somebody has made, or tried to."""

    invoice: Invoice
    integration_name: str
    payments: Sequence[PaymentView] = ()
    refundable: int = 0


def view_invoice(work: UnitOfWork, invoice: Invoice, integration_name: str) -> InvoiceView:
    """One whose integration is at hand. Nothing is read for an invoice that nobody has begun to pay."""
    (view,) = _view_all(work, [invoice], {invoice.integration_id: integration_name})
    return view


def view_invoices(work: UnitOfWork, invoices: Sequence[Invoice]) -> Sequence[InvoiceView]:
    """At most four statements, however many they are."""
    if not invoices:
        return []
    names = work.integrations.names_of(sorted({invoice.integration_id for invoice in invoices}))
    return _view_all(work, invoices, names)


def _view_all(work: UnitOfWork, invoices: Sequence[Invoice], names: Mapping[int, str]) -> list[InvoiceView]:
    tried = [invoice.id for invoice in invoices if _is_tried(invoice)]
    collected = [invoice.id for invoice in invoices if invoice.amount_collected > 0]
    payments = work.payments.of_invoices(tried) if tried else {}
    refunds = work.refunds.of_invoices(collected) if collected else {}
    disputes = work.disputes.of_invoices(collected) if collected else {}
    return [
        InvoiceView(
            invoice=invoice,
            integration_name=names[invoice.integration_id],
            payments=_view_payments(invoice, payments.get(invoice.id, ())),
            refundable=total_refundable(
                payments.get(invoice.id, ()), refunds.get(invoice.id, ()), disputes.get(invoice.id, ())
            ),
        )
        for invoice in invoices
    ]


def _is_tried(invoice: Invoice) -> bool:
    """Whether anything was paid, is under way, or failed."""
    return bool(invoice.amount_paid or invoice.amount_collected or invoice.payment_progress)


def _view_payments(invoice: Invoice, payments: Sequence[Payment]) -> list[PaymentView]:
    """In the order in which they were paid; those that were not come last."""
    return [
        PaymentView(
            payment=payment, status=status, amount=_amount(invoice, payment), currency=invoice.currency
        )
        for payment in sorted(payments, key=_when_paid)
        if (status := _status(payment)) is not None
    ]


def _status(payment: Payment) -> str | None:
    if payment.is_paid:
        return "paid"
    is_tried = payment.progress in (PaymentProgress.PENDING, PaymentProgress.FAILED)
    return payment.progress.value if payment.progress is not None and is_tried else None


def _amount(invoice: Invoice, payment: Payment) -> int | None:
    """Stripe asks the default payment for all that remains, and leaves that as it was when the invoice is voided. What another
    is for shows once it is paid.
    """
    if payment.is_paid:
        return payment.amount_paid
    return (invoice.amount_remaining or None) if payment.is_default else None


def _when_paid(payment: Payment) -> tuple[datetime, str]:
    return payment.paid_at or _LATEST, payment.stripe_id
