"""Paying an invoice, wholly, partly, later or not at all."""

import pytest
import stripe

PAID = [
    "charge.succeeded",
    "payment_intent.succeeded",
    "invoice_payment.paid",
    "invoice.updated",
    "invoice.paid",
    "invoice.payment_succeeded",
]


def test_a_paid_card_invoice_makes_its_six_events(shop):
    invoice = shop.open(500)
    before = len(shop.events())
    shop.control.pay(invoice.id)
    events = shop.events()[before:]
    assert [event.type for event in events] == PAID
    assert all(event.request.id is None for event in events)


def test_payment_changes_invoice_payment_intent_and_charge(shop):
    invoice = shop.paid(500)
    assert (invoice.status, invoice.amount_paid, invoice.amount_remaining, invoice.amount_due) == (
        "paid",
        500,
        0,
        500,
    )
    assert invoice.status_transitions.paid_at
    [payment] = shop.payments(invoice.id, status="paid", expand=["data.payment.payment_intent"])
    intent = payment.payment.payment_intent
    assert (payment.amount_paid, payment.status_transitions.paid_at) == (
        500,
        invoice.status_transitions.paid_at,
    )
    assert (intent.status, intent.amount_received) == ("succeeded", 500)
    charge = shop.charge_of(invoice.id)
    assert (charge.status, charge.paid, charge.amount, charge.payment_intent) == (
        "succeeded",
        True,
        500,
        intent.id,
    )


def test_the_payment_method_of_a_charge_can_be_retrieved(shop):
    shop.paid(300)
    charge = shop.charge_of(shop.paid(500).id)
    method = shop.v1.payment_methods.retrieve(charge.payment_method, {}, shop.options)
    assert (method.id, method.type, method.card.last4) == (charge.payment_method, "card", "4242")
    with pytest.raises(stripe.InvalidRequestError, match="No such PaymentMethod"):
        shop.v1.payment_methods.retrieve(charge.payment_method)


def test_an_invoice_is_found_by_its_payment_intent(shop):
    invoice = shop.paid(500)
    intent = shop.charge_of(invoice.id).payment_intent
    found = shop.v1.invoice_payments.list(
        {"payment": {"type": "payment_intent", "payment_intent": intent}}, shop.options
    )
    assert [payment.invoice for payment in found.data] == [invoice.id]


def test_a_declined_payment_leaves_the_invoice_open_and_can_be_repeated(shop):
    invoice = shop.open(500)
    shop.control.pay(invoice.id, "decline")
    read = shop.read(invoice.id)
    assert (read.status, read.attempted, read.attempt_count) == ("open", True, 1)
    failed = shop.charge_of(invoice.id)
    assert (failed.status, failed.failure_code) == ("failed", "card_declined")
    intent = shop.v1.payment_intents.retrieve(failed.payment_intent, {}, shop.options)
    assert (intent.status, intent.last_payment_error.code) == ("requires_payment_method", "card_declined")
    assert shop.event_types()[-4:] == [
        "charge.failed",
        "payment_intent.payment_failed",
        "invoice.updated",
        "invoice.payment_failed",
    ]
    shop.control.pay(invoice.id)
    charges = shop.v1.charges.list({"payment_intent": intent.id}, shop.options).data
    assert [charge.status for charge in charges] == ["succeeded", "failed"]


def test_a_bank_debit_is_decided_later(shop):
    for outcome, status in (("succeed", "paid"), ("fail", "open")):
        invoice = shop.open(500)
        shop.control.pay(invoice.id, "processing")
        assert shop.read(invoice.id).status == "open"
        assert shop.event_types()[-3:] == ["charge.pending", "payment_intent.processing", "invoice.updated"]
        with pytest.raises(stripe.InvalidRequestError, match="still pending"):
            shop.v1.invoices.void_invoice(invoice.id, {}, shop.options)
        shop.control.settle_processing(invoice.id, outcome)
        assert shop.read(invoice.id).status == status


def test_several_payments_make_one_invoice_paid(shop):
    invoice = shop.open(500)
    shop.control.pay(invoice.id, amount=200)
    partly = shop.read(invoice.id)
    assert (partly.status, partly.amount_paid, partly.amount_remaining) == ("open", 200, 300)
    shop.control.pay(invoice.id)
    assert shop.read(invoice.id).status == "paid"
    assert sorted(one.amount_paid for one in shop.payments(invoice.id, status="paid")) == [200, 300]
    assert shop.event_types().count("invoice.paid") == 1
    assert shop.event_types().count("invoice_payment.paid") == 2


def test_the_whole_can_be_paid_in_parts_that_leave_nothing_to_the_default_payment(shop):
    invoice = shop.open(500)
    shop.control.pay(invoice.id, amount=200)
    shop.control.pay(invoice.id, amount=100)
    shop.control.pay(invoice.id, amount=200)
    assert shop.read(invoice.id).status == "paid"
    assert sum(one.amount_paid for one in shop.payments(invoice.id, status="paid")) == 500


def test_what_is_paid_too_much_is_credited_to_the_customer(shop):
    invoice = shop.open(500)
    shop.control.pay(invoice.id, amount=700)
    read = shop.read(invoice.id)
    assert (read.status, read.amount_paid, read.amount_remaining, read.amount_overpaid) == (
        "paid",
        500,
        0,
        200,
    )
    assert shop.v1.customers.retrieve(invoice.customer, {}, shop.options).balance == -200
    assert shop.charge_of(invoice.id).amount == 700
    assert shop.event_types()[-1] == "invoice.overpaid"
    assert shop.open(500, customer=invoice.customer).amount_due == 300


def test_paid_out_of_band_counts_as_paid_without_a_charge_or_an_attempt(shop):
    invoice = shop.v1.invoices.pay(shop.open(500).id, {"paid_out_of_band": True}, shop.options)
    assert (invoice.status, invoice.amount_paid, invoice.amount_paid_off_stripe) == ("paid", 500, 500)
    assert (invoice.attempted, invoice.attempt_count, invoice.auto_advance) == (False, 0, False)
    assert shop.payments(invoice.id, status="paid") == []
    types = shop.event_types()
    assert "invoice.paid" in types
    assert "invoice.payment_succeeded" not in types


def test_pay_takes_stripes_test_cards_and_finalizes_a_draft(shop):
    paid = shop.v1.invoices.pay(shop.draft(500).id, {"payment_method": "pm_card_visa"}, shop.options)
    assert paid.status == "paid"
    with pytest.raises(stripe.InvalidRequestError, match="Invoice is already paid"):
        shop.v1.invoices.pay(paid.id, {"payment_method": "pm_card_visa"}, shop.options)


def test_a_card_declined_by_pay_is_a_402_and_the_attempt_remains(shop):
    invoice = shop.open(500)
    with pytest.raises(stripe.CardError) as refusal:
        shop.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_chargeDeclined"}, shop.options)
    assert (refusal.value.http_status, refusal.value.code) == (402, "card_declined")
    assert shop.read(invoice.id).attempt_count == 1
    assert shop.charge_of(invoice.id).status == "failed"


def test_an_invoices_intent_cannot_be_canceled_by_hand(shop):
    [payment] = shop.payments(shop.open().id)
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.payment_intents.cancel(payment.payment.payment_intent, {}, shop.options)


@pytest.mark.parametrize(
    ("service", "param"),
    [("payment_intents", "intent"), ("charges", "id"), ("disputes", "dispute"), ("customers", "id")],
)
def test_a_missing_object_is_a_404_with_stripes_own_param_name(shop, service, param):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        getattr(shop.v1, service).retrieve("nothing", {}, shop.options)
    error = refusal.value
    assert (error.http_status, error.code, error.param) == (404, "resource_missing", param)
