import pytest

from stripe_bridge.domain.access import Role
from stripe_bridge.domain.refusal import Refusal
from stripe_bridge.ports.stripe.errors import (
    GatewayBusy,
    GatewayMisconfigured,
    GatewayRefused,
    OutcomeUnknown,
)
from tests.adapters.web.world import data_of, problem

PATH = "/api/stripe/invoices"
REFUSAL = Refusal(
    message="This customer cannot be billed.",
    code="customer_blocked",
    request_id="req_1",
    request_log_url="https://dashboard.stripe.com/logs/req_1",
)
FIELDS = {
    "id", "integration_instance_id", "integration_instance", "sales_order_id", "sales_order_number", "user_id",
    "stripe_account_id", "stripe_invoice_id", "stripe_customer_id", "stripe_payment_intent_id", "stripe_charge_id",
    "number", "amount", "amount_paid", "amount_remaining", "amount_refunded", "refundable_in_cents", "payments",
    "currency", "status", "refund_status", "payment_status", "payment_failure_reason", "settlement", "dispute_status",
    "customer_email", "hosted_invoice_url", "hosted_invoice_url_expires_at",
    "invoice_pdf", "days_until_due", "due_date", "finalized_at", "sent_at",
    "paid_at", "voided_at", "voided_by", "last_refunded_at", "metadata", "created_at", "updated_at",
}  # fmt: skip


@pytest.fixture
def integration(world):
    return world.connect()


def test_a_sent_invoice_shows_every_field(world, integration):
    world.put_order()
    answer = world.send(integration["id"])
    assert (answer.status_code, answer.get_json()["message"]) == (201, "Invoice sent to customer.")
    data = answer.get_json()["data"]
    assert data.keys() == FIELDS
    assert data | {
        "integration_instance_id": integration["id"],
        "integration_instance": {"id": integration["id"], "name": "Rosen Furniture"},
        "sales_order_id": 1001,
        "sales_order_number": "SO-1001",
        "user_id": 7,
        "stripe_account_id": integration["stripe_account_id"],
        "amount": 12_000,
        "amount_paid": 0,
        "amount_refunded": 0,
        "currency": "EUR",
        "status": "open",
        "refund_status": "none",
        "dispute_status": None,
        "customer_email": "jenny@example.com",
        "days_until_due": 30,
        "due_date": "2026-12-23T12:00:00.000000Z",
        "paid_at": None,
        "voided_at": None,
    } == data  # fmt: skip
    shown = world.ask("GET", f"{PATH}/{data['id']}", role=Role.VIEWER).get_json()
    assert shown == {"data": data}


def test_sending_again_answers_the_invoice_that_is_there_as_it_is(world, integration):
    world.put_order()
    first = world.send(integration["id"], amount_in_cents=5_000).get_json()["data"]
    again = world.send(integration["id"], amount_in_cents=7_000, customer_email="other@example.com")
    assert (again.status_code, again.get_json()["data"]) == (200, first)


def test_another_email_may_be_given(world, integration):
    world.put_order()
    data = world.send(integration["id"], customer_email="boss@example.com").get_json()["data"]
    assert data["customer_email"] == "boss@example.com"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"integration_instance_id": "1"}, "integration_instance_id"),
        ({"integration_instance_id": True}, "integration_instance_id"),
        ({"integration_instance_id": 0}, "integration_instance_id"),
        ({"integration_instance_id": 2**63}, "integration_instance_id"),
        ({"sales_order_id": 1.5}, "sales_order_id"),
        ({"amount_in_cents": 0}, "amount_in_cents"),
        ({"amount_in_cents": None}, "amount_in_cents"),
        ({"customer_email": "nobody"}, "customer_email"),
        ({"customer_email": "a@b.c\0"}, "customer_email"),
        ({"customer_email": None}, "customer_email"),
        ({"amount": 5}, "amount"),
    ],
)
def test_a_field_that_is_wrong_is_named(world, integration, changes, field):
    world.put_order()
    body = {"integration_instance_id": integration["id"], "sales_order_id": 1001, **changes}
    refused = problem(world.ask("POST", PATH, body), 422)
    assert list(refused["errors"]) == [field]
    assert world.stripe.calls_of("create_customer") == []


def test_the_order_and_the_integration_have_to_be_there(world, integration):
    refused = problem(world.send(integration["id"]), 404)
    assert refused["message"] == "Sales order not found."
    world.put_order()
    assert problem(world.send(999), 404)["message"] == "Stripe integration not found."


def test_an_integration_that_cannot_charge_sends_nothing(world):
    world.put_order()
    pending = world.create_integration()
    refused = problem(world.send(pending["id"]), 422)
    assert refused["message"] == "Stripe integration is not connected."
    assert "errors" not in refused
    restricted = world.connect(charges_enabled=False)
    refused = problem(world.send(restricted["id"]), 422)
    assert refused["message"] == "Stripe integration cannot accept payments yet."


def test_a_disconnected_integration_sends_nothing(world, integration):
    world.put_order()
    world.ask("POST", f"/api/stripe/integrations/{integration['id']}/disconnect")
    assert problem(world.send(integration["id"]), 422)["message"] == "Stripe integration is not connected."


def test_the_amount_stays_within_what_is_outstanding_and_above_stripes_minimum(world, integration):
    world.put_order()
    for amount in (12_001, 49):
        refused = problem(world.send(integration["id"], amount_in_cents=amount), 422)
        assert list(refused["errors"]) == ["amount_in_cents"]
    assert world.stripe.calls_of("create_draft") == []


def test_an_order_that_owes_nothing_is_not_invoiced(world, integration):
    world.put_order(paid_elsewhere_in_cents=12_000)
    refused = problem(world.send(integration["id"]), 422)
    assert refused["message"] == "The sales order has nothing outstanding."


def test_an_order_without_email_needs_one_given(world, integration):
    world.put_order(customer={"id": 77, "name": "Jenny"})
    refused = problem(world.send(integration["id"]), 422)
    assert list(refused["errors"]) == ["customer_email"]
    assert world.send(integration["id"], customer_email="jenny@example.com").status_code == 201


@pytest.mark.parametrize(
    "error", [OutcomeUnknown("timed out"), GatewayBusy("slow down"), GatewayMisconfigured("no such key")]
)
def test_what_may_be_tried_again_is_a_502_that_says_nothing_of_what_went_wrong_inside(
    world, integration, error
):
    world.put_order()
    for _ in range(20):
        world.stripe.fail_next("create_draft", error)
    answer = world.send(integration["id"])
    refused = problem(answer, 502)
    assert refused["message"] == "Stripe API error: invoice could not be sent."
    assert str(error.reason) not in answer.get_data(as_text=True)


@pytest.mark.parametrize("step", ["create_customer", "create_draft", "add_lines", "finalize", "send"])
def test_a_send_that_stripe_refuses_for_good_is_a_422_with_its_sentence_and_leaves_the_order_free(
    world, integration, step
):
    world.put_order()
    world.stripe.fail_next(step, GatewayRefused("No.", refusal=REFUSAL))
    refused = problem(world.send(integration["id"]), 422)
    assert refused["type"] == "urn:stripe-bridge:problem:InvoiceRefused"
    assert refused["message"] == "Stripe refused the invoice: This customer cannot be billed."
    assert refused["stripe"] == {
        "code": "customer_blocked",
        "message": "This customer cannot be billed.",
        "request_id": "req_1",
        "request_log_url": "https://dashboard.stripe.com/logs/req_1",
    }
    assert world.ask("GET", "/api/sales-orders/1001").get_json()["data"]["open_invoice"] is None


def test_of_a_refusal_only_what_stripe_gave_is_shown(world, integration):
    world.put_order()
    world.stripe.fail_next("create_draft", GatewayRefused("No such currency."))
    assert problem(world.send(integration["id"]), 422)["stripe"] == {"message": "No such currency."}


def test_a_reserved_invoice_is_shown_as_a_draft(world, integration):
    world.put_order()
    for _ in range(20):
        world.stripe.fail_next("create_draft", OutcomeUnknown("timed out"))
    problem(world.send(integration["id"]), 502)
    open_invoice = world.ask("GET", "/api/sales-orders/1001").get_json()["data"]["open_invoice"]
    data = world.ask("GET", f"{PATH}/{open_invoice['id']}").get_json()["data"]
    assert (data["status"], data["stripe_invoice_id"]) == ("draft", None)


def test_another_tenants_invoice_is_not_found(world, integration):
    world.put_order()
    invoice = world.send(integration["id"]).get_json()["data"]
    refused = problem(world.ask("GET", f"{PATH}/{invoice['id']}", tenant="other"), 404)
    assert refused["message"] == "Invoice not found."


def test_the_metadata_shown_is_without_what_only_this_service_needs(world):
    integration = world.connect()
    world.put_order()
    sent = data_of(world.send(integration["id"]))
    (account,) = world.stripe.accounts.values()
    assert {"bridge_intent", "tenant"} <= account.invoices[sent["stripe_invoice_id"]].metadata.keys()
    shown = data_of(world.ask("GET", f"/api/stripe/invoices/{sent['id']}"))
    assert shown["metadata"] == {"sales_order_id": "1001", "sales_order_number": "SO-1001"}
