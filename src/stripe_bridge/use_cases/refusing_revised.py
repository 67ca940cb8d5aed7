"""An invoice that is void may have been edited at Stripe: then another one has taken its place there, and asks for the money.

https://docs.stripe.com/invoicing/invoice-edits
"""

from __future__ import annotations

from collections.abc import Sequence

from stripe_bridge.domain.errors import InvoiceNotSent, InvoiceRevised
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.sales_order import SalesOrder
from stripe_bridge.domain.stripe_objects import StripeInvoice, StripeInvoiceStatus
from stripe_bridge.ports.gateway_errors import GatewayError, GatewayRefused
from stripe_bridge.ports.payment_gateway import PaymentGateway


class RefuseRevised:
    """Raises InvoiceRevised while a revision of one of these invoices, all void, could have the order paid twice; and
    InvoiceNotSent when Stripe cannot be asked.
    """

    def __init__(self, gateway: PaymentGateway) -> None:
        self._gateway = gateway

    def __call__(self, order: SalesOrder, voided: Sequence[Invoice]) -> None:
        paid = 0
        for revision in filter(None, map(self._revision, voided)):
            if revision.status is StripeInvoiceStatus.PAID:
                paid += revision.amount_paid
                if paid > order.paid_elsewhere:
                    raise InvoiceRevised(revision.id, is_paid=True)
            elif revision.status is not StripeInvoiceStatus.VOID:
                raise InvoiceRevised(revision.id, is_paid=False)

    def _revision(self, invoice: Invoice) -> StripeInvoice | None:
        """The newest one."""
        newest, next_id, seen = None, invoice.stripe_invoice_id, set[str]()
        try:
            while next_id is not None and next_id not in seen:
                seen.add(next_id)
                newest = self._gateway.invoice(invoice.stripe_account_id, next_id)
                next_id = newest.latest_revision
        except GatewayRefused:
            # We have left that account, or the invoice has gone from it.
            return None
        except GatewayError as error:
            raise InvoiceNotSent(final=True, reason=error.reason) from error
        return newest if len(seen) > 1 else None
