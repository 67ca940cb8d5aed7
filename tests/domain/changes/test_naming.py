"""What changes are called."""

from dataclasses import replace
from typing import Any

import pytest

from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.changes.naming import (
    invoice_details,
    name_dispute,
    name_integration,
    name_invoice,
    name_refund,
    refund_details,
)
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.refund import RefundState
from stripe_bridge.domain.refusal import Refusal, SendFailure
from stripe_bridge.domain.stripe_objects import PaymentProgress
from tests.builders import (
    NOW,
    a_dispute,
    a_pending_integration,
    a_refund,
    an_account,
    an_integration,
    an_invoice,
)

OPEN = an_invoice(status=InvoiceStatus.OPEN)
PAID = an_invoice(status=InvoiceStatus.PAID)
UNCOLLECTIBLE = an_invoice(status=InvoiceStatus.UNCOLLECTIBLE)


@pytest.mark.parametrize(
    ("before", "changed", "name"),
    [
        (OPEN, {"status": InvoiceStatus.PAID}, "invoice.paid"),
        (OPEN, {"status": InvoiceStatus.VOID}, "invoice.voided"),
        (OPEN, {"status": InvoiceStatus.UNCOLLECTIBLE}, "invoice.marked_uncollectible"),
        (
            an_invoice(status=InvoiceStatus.RESERVED),
            {"status": InvoiceStatus.ABANDONED},
            "invoice.send_failed",
        ),
        (OPEN, {"sent_at": NOW}, "invoice.sent"),
        (OPEN, {"payment_progress": PaymentProgress.PENDING}, "invoice.payment_pending"),
        (OPEN, {"payment_progress": PaymentProgress.FAILED}, "invoice.payment_failed"),
        (OPEN, {"amount_paid": 5}, "invoice.partially_paid"),
        (replace(OPEN, amount_paid=5), {"amount_paid": 9}, "invoice.partially_paid"),
        (PAID, {"status": InvoiceStatus.OPEN}, "invoice.corrected"),
        (PAID, {"status": InvoiceStatus.VOID}, "invoice.corrected"),
        (UNCOLLECTIBLE, {"status": InvoiceStatus.OPEN}, "invoice.corrected"),
        (UNCOLLECTIBLE, {"status": InvoiceStatus.PAID, "amount_paid": 12_450}, "invoice.paid"),
        (UNCOLLECTIBLE, {"status": InvoiceStatus.VOID}, "invoice.voided"),
        (replace(OPEN, amount_paid=9), {"amount_paid": 5}, "invoice.corrected"),
        (replace(OPEN, amount_paid=9), {"amount_paid": 0}, "invoice.corrected"),
        (
            replace(OPEN, amount_paid=9),
            {"amount_paid": 0, "status": InvoiceStatus.UNCOLLECTIBLE},
            "invoice.corrected",
        ),
        (PAID, {"amount_refunded": 5}, "invoice.updated"),
        (OPEN, {"overdue_for": NOW}, "invoice.overdue"),
        (OPEN, {"number": "X-1"}, "invoice.updated"),
    ],
)
def test_an_invoices_change_is_called_by_what_matters_most(before: Any, changed: dict[str, Any], name: str):
    assert list(name_invoice(before, replace(before, **changed))) == [name]


def test_what_is_stored_in_a_later_state_was_created_and_has_reached_it():
    assert list(name_invoice(None, OPEN)) == [ChangeType.INVOICE_CREATED]
    assert list(name_invoice(None, PAID)) == [ChangeType.INVOICE_CREATED, ChangeType.INVOICE_PAID]
    succeeded = a_refund(state=RefundState.SUCCEEDED)
    assert list(name_refund(None, succeeded)) == [ChangeType.REFUND_CREATED, ChangeType.REFUND_SUCCEEDED]
    lost = a_dispute(status="lost")
    assert list(name_dispute(None, lost)) == [ChangeType.DISPUTE_OPENED, ChangeType.DISPUTE_CLOSED]


def test_a_refunds_end_is_named_once():
    pending = a_refund(state=RefundState.PENDING)
    failed = replace(pending, state=RefundState.FAILED)
    assert list(name_refund(pending, failed)) == [ChangeType.REFUND_FAILED]
    assert list(name_refund(failed, replace(failed, reason="duplicate"))) == [ChangeType.REFUND_UPDATED]


def test_an_integration_that_may_no_longer_charge_is_restricted():
    active = an_integration()
    restricted = replace(active, snapshot=an_account(charges_enabled=False))
    assert list(name_integration(active, restricted)) == [ChangeType.INTEGRATION_RESTRICTED]
    assert list(name_integration(restricted, active)) == [ChangeType.INTEGRATION_UPDATED]
    assert list(name_integration(a_pending_integration(), active)) == [ChangeType.INTEGRATION_CONNECTED]
    assert list(name_integration(active, active.disconnect(NOW))) == [ChangeType.INTEGRATION_DISCONNECTED]


def test_what_left_nothing_says_so_and_why():
    refusal = Refusal(message="No such customer", code="resource_missing")
    abandoned = an_invoice(status=InvoiceStatus.ABANDONED, failure=SendFailure(refusal=refusal))
    assert invoice_details(abandoned) == {"gone": True, "reason": "resource_missing"}
    balance = SendFailure(amount_due=1, customer_balance=-5)
    assert invoice_details(replace(abandoned, failure=balance))["reason"] == "customer_balance"
    assert invoice_details(replace(abandoned, failure=None)) == {"gone": True, "reason": "undone"}
    assert invoice_details(OPEN) == {}
    assert refund_details(a_refund(state=RefundState.REFUSED)) == {"gone": True, "reason": "refused"}
    assert refund_details(a_refund(state=RefundState.FAILED)) == {}
