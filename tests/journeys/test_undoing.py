"""Voids, refunds, and events applied again."""

from collections.abc import Callable

import pytest

from stripe_bridge.domain.access import Role
from tests.journeys.combinations import ACCOUNT_TOKENS, POSTGRES_REDIS, SQLITE, on
from tests.journeys.people import Erp, Json, data_of, problem
from tests.journeys.stack import Stack
from tests.journeys.traces import Traces
from tests.waiting import wait_until

pytestmark = on(SQLITE, POSTGRES_REDIS, ACCOUNT_TOKENS)


def at_stripe(stack: Stack, kind: str, object_id: str) -> Json:
    found: Json = next(one for one in stack.control.objects(kind) if one["id"] == object_id)
    return found


def test_a_voided_invoice_cannot_be_paid_and_its_order_is_free(stack: Stack, erp: Erp):
    integration = erp.connect()
    erp.new_order()
    invoice = erp.sent(integration)
    answer = erp.void(invoice)
    assert answer.json()["message"] == "Invoice voided."
    voided = data_of(answer, 200)
    assert voided["status"] == "void"
    assert voided["voided_at"]
    assert at_stripe(stack, "invoices", invoice["stripe_invoice_id"])["status"] == "void"
    assert "void" in problem(erp.void(invoice), 422)["message"]
    assert erp.order()["open_invoice"] is None
    second = erp.paid(integration)
    assert second["id"] != invoice["id"]
    listed = erp.get("/api/stripe/sales-orders/1001/invoices")
    assert [(one["id"], one["status"]) for one in listed] == [
        (second["id"], "paid"),
        (invoice["id"], "void"),
    ]


def test_an_order_whose_invoice_was_edited_in_the_dashboard_is_not_billed_twice(stack: Stack, erp: Erp):
    integration = erp.connect()
    erp.new_order()
    invoice = erp.sent(integration)
    revision = stack.control.revise(invoice["stripe_invoice_id"])
    erp.invoice_with(invoice, status="void")

    assert revision["id"] in problem(erp.send(integration), 422)["message"]
    stack.control.void(revision["id"])

    assert data_of(erp.send(integration), 201)["id"] != invoice["id"]


@pytest.mark.parametrize("why", ["uncollectible", "partly paid"])
def test_a_void_that_comes_too_late_says_why_and_shows_what_stripe_has(stack: Stack, erp: Erp, why: str):
    erp.new_order()
    invoice = erp.sent(erp.connect())
    with stack.misbehaving({"deliveries": {"hold": 1}}):
        if why == "uncollectible":
            stack.control.mark_uncollectible(invoice["stripe_invoice_id"])
        else:
            stack.control.pay(invoice["stripe_invoice_id"], amount=1_000)
        assert why in problem(erp.void(invoice), 422)["message"]
        shown = erp.invoice(invoice)
        theirs = at_stripe(stack, "invoices", invoice["stripe_invoice_id"])
        assert (shown["status"], shown["amount_paid"]) == (theirs["status"], theirs["amount_paid"])
        stack.control.release()
    assert why in problem(erp.void(invoice), 422)["message"]


def test_a_paid_invoice_is_refunded_and_not_voided(stack: Stack, erp: Erp):
    erp.new_order()
    invoice = erp.paid(erp.connect())
    assert "Refund it instead." in problem(erp.void(invoice), 422)["message"]

    forbidden = erp.ask("POST", f"/api/stripe/invoices/{invoice['id']}/refunds", {}, role=Role.MEMBER)
    assert problem(forbidden, 403)["message"] == "This action is unauthorized."
    part = data_of(erp.refund(invoice, amount_in_cents=2_450, reason="requested_by_customer"), 201)
    assert (part["amount"], part["currency"], part["status"]) == (2_450, "usd", "succeeded")
    shown = erp.invoice_with(invoice, amount_refunded=2_450, refund_status="partial")
    assert shown["status"] == "paid"
    assert erp.order()["outstanding_in_cents"] == 2_450

    problem(erp.refund(invoice, amount_in_cents=10_001), 422)
    data_of(erp.refund(invoice), 201)
    erp.invoice_with(invoice, amount_refunded=12_450, refund_status="full")
    problem(erp.refund(invoice), 422)
    erp.applied(invoice, *2 * ["refund.created", "charge.refunded"])
    assert [refund["amount"] for refund in erp.refunds(invoice)] == [10_000, 2_450]
    charge = at_stripe(stack, "charges", invoice["stripe_charge_id"])
    assert (charge["amount_refunded"], charge["refunded"]) == (12_450, True)
    assert erp.order()["outstanding_in_cents"] == 12_450


def test_a_refund_made_in_the_dashboard_enters_the_same_ledger(stack: Stack, erp: Erp):
    erp.new_order()
    invoice = erp.paid(erp.connect())
    stack.control.refund(invoice["stripe_charge_id"], 450)
    erp.invoice_with(invoice, amount_refunded=450, refund_status="partial")
    (refund,) = erp.refunds(invoice)
    assert (refund["amount"], refund["user_id"]) == (450, None)
    assert data_of(erp.refund(invoice), 201)["amount"] == 12_000
    erp.invoice_with(invoice, amount_refunded=12_450, refund_status="full")


def test_a_refund_that_fails_later_may_be_made_again(stack: Stack, erp: Erp):
    erp.new_order()
    invoice = erp.paid(erp.connect())
    made = data_of(erp.refund(invoice), 201)
    erp.invoice_with(invoice, refund_status="full")
    stack.control.change_refund(made["refund_id"], "failed")
    erp.invoice_with(invoice, amount_refunded=0, refund_status="none")
    assert data_of(erp.refund(invoice, amount_in_cents=12_450), 201)["status"] == "succeeded"


def test_a_disputed_payment_is_not_refunded_until_the_dispute_is_won(stack: Stack, erp: Erp):
    erp.new_order()
    invoice = erp.paid(erp.connect())
    dispute = stack.control.dispute(invoice["stripe_charge_id"])
    erp.invoice_with(invoice, dispute_status="needs_response")
    assert "dispute" in problem(erp.refund(invoice), 422)["message"]
    stack.control.change_dispute(dispute["id"], "won")
    erp.invoice_with(invoice, dispute_status="won")
    refunded = data_of(erp.refund(invoice), 201)
    assert (refunded["amount"], refunded["status"]) == (12_450, "succeeded")
    erp.invoice_with(invoice, amount_refunded=12_450, refund_status="full", dispute_status="won")


def test_events_applied_again_change_nothing(
    stack: Stack, erp: Erp, new_erp: Callable[[], Erp], traces: Traces
):
    erp.new_order()
    invoice = erp.paid(erp.connect())
    traces.rest()
    before, order = erp.invoice(invoice), erp.order()
    events = erp.activity(invoice)
    for event in events:
        answer = erp.ask("POST", f"/api/stripe/webhook-events/{event['id']}/replay")
        assert (answer.status_code, answer.json()) == (
            200,
            {"message": "Webhook event re-queued for processing."},
        )
    traces.rest()
    shown = {event["id"]: event for event in erp.activity(invoice)}
    assert {event["status"] for event in shown.values()} == {"processed"}
    for event in events:
        assert shown[event["id"]]["processed_at"] > event["processed_at"]
    assert (erp.invoice(invoice), erp.order()) == (before, order)

    path = f"/api/stripe/webhook-events/{events[0]['id']}"
    assert erp.get(f"{path}?include_payload=1")["payload"]["id"] == events[0]["stripe_event_id"]
    stranger = new_erp()
    for method, url in (("GET", path), ("POST", f"{path}/replay")):
        assert problem(stranger.ask(method, url), 404)["message"] == "Webhook event not found."
    assert problem(erp.ask("POST", f"{path}/replay", role=Role.MEMBER), 403)


def test_events_delivered_twice_late_and_out_of_order_end_in_the_same_place(stack: Stack, erp: Erp):
    erp.new_order()
    with stack.misbehaving({"deliveries": {"hold": 1}}):
        invoice = erp.sent(erp.connect())
        stack.control.pay(invoice["stripe_invoice_id"])
        assert erp.invoice(invoice)["status"] == "open"
        mine = [
            event["id"]
            for event in stack.control.objects("events")
            if event["account"] == invoice["stripe_account_id"]
        ]
        stack.control.release(list(reversed(mine)))
    for event_id in mine:
        stack.control.redeliver(event_id)
    erp.invoice_with(invoice, status="paid", amount_paid=12_450)
    events = erp.applied(invoice, "invoice.paid", "invoice.sent", "invoice.finalized")
    assert len({event["stripe_event_id"] for event in events}) == len(events)
    assert erp.order()["outstanding_in_cents"] == 0


def test_a_send_whose_answer_is_lost_is_finished_and_never_made_twice(stack: Stack, erp: Erp):
    erp.new_order()
    integration = erp.connect()
    with stack.misbehaving({"calls": [{"effect": "cut_after", "path": "/finalize$", "next": 1}]}):
        answer = erp.send(integration)
    assert answer.status_code in (201, 502)
    wait_until(lambda: (erp.order()["open_invoice"] or {}).get("amount") == 12_450)
    again = data_of(erp.send(integration), 200)
    assert again["status"] == "open"
    stripe_account = integration["stripe_account_id"]
    assert [one["account"] for one in stack.control.objects("invoices")].count(stripe_account) == 1
