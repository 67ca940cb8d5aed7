"""Whether Stripe asks for what was agreed with the ERP when the order was reserved."""

from __future__ import annotations

from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.refusal import SendFailure
from stripe_bridge.domain.stripe_objects import StripeInvoice


def changed_by_balance(invoice: Invoice, snapshot: StripeInvoice) -> SendFailure | None:
    """The failure if it is the customer's balance that makes Stripe ask for another amount than agreed."""
    if snapshot.total != invoice.amount or snapshot.starting_balance == 0:
        return None
    return SendFailure(amount_due=snapshot.amount_due, customer_balance=snapshot.starting_balance)


def is_as_agreed(invoice: Invoice, snapshot: StripeInvoice) -> bool:
    """Whether Stripe asks for the agreed amount: a customer's balance makes `amount_due` differ from `total`."""
    return snapshot.total == snapshot.amount_due == invoice.amount
