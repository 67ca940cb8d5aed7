"""`checkout.session.*`, if a session pays one of our invoices: what it paid is read from the invoice itself."""

from __future__ import annotations

from stripe_bridge.domain.invoice import SnapshotOrder
from stripe_bridge.domain.stripe_objects import StripeInvoice
from stripe_bridge.domain.webhook_event import SkipReason, StripeEvent
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.ports.stripe.errors import ObjectMissing
from stripe_bridge.ports.stripe.invoices import InvoiceGateway
from stripe_bridge.use_cases.records.invoices import RecordInvoice, find_invoice, lock_invoice
from stripe_bridge.use_cases.webhook_events.handlers.find_invoice import FindInvoice
from stripe_bridge.use_cases.webhook_events.handlers.handler import (
    Applied,
    Fetched,
    HandlerResult,
    NeedsRefetch,
    Skipped,
)


class CheckoutSessionHandler:
    """A session names its invoice, or only the payment intent that pays it."""

    def __init__(self, gateway: InvoiceGateway, find_invoice: FindInvoice, record: RecordInvoice) -> None:
        self._gateway, self._find_invoice, self._record = gateway, find_invoice, record

    def fetch(self, account_id: str, event: StripeEvent) -> StripeInvoice | None:
        invoice_id = event.invoice_id
        if invoice_id is None:
            payment = self._find_invoice.fetch(account_id, event)
            invoice_id = None if payment is None else payment.invoice_id
        try:
            return None if invoice_id is None else self._gateway.invoice(account_id, invoice_id)
        except ObjectMissing:
            return None

    def apply(
        self,
        work: UnitOfWork,
        account_id: str,
        event: StripeEvent,
        fetched: Fetched[StripeInvoice | None] | None,
    ) -> HandlerResult:
        current = None if fetched is None else fetched.current
        current_id = None if current is None else current.id
        known = find_invoice(work, account_id, event.invoice_id, event.payment_intent_id, current_id)
        if known is None:
            can_fetch = fetched is None and event.invoice_id is None and event.payment_intent_id is not None
            return NeedsRefetch(0) if can_fetch else Skipped(SkipReason.FOREIGN_OBJECT)
        invoice = lock_invoice(work, known)
        if fetched is None:
            return NeedsRefetch(invoice.version)
        if current is not None:
            if fetched.version != invoice.version and invoice.compare(current) is SnapshotOrder.UNCLEAR:
                return NeedsRefetch(invoice.version)
            self._record(work, invoice, current)
        return Applied()
