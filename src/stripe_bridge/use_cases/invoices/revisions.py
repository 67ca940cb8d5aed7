"""Checking for revisions: an invoice that was edited at Stripe is replaced there by a new one, which asks for the money.

https://docs.stripe.com/invoicing/invoice-edits
"""

from __future__ import annotations

from collections.abc import Sequence

from stripe_bridge.domain.errors.outcomes import InvoiceNotSent, InvoiceRefused
from stripe_bridge.domain.errors.rules import InvoiceRevised
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.refund import total_returned
from stripe_bridge.domain.sales_order import SalesOrder
from stripe_bridge.domain.stripe_objects import StripeInvoice, StripeInvoiceStatus
from stripe_bridge.ports.stripe.errors import AccessRevoked, GatewayError, GatewayRefused, ObjectMissing
from stripe_bridge.ports.stripe.invoices import InvoiceGateway
from stripe_bridge.ports.stripe.refunds import RefundGateway


class CheckRevisions:
    """Raises InvoiceRevised if a revision of one of these invoices could lead to the order being paid twice, and
    InvoiceNotSent if Stripe does not answer whether there is one, or shows that one of them is not void after all;
    InvoiceRefused if it does not let us ask.
    """

    def __init__(self, gateway: InvoiceGateway, refunds: RefundGateway) -> None:
        self._gateway, self._refunds = gateway, refunds

    def __call__(self, order: SalesOrder, ended: Sequence[Invoice]) -> None:
        collected = 0
        for invoice in ended:
            revision, collected_by_it = self._newest_revision(invoice)
            if revision is None or revision.status is StripeInvoiceStatus.VOID:
                continue
            if revision.status is not StripeInvoiceStatus.PAID:
                raise InvoiceRevised(revision.id, is_paid=False)
            collected += collected_by_it
            # A copy of the order from before the payment cannot count it: what it has as paid elsewhere is something else.
            is_older = revision.paid_at is not None and order.updated_at < revision.paid_at
            if collected > order.paid_elsewhere or (is_older and collected_by_it > 0):
                raise InvoiceRevised(revision.id, is_paid=True)

    def _newest_revision(self, invoice: Invoice) -> tuple[StripeInvoice | None, int]:
        """The newest revision, and how much of its payment was not refunded."""
        try:
            revision = self._follow_revisions(invoice)
            return revision, self._collected(invoice.stripe_account_id, revision) if revision else 0
        except (AccessRevoked, ObjectMissing):
            # We no longer have access to that account, or the invoice no longer exists.
            return None, 0
        except GatewayRefused as error:
            raise InvoiceRefused(error.refusal) from error
        except GatewayError as error:
            raise InvoiceNotSent(final=True, reason=error.reason) from error

    def _follow_revisions(self, invoice: Invoice) -> StripeInvoice | None:
        newest, seen = None, set[str]()
        next_id = invoice.stripe_invoice_id
        while next_id is not None and next_id not in seen:
            seen.add(next_id)
            newest = self._gateway.invoice(invoice.stripe_account_id, next_id)
            if len(seen) == 1:
                _check_void(invoice, newest)
            next_id = newest.latest_revision
        return newest if len(seen) > 1 else None

    def _collected(self, account_id: str, revision: StripeInvoice) -> int:
        refunds = [
            refund
            for payment in revision.payments or ()
            if payment.status == "paid" and (payment.payment_intent_id or payment.charge_id)
            for refund in self._refunds.refunds_of(
                account_id, payment_intent_id=payment.payment_intent_id, charge_id=payment.charge_id
            )
        ]
        return revision.amount_paid - total_returned(refunds)


def _check_void(invoice: Invoice, current: StripeInvoice) -> None:
    """An event may have been wrong about the void, and confirming it takes a while."""
    if invoice.status is InvoiceStatus.VOID and current.status is not StripeInvoiceStatus.VOID:
        raise InvoiceNotSent(final=True, reason=f"{current.id} is void here, and {current.status} at Stripe")
