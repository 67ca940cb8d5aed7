"""Correcting an invoice for which Stripe shows less than an event had said: the only way back."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from stripe_bridge.domain.invoice import PAYABLE, Invoice, InvoiceStatus
from stripe_bridge.domain.reconciliation import Drift
from stripe_bridge.domain.settlement import MAX_DELAY
from stripe_bridge.domain.stripe_objects import StripeInvoice, StripePayment
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.records.invoices import RecordInvoice

_log = logging.getLogger(__name__)


class CorrectInvoice:
    """Bring a locked invoice back to what Stripe shows, so that its order owes again. Returns `corrected`; or `contradicted`
    if it was left as it is, for an operator to decide.

    `current` must have been read, with `payments`, after what is stored was stored: only then does it prove that an event was
    wrong. What an earlier reading had confirmed is not taken back. Nor is it if the order has another invoice that can be
    paid: it would be billed twice.
    """

    def __init__(self, clock: Clock, record: RecordInvoice) -> None:
        self._clock, self._record = clock, record

    def __call__(
        self,
        work: UnitOfWork,
        invoice: Invoice,
        current: StripeInvoice,
        payments: Sequence[StripePayment],
    ) -> Drift:
        obstacle = _obstacle(work, invoice, current)
        facts = {
            "invoice_id": invoice.id,
            "stripe_invoice_id": invoice.stripe_invoice_id,
            "account_id": invoice.stripe_account_id,
            "known": f"{invoice.status}, {invoice.amount_paid} paid",
            "at_stripe": f"{current.status}, {current.amount_paid} paid",
        }
        if obstacle is None:
            self._record.correct(work, invoice, current, payments)
            _log.warning("invoice corrected: an event was wrong", extra=facts)
            return Drift.CORRECTED
        now = self._clock.now()
        # It is compared again: an operator may have ended one of them.
        work.invoices.save(replace(invoice, contradicted_at=now, confirm_due_at=now + MAX_DELAY))
        _log.warning("invoice contradicted by Stripe", extra={**facts, "left_because": obstacle})
        return Drift.CONTRADICTED


def _obstacle(work: UnitOfWork, invoice: Invoice, current: StripeInvoice) -> str | None:
    if invoice.confirmed_at is not None:
        return "Stripe itself had confirmed it"
    others = work.invoices.of_order(invoice.tenant_id, invoice.sales_order_id)
    is_rivaled = any(each.is_payable and each.id != invoice.id for each in others)
    if is_rivaled and InvoiceStatus(current.status.value) in PAYABLE:
        return "another invoice of the order can be paid"
    return None
