"""Refunds, disputes and credit notes."""

import pytest
import stripe


@pytest.fixture
def charge(shop):
    return shop.charge_of(shop.paid(10_000).id)


def refund(shop, charge, **params):
    return shop.v1.refunds.create({"payment_intent": charge.payment_intent, **params}, shop.options)


def read(shop, charge):
    return shop.v1.charges.retrieve(charge.id, {}, shop.options)


def refusal_of(call, *arguments, **keywords) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        call(*arguments, **keywords)
    return refusal.value


def test_a_refund_without_an_amount_takes_all_that_remains(shop, charge):
    refund(shop, charge, amount=4000)
    rest = refund(shop, charge, reason="duplicate", metadata={"k": "v"})
    assert (rest.amount, rest.status, rest.reason, rest.metadata.to_dict()) == (
        6000,
        "succeeded",
        "duplicate",
        {"k": "v"},
    )
    assert (read(shop, charge).amount_refunded, read(shop, charge).refunded) == (10_000, True)
    assert refusal_of(refund, shop, charge).code == "charge_already_refunded"


def test_a_refund_changes_nothing_about_the_invoice(shop, charge):
    refund(shop, charge)
    payment = shop.v1.invoice_payments.list({}, shop.options).data[0]
    invoice = shop.read(payment.invoice)
    assert (invoice.status, invoice.amount_paid) == ("paid", 10_000)


def test_more_than_remains_is_refused_in_stripes_words(shop, charge):
    refund(shop, charge, amount=7000)
    error = refusal_of(refund, shop, charge, amount=4000)
    assert (error.code, error.param) == (None, "amount")
    assert error.user_message == "Refund amount ($40.00) is greater than unrefunded amount on charge ($30.00)"
    assert refusal_of(refund, shop, charge, amount=0).code == "parameter_invalid_integer"


@pytest.mark.parametrize(("currency", "amount", "exact"), [("kwd", 1_235, 1_230), ("isk", 150, 100)])
def test_what_does_not_exist_of_a_currency_is_not_refunded(shop, currency, amount, exact):
    charge = shop.charge_of(shop.paid(5_000, currency=currency).id)
    error = refusal_of(refund, shop, charge, amount=amount)
    assert (error.code, error.param) == (None, "amount")
    assert refund(shop, charge, amount=exact).amount == exact


def test_a_refund_needs_something_that_was_paid(shop):
    error = refusal_of(shop.v1.refunds.create, {"amount": 5}, shop.options)
    assert error.user_message.startswith("One of the following params should be provided")
    error = refusal_of(shop.v1.refunds.create, {"charge": "ch_nothing"}, shop.options)
    assert (error.http_status, error.code, error.param) == (404, "resource_missing", "id")
    [payment] = shop.payments(shop.open().id)
    intent = {"payment_intent": payment.payment.payment_intent}
    assert refusal_of(shop.v1.refunds.create, intent, shop.options).code is None


def test_a_refund_emits_events_of_itself_and_of_the_charge(shop, charge):
    before = len(shop.events())
    refund(shop, charge, amount=4000)
    created, refunded = shop.events()[before:]
    assert (created.type, refunded.type) == ("refund.created", "charge.refunded")
    assert refunded.data.object.amount_refunded == 4000
    assert "refunds" not in refunded.data.object
    assert refunded.data.previous_attributes.to_dict() == {"amount_refunded": 0}


def test_a_refund_that_fails_later_frees_its_amount_again(shop, charge):
    made = refund(shop, charge)
    shop.control.change_refund(made.id, "failed", "expired_or_canceled_card")
    failed = shop.v1.refunds.retrieve(made.id, {}, shop.options)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert (read(shop, charge).amount_refunded, read(shop, charge).refunded) == (0, False)
    assert {"refund.failed", "refund.updated"} <= set(shop.event_types())
    assert refund(shop, charge).amount == 10_000


@pytest.mark.parametrize("status", ["pending", "requires_action"])
def test_the_next_refunds_can_be_made_to_wait(shop, charge, status):
    shop.control.misbehave({"refunds": {"status": status, "next": 1}})
    waiting = refund(shop, charge, amount=1000)
    assert waiting.status == status
    assert read(shop, charge).amount_refunded == 1000
    assert refund(shop, charge, amount=1000).status == "succeeded"
    shop.control.change_refund(waiting.id, "succeeded")
    assert shop.v1.refunds.retrieve(waiting.id, {}, shop.options).status == "succeeded"


def test_refunds_that_misbehave_without_a_status_are_pending(shop, charge):
    shop.control.misbehave({"refunds": {"next": 1}})
    assert [refund(shop, charge, amount=100).status for _ in range(2)] == ["pending", "succeeded"]


def test_a_refund_can_fail_at_once(shop, charge):
    shop.control.misbehave({"refunds": {"status": "failed"}})
    assert refund(shop, charge).status == "failed"
    assert read(shop, charge).amount_refunded == 0


def test_only_a_refund_that_waits_for_the_customer_can_be_canceled(shop, charge):
    shop.control.misbehave({"refunds": {"status": "requires_action", "next": 1}})
    waiting, done = refund(shop, charge, amount=1000), refund(shop, charge, amount=1000)
    assert shop.v1.refunds.cancel(waiting.id, {}, shop.options).status == "canceled"
    assert read(shop, charge).amount_refunded == 1000
    error = refusal_of(shop.v1.refunds.cancel, done.id, {}, shop.options)
    assert error.user_message == "Canceling this refund is unsupported."


def test_refunds_of_the_dashboard_are_listed_with_the_others(shop, charge):
    mine, theirs = refund(shop, charge, amount=100), shop.control.refund(charge.id, amount=200)
    for by in ({"charge": charge.id}, {"payment_intent": charge.payment_intent}):
        listed = shop.v1.refunds.list(by, shop.options).data
        assert [one.id for one in listed] == [theirs["id"], mine.id]
    expanded = shop.v1.charges.retrieve(charge.id, {"expand": ["refunds"]}, shop.options)
    assert [one.id for one in expanded.refunds.data] == [theirs["id"], mine.id]


def test_a_late_reference_is_an_update_that_changes_no_money(shop, charge):
    made = refund(shop, charge)
    shop.control.change_refund(made.id)
    updated = shop.events(type="refund.updated")[-1]
    assert updated.data.object.status == "succeeded"
    assert set(updated.data.previous_attributes.to_dict()) == {"destination_details"}


def test_a_chargeback_withdraws_the_funds_and_forbids_refunds(shop, charge):
    dispute = shop.control.dispute(charge.id)
    assert read(shop, charge).disputed
    assert (dispute["status"], dispute["is_charge_refundable"]) == ("needs_response", False)
    assert [one["amount"] for one in dispute["balance_transactions"]] == [-10_000]
    assert refusal_of(refund, shop, charge).code == "charge_disputed"
    shop.control.change_dispute(dispute["id"], "won")
    assert [event.type for event in shop.events() if "dispute" in event.type] == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    assert refund(shop, charge).status == "succeeded"


def test_a_lost_chargeback_stays_unrefundable(shop, charge):
    dispute = shop.control.dispute(charge.id)
    assert shop.v1.disputes.close(dispute["id"], {}, shop.options).status == "lost"
    assert refusal_of(refund, shop, charge).code == "charge_disputed"
    refusal_of(shop.v1.disputes.close, dispute["id"], {}, shop.options)


def test_an_inquiry_moves_no_money_and_ends_with_a_full_refund(shop, charge):
    dispute = shop.control.dispute(charge.id, kind="inquiry", reason="product_not_received")
    assert (dispute["status"], dispute["balance_transactions"]) == ("warning_needs_response", [])
    refund(shop, charge)
    [read_again] = shop.v1.disputes.list({"payment_intent": charge.payment_intent}, shop.options).data
    assert read_again.status == "warning_closed"
    assert "charge.dispute.funds_withdrawn" not in shop.event_types()


def test_an_inquiry_can_become_a_chargeback(shop, charge):
    dispute = shop.control.dispute(charge.id, kind="inquiry")
    changed = shop.control.change_dispute(dispute["id"], "needs_response")
    assert not changed["is_charge_refundable"]
    assert changed["payment_method_details"]["card"]["case_type"] == "chargeback"
    assert shop.event_types()[-2:] == ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]


def test_submitting_evidence_puts_a_dispute_under_review(shop, charge):
    dispute = shop.control.dispute(charge.id)
    evidence = {"evidence": {"customer_name": "Anna"}, "submit": True}
    changed = shop.v1.disputes.update(dispute["id"], evidence, shop.options)
    assert (changed.status, changed.evidence.customer_name) == ("under_review", "Anna")


def test_a_credit_note_on_an_open_invoice_lowers_what_is_due(shop):
    invoice = shop.open(1000)
    note = shop.v1.credit_notes.create({"invoice": invoice.id, "amount": 400}, shop.options)
    assert (note.type, note.pre_payment_amount, note.post_payment_amount) == ("pre_payment", 400, 0)
    changed = shop.read(invoice.id)
    assert (changed.total, changed.amount_due, changed.amount_remaining) == (1000, 600, 600)
    shop.control.pay(invoice.id)
    assert shop.read(invoice.id).amount_paid == 600


def test_a_credit_note_over_all_that_is_due_settles_the_invoice(shop):
    invoice = shop.open(1000)
    shop.control.credit(invoice.id, 1000)
    assert shop.read(invoice.id).status == "paid"
    assert shop.payments(invoice.id, status="paid") == []


def test_a_credit_note_on_a_paid_invoice_gives_back_what_it_says(shop):
    invoice = shop.paid(1000)
    error = refusal_of(shop.v1.credit_notes.create, {"invoice": invoice.id, "amount": 400}, shop.options)
    assert "must equal" in error.user_message
    params = {"invoice": invoice.id, "amount": 400, "refund_amount": 300, "credit_amount": 100}
    note = shop.v1.credit_notes.create(params, shop.options)
    assert [one.amount_refunded for one in note.refunds] == [300]
    assert read(shop, shop.charge_of(invoice.id)).amount_refunded == 300
    assert shop.v1.customers.retrieve(invoice.customer, {}, shop.options).balance == -100
    assert shop.read(invoice.id).post_payment_credit_notes_amount == 400
    assert [one.id for one in shop.v1.credit_notes.list({"invoice": invoice.id}, shop.options).data] == [
        note.id
    ]


def test_a_checkout_session_names_the_invoice_or_intent_that_it_paid(shop, charge):
    session = shop.control.finish_checkout(payment_intent=charge.payment_intent)
    event = shop.events(type="checkout.session.completed")[-1]
    assert event.data.object.payment_intent == charge.payment_intent
    assert shop.v1.checkout.sessions.retrieve(session["id"], {}, shop.options).payment_status == "paid"
