import pytest

from stripe_bridge.domain.access import Role
from stripe_bridge.domain.refusal import Refusal
from stripe_bridge.ports.stripe.errors import GatewayRefused, OutcomeUnknown
from tests.adapters.web.test_invoices import FIELDS
from tests.adapters.web.world import data_of, problem


@pytest.fixture
def integration(world):
    return world.connect()


def send(world, integration, order_id=1001):
    world.put_order(order_id)
    return data_of(world.send(integration["id"], order_id))


def test_an_open_invoice_is_voided_and_its_order_is_free(world, integration):
    invoice = send(world, integration)
    answer = world.ask("POST", f"/api/stripe/invoices/{invoice['id']}/void", role=Role.MEMBER)
    assert (answer.status_code, answer.get_json()["message"]) == (200, "Invoice voided.")
    data = data_of(answer)
    assert data.keys() == FIELDS
    assert (data["status"], bool(data["voided_at"])) == ("void", True)
    assert data_of(world.ask("GET", "/api/sales-orders/1001"))["open_invoice"] is None


def test_a_void_invoice_is_not_voided_again(world, integration):
    path = f"/api/stripe/invoices/{send(world, integration)['id']}/void"
    world.ask("POST", path)
    problem(world.ask("POST", path), 422)


def test_a_void_that_stripe_refuses_is_a_409_with_its_sentence(world, integration):
    invoice = send(world, integration)
    said = "Invoices with `processing` payments cannot be voided."
    world.stripe.fail_next("void", GatewayRefused(said, refusal=Refusal(message=said, request_id="req_1")))
    refused = problem(world.ask("POST", f"/api/stripe/invoices/{invoice['id']}/void"), 409)
    assert refused["type"] == "urn:stripe-bridge:problem:VoidRefused"
    assert refused["message"] == f"Stripe refused to void the invoice: {said}"
    assert refused["stripe"] == {"message": said, "request_id": "req_1"}


def test_a_void_that_stripe_does_not_answer_is_a_502(world, integration):
    invoice = send(world, integration)
    world.stripe.fail_next("void", OutcomeUnknown("cut"))
    refused = problem(world.ask("POST", f"/api/stripe/invoices/{invoice['id']}/void"), 502)
    assert refused["message"] == "Stripe API error: invoice could not be voided."
    assert "stripe" not in refused


def test_an_integrations_invoices_come_newest_first_and_by_status(world, integration):
    first, second, third = (send(world, integration, order_id)["id"] for order_id in (1, 2, 3))
    world.ask("POST", f"/api/stripe/invoices/{second}/void")
    path = f"/api/stripe/integrations/{integration['id']}/invoices"
    page = world.ask("GET", path).get_json()
    assert [row["id"] for row in page["data"]] == [third, second, first]
    assert (page["total"], page["data"][0].keys()) == (3, FIELDS)
    page = world.ask("GET", f"{path}?status=open&per_page=1").get_json()
    assert [row["id"] for row in page["data"]] == [third]
    assert page["next_page_url"] == f"https://bridge.test{path}?status=open&per_page=1&page=2"


@pytest.mark.parametrize("status", ["reserved", "abandoned", "OPEN", ""])
def test_only_statuses_that_are_shown_can_be_asked_for(world, integration, status):
    path = f"/api/stripe/integrations/{integration['id']}/invoices?status={status}"
    assert list(problem(world.ask("GET", path), 422)["errors"]) == ["status"]


def test_an_orders_invoices_come_newest_first(world, integration):
    first = send(world, integration)["id"]
    world.ask("POST", f"/api/stripe/invoices/{first}/void")
    second = data_of(world.send(integration["id"]))["id"]
    answer = world.ask("GET", "/api/stripe/sales-orders/1001/invoices")
    assert answer.get_json().keys() == {"data"}
    assert [row["id"] for row in answer.get_json()["data"]] == [second, first]


def test_lists_of_another_tenants_things_are_not_found(world, integration):
    invoice = send(world, integration)
    for path in (
        f"/api/stripe/integrations/{integration['id']}/invoices",
        "/api/stripe/sales-orders/1001/invoices",
        f"/api/stripe/invoices/{invoice['id']}/activity-log",
        f"/api/stripe/invoices/{invoice['id']}/refunds",
    ):
        problem(world.ask("GET", path, tenant="other"), 404)
