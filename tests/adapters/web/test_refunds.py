import pytest

from stripe_bridge.domain.access import Role
from stripe_bridge.domain.refusal import Refusal
from stripe_bridge.ports.stripe.errors import GatewayRefused, OutcomeUnknown
from tests.adapters.web.world import data_of, problem
from tests.builders import an_event_payload
from tests.fakes.stripe.payloads import refund_object

SHOWN = {
    "id", "refund_id", "amount", "currency", "status", "reason", "failure_reason", "user_id", "source", "created_at",
    "updated_at",
}  # fmt: skip


@pytest.fixture
def path(world):
    """Of the refunds of a paid invoice."""
    integration = world.connect()
    world.put_order()
    invoice = data_of(world.send(integration["id"]))
    world.pay(invoice)
    return f"/api/stripe/invoices/{invoice['id']}/refunds"


def test_a_refund_is_issued_and_shown_on_its_invoice(world, path):
    answer = world.ask("POST", path, {"amount_in_cents": 5_000, "reason": "requested_by_customer"})
    assert (answer.status_code, answer.get_json()["message"]) == (201, "Refund issued.")
    data = data_of(answer)
    (refund,) = data["refunds"]
    assert refund.keys() == SHOWN
    assert data == {
        "refund_id": refund["refund_id"],
        "amount": 5_000,
        "currency": "eur",
        "status": "succeeded",
        "refunds": [refund],
    }
    assert (refund["reason"], refund["user_id"]) == ("requested_by_customer", 7)
    assert world.ask("GET", path, role=Role.VIEWER).get_json() == {"data": [refund]}
    invoice = data_of(world.ask("GET", path.removesuffix("/refunds")))
    assert (invoice["amount_refunded"], invoice["refund_status"]) == (5_000, "partial")


def test_a_refund_shows_where_it_was_asked_for(world, path):
    (asked,) = data_of(world.ask("POST", path, {"amount_in_cents": 5_000}))["refunds"]
    assert asked["source"] == "api"
    invoice = data_of(world.ask("GET", path.removesuffix("/refunds")))
    account_id = invoice["stripe_account_id"]
    made = world.stripe.refund(account_id, invoice["stripe_charge_id"], 1_000)
    payload = an_event_payload("refund.created", refund_object(made), id_="evt_refund", account=account_id)
    world.post_event(payload)
    world.bridge.webhook_events.apply()
    by_hand, ours = data_of(world.ask("GET", path))
    assert (by_hand["source"], by_hand["user_id"]) == ("dashboard", None)
    assert ours == asked


def test_without_an_amount_all_that_is_left_is_refunded(world, path):
    world.ask("POST", path, {"amount_in_cents": 5_000})
    assert data_of(world.ask("POST", path))["amount"] == 7_000
    problem(world.ask("POST", path), 422)


def test_what_stripe_has_not_told_yet_is_a_202(world, path):
    for _ in range(20):
        world.stripe.fail_next("create_refund", OutcomeUnknown("timed out"))
    answer = world.ask("POST", path, {})
    assert answer.status_code == 202
    assert (data_of(answer)["refund_id"], data_of(answer)["status"]) == (None, "pending")


@pytest.mark.parametrize("body", [{"amount_in_cents": 12_000}, {}])
@pytest.mark.parametrize(
    ("errors", "status", "message", "amount"),
    [
        ([], 201, "Refund issued.", 12_000),
        ([GatewayRefused("no")], 201, "Refund issued in part: Stripe refused the rest.", 8_000),
        ([OutcomeUnknown("timed out")] * 20, 202, "Refund pending.", 12_000),
    ],
)
def test_a_refund_in_parts_one_of_which_stripe_refuses_shows_how_much_went_back(
    world, errors, status, message, amount, body
):
    integration = world.connect()
    world.put_order()
    invoice = data_of(world.send(integration["id"]))
    world.stripe.pay(invoice["stripe_account_id"], invoice["stripe_invoice_id"], 4_000)
    world.pay(invoice)
    for error in errors:
        world.stripe.fail_next("create_refund", error)

    answer = world.ask("POST", f"/api/stripe/invoices/{invoice['id']}/refunds", body)

    assert (answer.status_code, answer.get_json()["message"]) == (status, message)
    assert data_of(answer)["amount"] == amount


def test_a_refund_that_stripe_refuses_is_a_422_with_its_sentence(world, path):
    said = Refusal(message="The charge cannot be refunded.", code="charge_not_refundable", request_id="req_1")
    world.stripe.fail_next("create_refund", GatewayRefused("no", refusal=said))
    refused = problem(world.ask("POST", path, {}), 422)
    assert refused["message"] == "Stripe refused the refund: The charge cannot be refunded."
    assert refused["stripe"] == {
        "code": "charge_not_refundable",
        "message": "The charge cannot be refunded.",
        "request_id": "req_1",
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"amount_in_cents": 0}, "amount_in_cents"),
        ({"amount_in_cents": "5"}, "amount_in_cents"),
        ({"amount_in_cents": 12_001}, "amount_in_cents"),
        ({"reason": "expired_uncaptured_charge"}, "reason"),
        ({"reason": None}, "reason"),
        ({"charge": "ch_1"}, "charge"),
    ],
)
def test_a_field_that_is_wrong_is_named(world, path, body, field):
    assert list(problem(world.ask("POST", path, body), 422)["errors"]) == [field]
    assert world.stripe.calls_of("create_refund") == []


def test_an_invoice_that_is_not_paid_has_nothing_to_refund(world):
    integration = world.connect()
    world.put_order()
    invoice = data_of(world.send(integration["id"]))
    problem(world.ask("POST", f"/api/stripe/invoices/{invoice['id']}/refunds", {}), 422)


def test_a_member_refunds_nothing(world, path):
    refused = problem(world.ask("POST", path, {}, role=Role.MEMBER), 403)
    assert refused["message"] == "This action is unauthorized."


def test_refunding_is_limited_to_twenty_a_minute(world, path):
    for _ in range(20):
        problem(world.ask("POST", path, {"amount_in_cents": 0}), 422)
    answer = world.ask("POST", path, {"amount_in_cents": 0})
    assert problem(answer, 429)["message"] == "Too Many Attempts."
    assert answer.headers["X-RateLimit-Limit"] == "20"
