"""What a change is called, from the object before and after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stripe_bridge.domain.access import ApiToken
from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.dispute import ENDED, Dispute
from stripe_bridge.domain.integration import Integration, SyncStatus
from stripe_bridge.domain.invoice import PAYABLE, Invoice, InvoiceStatus
from stripe_bridge.domain.payment_status import PaymentStatus
from stripe_bridge.domain.refund import Refund, RefundState
from stripe_bridge.domain.sales_order import SalesOrder

Names = Sequence[ChangeType]
_SETTLED = frozenset({InvoiceStatus.PAID, InvoiceStatus.VOID})
_INVOICE_ENDS = {
    InvoiceStatus.ABANDONED: ChangeType.INVOICE_SEND_FAILED,
    InvoiceStatus.PAID: ChangeType.INVOICE_PAID,
    InvoiceStatus.VOID: ChangeType.INVOICE_VOIDED,
    InvoiceStatus.UNCOLLECTIBLE: ChangeType.INVOICE_MARKED_UNCOLLECTIBLE,
}
_INVOICE_PAYMENTS = {
    PaymentStatus.PENDING: ChangeType.INVOICE_PAYMENT_PENDING,
    PaymentStatus.FAILED: ChangeType.INVOICE_PAYMENT_FAILED,
    PaymentStatus.PARTIAL: ChangeType.INVOICE_PARTIALLY_PAID,
}
_REFUND_STATES = {
    RefundState.SUCCEEDED: ChangeType.REFUND_SUCCEEDED,
    RefundState.FAILED: ChangeType.REFUND_FAILED,
    RefundState.REFUSED: ChangeType.REFUND_FAILED,
    RefundState.CANCELED: ChangeType.REFUND_CANCELED,
}


def name_integration(before: Integration | None, after: Integration) -> Names:
    if before is None:
        return [ChangeType.INTEGRATION_CREATED]
    if after.connected and not before.connected:
        return [ChangeType.INTEGRATION_CONNECTED]
    if before.connected and not after.connected:
        return [ChangeType.INTEGRATION_DISCONNECTED]
    if after.sync_status is SyncStatus.RESTRICTED and before.sync_status is not SyncStatus.RESTRICTED:
        return [ChangeType.INTEGRATION_RESTRICTED]
    return [ChangeType.INTEGRATION_UPDATED]


def name_sales_order(before: SalesOrder | None, _after: SalesOrder) -> Names:
    return [ChangeType.SALES_ORDER_CREATED if before is None else ChangeType.SALES_ORDER_UPDATED]


def name_invoice(before: Invoice | None, after: Invoice) -> Names:
    """One that is stored in a later state than the first, as after a restore, is created and has reached that state."""
    if before is None:
        reached = _INVOICE_ENDS.get(after.status)
        return [ChangeType.INVOICE_CREATED] if reached is None else [ChangeType.INVOICE_CREATED, reached]
    if _is_taken_back(before, after):
        return [ChangeType.INVOICE_CORRECTED]
    if after.status is not before.status and after.status in _INVOICE_ENDS:
        return [_INVOICE_ENDS[after.status]]
    if after.sent_at is not None and after.sent_at != before.sent_at:
        return [ChangeType.INVOICE_SENT]
    if after.overdue_for is not None and after.overdue_for != before.overdue_for:
        return [ChangeType.INVOICE_OVERDUE]
    payment = after.payment_status
    if payment is not before.payment_status and payment in _INVOICE_PAYMENTS:
        return [_INVOICE_PAYMENTS[payment]]
    if payment is PaymentStatus.PARTIAL and after.amount_paid > before.amount_paid:
        return [ChangeType.INVOICE_PARTIALLY_PAID]
    return [ChangeType.INVOICE_UPDATED]


def _is_taken_back(before: Invoice, after: Invoice) -> bool:
    """Whether what an earlier change told was wrong. Neither a status nor what was paid goes back for any other reason."""
    if after.amount_paid < before.amount_paid:
        return True
    if before.status in _SETTLED:
        return after.status is not before.status
    return before.status is InvoiceStatus.UNCOLLECTIBLE and after.status in PAYABLE


def name_refund(before: Refund | None, after: Refund) -> Names:
    reached = _REFUND_STATES.get(after.state)
    if before is None:
        return [ChangeType.REFUND_CREATED] if reached is None else [ChangeType.REFUND_CREATED, reached]
    if reached is not None and after.state is not before.state:
        return [reached]
    return [ChangeType.REFUND_UPDATED]


def name_dispute(before: Dispute | None, after: Dispute) -> Names:
    is_closed = after.status in ENDED
    if before is None:
        return (
            [ChangeType.DISPUTE_OPENED, ChangeType.DISPUTE_CLOSED]
            if is_closed
            else [ChangeType.DISPUTE_OPENED]
        )
    if is_closed and before.status not in ENDED:
        return [ChangeType.DISPUTE_CLOSED]
    return [ChangeType.DISPUTE_UPDATED]


def name_token(before: ApiToken | None, _after: ApiToken) -> Names:
    return [ChangeType.TOKEN_CREATED if before is None else ChangeType.TOKEN_REVOKED]


def invoice_details(invoice: Invoice) -> Mapping[str, object]:
    """A send that was undone left nothing: whoever follows the log drops the invoice again."""
    if invoice.status is not InvoiceStatus.ABANDONED:
        return {}
    refusal = None if invoice.failure is None else invoice.failure.refusal
    if refusal is None:
        is_balance = invoice.failure is not None and invoice.failure.customer_balance is not None
        return {"gone": True, "reason": "customer_balance" if is_balance else "undone"}
    return {"gone": True, "reason": refusal.code or "refused"}


def refund_details(refund: Refund) -> Mapping[str, object]:
    """One that Stripe refused never came to be."""
    if refund.state is not RefundState.REFUSED:
        return {}
    return {"gone": True, "reason": (refund.refusal and refund.refusal.code) or "refused"}
