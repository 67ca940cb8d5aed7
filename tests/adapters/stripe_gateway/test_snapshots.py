"""Stripe's objects, whole or sparse, become our values."""

from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from stripe_bridge.adapters.stripe_gateway import snapshots
from stripe_bridge.adapters.stripe_gateway.snapshots import StripeSnapshots
from stripe_bridge.domain.stripe_objects import PaymentProgress, StripeInvoiceStatus
from stripe_bridge.ports.stripe.snapshots import Snapshots, SnapshotUnreadable

SPARSE_INVOICE: dict[str, Any] = {
    "id": "in_1",
    "object": "invoice",
    "status": "draft",
    "customer": "cus_1",
    "currency": "jpy",
    "total": 0,
    "amount_due": 0,
    "amount_paid": 0,
    "amount_remaining": 0,
}
SPARSE_PAYMENT: dict[str, Any] = {
    "id": "inpay_1",
    "object": "invoice_payment",
    "invoice": "in_1",
    "status": "open",
    "payment": {"type": "payment_intent", "payment_intent": "pi_1"},
}

SPARSE_REFUND: dict[str, Any] = {
    "id": "re_1",
    "object": "refund",
    "status": "succeeded",
    "amount": 100,
    "currency": "eur",
    "created": 1,
}
SPARSE_DISPUTE: dict[str, Any] = {
    "id": "du_1",
    "object": "dispute",
    "status": "needs_response",
    "amount": 100,
    "currency": "eur",
    "is_charge_refundable": False,
    "created": 1,
}


def invoice(**changes: Any) -> stripe.Invoice:
    return stripe.Invoice.construct_from(SPARSE_INVOICE | changes, "key")


def payment(**changes: Any) -> stripe.InvoicePayment:
    return stripe.InvoicePayment.construct_from(SPARSE_PAYMENT | changes, "key")


def test_an_invoice_is_read_from_the_few_keys_that_are_always_there():
    read = snapshots.invoice(invoice())

    assert (read.id, read.status, read.currency) == ("in_1", StripeInvoiceStatus.DRAFT, "JPY")
    assert (read.metadata, read.line_count, read.payments, read.due_date) == ({}, 0, None, None)


def test_an_invoices_moments_are_aware_utc():
    moments = {"finalized_at": 1, "paid_at": 2, "voided_at": None}

    read = snapshots.invoice(invoice(status_transitions=moments, due_date=3))

    assert read.finalized_at == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert read.paid_at == datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC)
    assert read.voided_at is None
    assert read.due_date == datetime(1970, 1, 1, 0, 0, 3, tzinfo=UTC)


def test_an_expanded_object_reads_like_its_bare_id():
    whole = invoice(customer={"id": "cus_1", "object": "customer"}, payments={"data": [SPARSE_PAYMENT]})

    read = snapshots.invoice(whole)

    assert read.customer_id == "cus_1"
    assert read.payments is not None
    assert [each.payment_intent_id for each in read.payments] == ["pi_1"]


@pytest.mark.parametrize(
    ("lines", "count"),
    [({"data": [{}, {}]}, 2), ({"data": [{}], "total_count": 250}, 250), ({"data": []}, 0), (None, 0)],
)
def test_lines_are_counted_beyond_those_shown(lines: dict[str, Any] | None, count: int):
    assert snapshots.invoice(invoice(lines=lines)).line_count == count


def test_metadata_ends_as_plain_text():
    read = snapshots.invoice(invoice(metadata={"bridge_intent": "r-1"}))

    assert dict(read.metadata) == {"bridge_intent": "r-1"}
    assert not isinstance(read.metadata, stripe.StripeObject)


def test_a_status_that_we_do_not_know_is_not_guessed():
    with pytest.raises(ValueError, match="frozen"):
        snapshots.invoice(invoice(status="frozen"))


@pytest.mark.parametrize(
    ("made_by", "intent", "charge"),
    [
        ({"payment_intent": "pi_1"}, "pi_1", None),
        ({"payment_intent": {"id": "pi_1", "latest_charge": None}}, "pi_1", None),
        ({"payment_intent": {"id": "pi_1", "latest_charge": "ch_1"}}, "pi_1", "ch_1"),
        ({"payment_intent": {"id": "pi_1", "latest_charge": {"id": "ch_1"}}}, "pi_1", "ch_1"),
        ({"payment_intent": None, "charge": "ch_1"}, None, "ch_1"),
        ({"type": "payment_record", "payment_record": "pr_1"}, None, None),
    ],
)
def test_a_payment_names_its_intent_and_charge_however_far_they_are_expanded(
    made_by: dict[str, Any], intent: str | None, charge: str | None
):
    read = snapshots.payment(payment(payment=made_by))

    assert (read.payment_intent_id, read.charge_id) == (intent, charge)


def test_a_payments_new_status_is_passed_on():
    moments = {"paid_at": 1}

    read = snapshots.payment(payment(status="new_to_us", amount_paid=5, status_transitions=moments))

    assert (read.status, read.amount_paid, read.is_default) == ("new_to_us", 5, False)
    assert read.paid_at == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


def test_an_account_without_any_flags_can_do_nothing():
    read = snapshots.account(stripe.Account.construct_from({"id": "acct_1", "object": "account"}, "key"))

    assert (read.charges_enabled, read.payouts_enabled, read.details_submitted) == (False, False, False)
    assert (read.display_name, read.business_name, read.capabilities) == (None, None, {})


def test_an_account_is_read_in_full():
    reported: dict[str, Any] = {
        "id": "acct_1",
        "object": "account",
        "charges_enabled": True,
        "payouts_enabled": True,
        "details_submitted": True,
        "country": "DE",
        "default_currency": "eur",
        "email": "a@b.test",
        "business_profile": {"name": "Chairs", "url": "https://chairs.test"},
        "settings": {"dashboard": {"display_name": "Chairs Ltd"}},
        "capabilities": {"card_payments": "active"},
    }

    read = snapshots.account(stripe.Account.construct_from(reported, "key"))

    assert (read.country, read.default_currency, read.email) == ("DE", "eur", "a@b.test")
    assert (read.display_name, read.business_name, read.business_url) == (
        "Chairs Ltd",
        "Chairs",
        "https://chairs.test",
    )
    assert dict(read.capabilities) == {"card_payments": "active"}


def refund(**changes: Any) -> stripe.Refund:
    return stripe.Refund.construct_from(SPARSE_REFUND | changes, "key")


def dispute(**changes: Any) -> stripe.Dispute:
    return stripe.Dispute.construct_from(SPARSE_DISPUTE | changes, "key")


def test_a_refund_and_a_dispute_are_read_from_the_few_keys_that_are_always_there():
    refunded, disputed = snapshots.refund(refund()), snapshots.dispute(dispute())

    for read in (refunded, disputed):
        assert (read.amount, read.currency, read.charge_id, read.payment_intent_id) == (
            100,
            "EUR",
            None,
            None,
        )
        assert read.created_at == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert (refunded.reason, refunded.failure_reason, refunded.metadata) == (None, None, {})
    assert not disputed.is_charge_refundable


def test_a_refund_and_a_dispute_name_their_payment_expanded_or_not():
    for charge, intent in (("ch_1", "pi_1"), ({"id": "ch_1"}, {"id": "pi_1"})):
        refunded = snapshots.refund(refund(charge=charge, payment_intent=intent))
        disputed = snapshots.dispute(dispute(charge=charge, payment_intent=intent))

        assert (refunded.charge_id, refunded.payment_intent_id) == ("ch_1", "pi_1")
        assert (disputed.charge_id, disputed.payment_intent_id) == ("ch_1", "pi_1")


def test_a_disputes_new_status_is_passed_on_but_a_refunds_is_not_guessed():
    assert snapshots.dispute(dispute(status="new_to_us")).status == "new_to_us"
    with pytest.raises(ValueError, match="new_to_us"):
        snapshots.refund(refund(status="new_to_us"))


@pytest.mark.parametrize(("moved", "amount"), [([], 0), ([-115], 100), ([-115, 115], 0)])
def test_a_prevented_dispute_amounts_to_what_it_took_from_the_balance(moved: list[int], amount: int):
    transactions = [{"object": "balance_transaction", "amount": each} for each in moved]

    for status, shown in (("prevented", amount), ("needs_response", 100)):
        assert snapshots.dispute(dispute(status=status, balance_transactions=transactions)).amount == shown


def webhook() -> Snapshots:
    return StripeSnapshots()


def test_a_payload_reads_like_an_answer():
    account = {"id": "acct_1", "object": "account", "charges_enabled": True, "capabilities": {"a": "active"}}

    assert webhook().invoice(SPARSE_INVOICE) == snapshots.invoice(invoice())
    assert webhook().payment(SPARSE_PAYMENT) == snapshots.payment(payment())
    assert webhook().refund(SPARSE_REFUND) == snapshots.refund(refund())
    assert webhook().dispute(SPARSE_DISPUTE) == snapshots.dispute(dispute())
    assert webhook().account(account) == snapshots.account(stripe.Account.construct_from(account, "key"))


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": 7},
        {"status": None},
        {"status": "frozen"},
        {"status": []},
        {"customer": None},
        {"customer": {}},
        {"currency": None},
        {"total": "100"},
        {"amount_due": None},
        {"amount_paid": 1.5},
        {"due_date": "soon"},
        {"due_date": 10**30},
        {"due_date": 10**15},
        {"status_transitions": "none"},
        {"lines": 3},
        {"payments": {"data": [{}]}},
    ],
)
def test_an_invoice_of_another_shape_is_unreadable(change: dict[str, Any]):
    with pytest.raises(SnapshotUnreadable):
        webhook().invoice(SPARSE_INVOICE | change)


@pytest.mark.parametrize("key", ["id", "status", "customer", "currency", "total", "amount_remaining"])
def test_an_invoice_that_lacks_what_it_has_to_have_is_unreadable(key: str):
    with pytest.raises(SnapshotUnreadable):
        webhook().invoice({name: value for name, value in SPARSE_INVOICE.items() if name != key})


@pytest.mark.parametrize(
    "change",
    [
        {"payment": None},
        {"payment": "pi_1"},
        {"invoice": None},
        {"id": None},
        {"status": 1},
        {"amount_paid": "5"},
        {"amount_paid": 1.5},
    ],
)
def test_a_payment_of_another_shape_is_unreadable(change: dict[str, Any]):
    with pytest.raises(SnapshotUnreadable):
        webhook().payment(SPARSE_PAYMENT | change)


def test_an_account_without_an_id_is_unreadable():
    with pytest.raises(SnapshotUnreadable):
        webhook().account({"object": "application"})


@pytest.mark.parametrize("key", sorted(SPARSE_REFUND.keys() - {"object"}))
def test_a_refund_that_lacks_what_it_has_to_have_is_unreadable(key: str):
    lacking = {name: SPARSE_REFUND[name] for name in SPARSE_REFUND if name != key}

    for shown in (lacking, SPARSE_REFUND | {key: None}, SPARSE_REFUND | {key: []}):
        with pytest.raises(SnapshotUnreadable):
            webhook().refund(shown)


@pytest.mark.parametrize("key", sorted(SPARSE_DISPUTE.keys() - {"object"}))
def test_a_dispute_that_lacks_what_it_has_to_have_is_unreadable(key: str):
    lacking = {name: SPARSE_DISPUTE[name] for name in SPARSE_DISPUTE if name != key}

    for shown in (lacking, SPARSE_DISPUTE | {key: None}, SPARSE_DISPUTE | {key: []}):
        with pytest.raises(SnapshotUnreadable):
            webhook().dispute(shown)


@pytest.mark.parametrize(
    ("intent", "expected"),
    [
        ("pi_1", (None, None)),
        ({"status": "requires_payment_method"}, (PaymentProgress.NONE, None)),
        ({"status": "processing"}, (PaymentProgress.PENDING, None)),
        ({"status": "processing", "last_payment_error": {"code": "no"}}, (PaymentProgress.PENDING, None)),
        (
            {
                "status": "requires_payment_method",
                "last_payment_error": {"code": "card_declined", "decline_code": "lost_card"},
            },
            (PaymentProgress.FAILED, "lost_card"),
        ),
        (
            {"status": "requires_payment_method", "last_payment_error": {"message": "No."}},
            (PaymentProgress.FAILED, "No."),
        ),
        ({"status": "succeeded", "last_payment_error": {"code": "no"}}, (PaymentProgress.NONE, None)),
    ],
)
def test_how_far_a_payment_has_come_is_read_from_its_intent(intent: Any, expected: Any):
    shown = {"id": "pi_1", **intent} if isinstance(intent, dict) else intent
    payment = snapshots.payment(
        {"id": "inpay_1", "invoice": "in_1", "status": "open", "payment": {"payment_intent": shown}}
    )
    assert (payment.progress, payment.failure_reason) == expected


@pytest.mark.parametrize(
    ("charge", "method"),
    [
        ("ch_1", None),
        ({"payment_method_details": {"type": "sepa_debit", "sepa_debit": {}}}, "sepa_debit"),
        ({"payment_method_details": None}, None),
        ({"payment_method_details": ["card"]}, None),
        ({"payment_method_details": {"type": 7}}, None),
        ({}, None),
    ],
)
def test_what_a_payment_was_made_with_is_read_from_its_charge(charge: Any, method: str | None):
    shown = {"id": "ch_1", **charge} if isinstance(charge, dict) else charge
    intent = {"id": "pi_1", "latest_charge": shown}
    payment = snapshots.payment(
        {"id": "inpay_1", "invoice": "in_1", "status": "paid", "payment": {"payment_intent": intent}}
    )
    assert (payment.charge_id, payment.method) == ("ch_1", method)
