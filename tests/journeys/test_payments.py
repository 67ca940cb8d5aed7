"""How customers pay, in every way except the simplest."""

import pytest

from tests.journeys.combinations import ACCOUNT_TOKENS, POSTGRES_REDIS, SQLITE, on
from tests.journeys.people import Erp, problem
from tests.journeys.stack import Stack

pytestmark = on(SQLITE, POSTGRES_REDIS, ACCOUNT_TOKENS)


def test_a_declined_payment_leaves_the_invoice_open_for_another_try(stack: Stack, erp: Erp):
    erp.new_order()
    invoice = erp.sent(erp.connect())
    stack.control.pay(invoice["stripe_invoice_id"], "decline")
    events = erp.applied(invoice, "invoice.payment_failed", "charge.failed")
    declined = erp.invoice(invoice)
    assert (declined["status"], declined["amount_paid"]) == ("open", 0)
    declined = erp.invoice_with(invoice, payment_status="failed")
    assert declined["payment_failure_reason"] == "generic_decline"
    (tried,) = declined["payments"]
    assert (tried["status"], tried["amount"], tried["method"]) == ("failed", 12_450, "card")
    assert (tried["failure_reason"], tried["stripe_charge_id"]) == ("generic_decline", None)
    assert erp.order()["outstanding_in_cents"] == 12_450

    stack.control.pay(invoice["stripe_invoice_id"])
    erp.applied(invoice, "invoice.paid", "charge.succeeded", "invoice_payment.paid")
    paid = erp.invoice(invoice)
    assert (paid["status"], paid["amount_paid"]) == ("paid", 12_450)
    failed = next(event for event in events if event["event_type"] == "charge.failed")
    assert paid["stripe_charge_id"] != failed["related_object_id"]
    (payment,) = paid["payments"]
    assert (payment["status"], payment["method"], payment["failure_reason"]) == ("paid", "card", None)
    assert payment["stripe_charge_id"] == paid["stripe_charge_id"]
    assert erp.listed(stripe_charge_id=paid["stripe_charge_id"]) == [paid]
    assert failed["id"] in [event["id"] for event in erp.activity(invoice)]


def test_a_bank_payment_counts_once_the_bank_says_so(stack: Stack, erp: Erp):
    erp.new_order()
    invoice = erp.sent(erp.connect())
    stack.control.pay(invoice["stripe_invoice_id"], "processing")
    erp.applied(invoice, "payment_intent.processing")
    under_way = erp.invoice(invoice)
    assert (under_way["status"], under_way["payment_status"]) == ("open", "pending")
    (by_bank,) = under_way["payments"]
    assert (by_bank["status"], by_bank["amount"], by_bank["method"]) == ("pending", 12_450, "us_bank_account")
    refused = problem(erp.void(invoice), 409)
    assert "while a payment on it is still pending" in refused["stripe"]["message"]
    assert refused["stripe"]["request_id"].startswith("req_")
    assert refused["stripe"]["request_log_url"].startswith("https://dashboard.stripe.com/")
    assert erp.invoice(invoice)["status"] == "open"
    stack.control.settle_processing(invoice["stripe_invoice_id"], "fail")
    erp.applied(invoice, "invoice.payment_failed")
    failed = erp.invoice_with(invoice, payment_status="failed")
    assert (failed["status"], failed["payment_failure_reason"]) == ("open", "insufficient_funds")
    stack.control.pay(invoice["stripe_invoice_id"], "processing")
    stack.control.settle_processing(invoice["stripe_invoice_id"], "succeed")
    paid = erp.invoice_with(invoice, status="paid")
    assert (paid["amount_paid"], paid["payment_status"], paid["payment_failure_reason"]) == (
        12_450,
        "paid",
        None,
    )


def test_an_invoice_paid_in_two_parts_is_paid_with_the_second(stack: Stack, erp: Erp):
    erp.new_order()
    invoice = erp.sent(erp.connect())
    stack.control.pay(invoice["stripe_invoice_id"], amount=5_000)
    erp.invoice_with(invoice, status="open", amount_paid=5_000)
    order = erp.order()
    assert (order["settled_in_cents"], order["outstanding_in_cents"]) == (5_000, 7_450)
    erp.applied(invoice, "charge.succeeded", "invoice_payment.paid")
    in_part = erp.invoice(invoice)
    assert (in_part["payment_status"], in_part["amount_remaining"]) == ("partial", 7_450)
    assert in_part["refundable_in_cents"] == 5_000
    stack.control.pay(invoice["stripe_invoice_id"])
    erp.invoice_with(invoice, status="paid", amount_paid=12_450)
    erp.applied(invoice, "invoice.paid", *2 * ["charge.succeeded", "invoice_payment.paid"])
    assert erp.order()["outstanding_in_cents"] == 0
    paid = erp.invoice(invoice)
    parts = [(each["status"], each["amount"], each["method"], each["currency"]) for each in paid["payments"]]
    assert sorted(parts) == [("paid", 5_000, "card", "USD"), ("paid", 7_450, "card", "USD")]
    assert (paid["amount_remaining"], paid["refundable_in_cents"]) == (0, 12_450)
    for payment in paid["payments"]:
        assert erp.listed(stripe_charge_id=payment["stripe_charge_id"]) == [paid]


@pytest.mark.parametrize(
    ("currency", "total"),
    [("JPY", 5_000), ("KRW", 70), ("KWD", 5_120), ("BHD", 1_230), ("ISK", 500), ("UGX", 1_000), ("EUR", 51)],
)
def test_an_amount_stays_what_it_is_in_every_kind_of_currency(
    stack: Stack, erp: Erp, currency: str, total: int
):
    erp.simple_order(1, currency, total)
    paid = erp.paid(erp.connect(), 1)
    assert (paid["amount"], paid["amount_paid"], paid["currency"]) == (total, total, currency)
    at_stripe = next(
        one for one in stack.control.objects("invoices") if one["id"] == paid["stripe_invoice_id"]
    )
    assert (at_stripe["total"], at_stripe["currency"]) == (total, currency.lower())
    assert erp.order(1)["outstanding_in_cents"] == 0


def test_an_order_may_be_invoiced_in_parts_and_then_for_the_rest(stack: Stack, erp: Erp):
    integration = erp.connect()
    erp.new_order()
    first = erp.paid(integration, amount_in_cents=2_450)
    assert erp.order()["outstanding_in_cents"] == 10_000
    problem(erp.send(integration, amount_in_cents=10_001), 422)
    rest = erp.sent(integration)
    assert (rest["amount"], rest["id"] != first["id"]) == (10_000, True)
    at_stripe = next(
        one for one in stack.control.objects("invoices") if one["id"] == rest["stripe_invoice_id"]
    )
    assert [line["description"] for line in at_stripe["lines"]["data"]] == ["Sales order SO-1001"]
    stack.control.pay(rest["stripe_invoice_id"])
    erp.invoice_with(rest, status="paid")
    order = erp.order()
    assert (order["outstanding_in_cents"], order["overpaid_in_cents"]) == (0, 0)
    problem(erp.send(integration), 422)


def test_an_invoice_voided_in_the_dashboard_frees_its_order(stack: Stack, erp: Erp):
    integration = erp.connect()
    erp.new_order()
    first = erp.sent(integration)
    stack.control.void(first["stripe_invoice_id"])
    assert erp.invoice_with(first, status="void")["voided_at"]
    second = erp.paid(integration)
    assert second["id"] != first["id"]
    assert erp.order()["settled_in_cents"] == 12_450


def test_an_uncollectible_invoice_frees_its_order_and_shows_as_overpaid_when_paid_after_all(
    stack: Stack, erp: Erp
):
    integration = erp.connect()
    erp.new_order()
    first = erp.sent(integration)
    stack.control.mark_uncollectible(first["stripe_invoice_id"])
    erp.invoice_with(first, status="uncollectible")
    # Stripe refuses to void it, but the new one is sent all the same.
    second = erp.paid(integration)
    assert erp.invoice(first)["status"] == "uncollectible"
    assert second["id"] != first["id"]
    stack.control.pay(first["stripe_invoice_id"])
    erp.invoice_with(first, status="paid")
    assert erp.order()["overpaid_in_cents"] == 12_450


@pytest.mark.parametrize("names", ["invoice", "payment_intent"])
def test_a_completed_checkout_alone_shows_that_an_invoice_is_paid(stack: Stack, erp: Erp, names: str):
    erp.new_order()
    invoice = erp.sent(erp.connect())
    unpaid = stack.control.finish_checkout("async_payment_failed", invoice=invoice["stripe_invoice_id"])
    assert erp.applied(invoice, "checkout.session.async_payment_failed")
    assert (unpaid["payment_status"], erp.invoice(invoice)["status"]) == ("unpaid", "open")

    with stack.misbehaving({"deliveries": {"hold": 1}}):
        stack.control.pay(invoice["stripe_invoice_id"])
        stack.control.finish_checkout(**{names: invoice[f"stripe_{names}_id"]})
        (told,) = (
            event["id"]
            for event in stack.control.objects("events")
            if event["type"] == "checkout.session.completed"
            and event["account"] == invoice["stripe_account_id"]
        )
        stack.control.release([told])
        erp.invoice_with(invoice, status="paid", amount_paid=12_450)
        types = {event["event_type"] for event in erp.activity(invoice)}
        stack.control.release()
    assert types.isdisjoint({"invoice.paid", "invoice_payment.paid", "charge.succeeded"})
    erp.applied(invoice, "checkout.session.completed", "invoice.paid", "charge.succeeded")
    assert erp.order()["outstanding_in_cents"] == 0
