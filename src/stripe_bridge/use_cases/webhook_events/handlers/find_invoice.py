"""Finding the invoice that an event is about, if its object names a payment intent or a charge but no invoice.

We know the invoice's payment intent from finalizing it, so its events cost no call. For another payment intent (a second
payment, or something the merchant does outside this service), what it pays is fetched from Stripe.
"""

from __future__ import annotations

from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.stripe_objects import StripePayment
from stripe_bridge.domain.webhook_event import SkipReason, StripeEvent
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.ports.stripe.invoices import InvoiceGateway
from stripe_bridge.use_cases.records.invoices import RecordInvoice, find_invoice, lock_invoice
from stripe_bridge.use_cases.webhook_events.handlers.handler import NeedsRefetch, Skipped


class FindInvoice:
    """The event's invoice, locked; or why there is none."""

    def __init__(self, gateway: InvoiceGateway, record: RecordInvoice) -> None:
        self._gateway, self._record = gateway, record

    def fetch(self, account_id: str, event: StripeEvent) -> StripePayment | None:
        payment_intent = event.payment_intent_id
        if payment_intent is None:
            return None
        return self._gateway.find_payment(account_id, payment_intent)

    def __call__(
        self,
        work: UnitOfWork,
        account_id: str,
        event: StripeEvent,
        *,
        fetched: bool,
        payment: StripePayment | None,
    ) -> Invoice | NeedsRefetch | Skipped:
        """`payment` counts only once it was `fetched`."""
        payment_intent = event.payment_intent_id
        known = find_invoice(work, account_id, payment_intent, event.related_object_id)
        if known is not None:
            return lock_invoice(work, known)
        if not fetched and payment_intent is not None and _is_of_our_customer(work, account_id, event):
            return NeedsRefetch(0)
        owner = None if payment is None else find_invoice(work, account_id, payment.invoice_id)
        if payment is None or owner is None:
            return Skipped(SkipReason.FOREIGN_OBJECT)
        return self._record.record_payments(work, lock_invoice(work, owner), [payment], is_current=True)


def _is_of_our_customer(work: UnitOfWork, account_id: str, event: StripeEvent) -> bool:
    """Invoices are paid by their own customer, so other customers' payments need not be fetched."""
    customer = event.customer_id
    return customer is None or work.customers.is_known(account_id, customer)
