from datetime import UTC, datetime, timedelta

import pytest

from tests.adapters.web.test_invoices import FIELDS
from tests.adapters.web.world import data_of, problem

PATH = "/api/stripe/invoices"


@pytest.fixture
def integration(world):
    return world.connect()


def send(world, integration, order_id=1001):
    world.put_order(order_id)
    return data_of(world.send(integration["id"], order_id))


def listed(world, **query):
    answer = world.client.get(PATH, query_string=query, headers={"Authorization": f"Bearer {world.token()}"})
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def ids(page):
    return [invoice["id"] for invoice in page["data"]]


def at(seconds):
    return (datetime(2026, 11, 23, 12, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat()


def test_a_tenants_invoices_come_newest_first_through_whatever_integration(world, integration):
    first = send(world, integration, 1)
    other = world.connect()
    second = send(world, other, 2)
    page = listed(world)
    assert (ids(page), page["total"], page["last_page"]) == ([second["id"], first["id"]], 2, 1)
    assert page["data"][0].keys() == FIELDS
    assert [invoice["integration_instance"]["id"] for invoice in page["data"]] == [
        other["id"],
        integration["id"],
    ]
    following = listed(world, per_page=1)["next_page_url"]
    assert following == f"https://bridge.test{PATH}?per_page=1&page=2"


def test_what_a_list_shows_of_an_invoice_is_what_the_invoice_shows(world, integration):
    invoice = send(world, integration)
    world.pay(invoice)
    world.tell_of_payments(invoice)
    shown = data_of(world.ask("GET", f"{PATH}/{invoice['id']}"))
    for path in (
        PATH,
        f"/api/stripe/integrations/{integration['id']}/invoices",
        "/api/stripe/sales-orders/1001/invoices",
    ):
        assert data_of(world.ask("GET", path)) == [shown], path


def test_a_paid_invoice_shows_its_payment_and_what_may_be_refunded(world, integration):
    invoice = send(world, integration)
    assert (invoice["payments"], invoice["amount_remaining"], invoice["refundable_in_cents"]) == (
        [],
        12_000,
        0,
    )
    assert (invoice["payment_status"], invoice["sent_at"]) == ("none", "2026-11-23T12:00:00.000000Z")
    world.pay(invoice)
    world.tell_of_payments(invoice)
    (paid,) = listed(world)["data"]
    (payment,) = paid["payments"]
    assert payment == {
        "stripe_invoice_payment_id": payment["stripe_invoice_payment_id"],
        "amount": 12_000,
        "currency": "EUR",
        "status": "paid",
        "method": "card",
        "stripe_payment_intent_id": paid["stripe_payment_intent_id"],
        "stripe_charge_id": paid["stripe_charge_id"],
        "paid_at": paid["paid_at"],
        "failure_reason": None,
    }
    assert (paid["payment_status"], paid["amount_remaining"], paid["refundable_in_cents"]) == (
        "paid",
        0,
        12_000,
    )
    world.ask("POST", f"{PATH}/{invoice['id']}/refunds", {"amount_in_cents": 5_000})
    assert listed(world)["data"][0]["refundable_in_cents"] == 7_000


def test_an_erp_that_asks_what_was_updated_since_sees_each_update(world, integration):
    first, second = send(world, integration, 1), send(world, integration, 2)
    world.clock.advance(seconds=10)
    world.ask("POST", f"{PATH}/{first['id']}/void")
    assert ids(listed(world, updated_since=at(0))) == [second["id"], first["id"]]
    page = listed(world, updated_since=at(5))
    assert (ids(page), page["total"], page["data"][0]["status"]) == ([first["id"]], 1, "void")
    assert ids(listed(world, updated_since=at(0), status="open")) == [second["id"]]
    begun = listed(world, updated_since=at(0), per_page=1)
    assert ids(listed(world, updated_since=at(0), cursor=begun["next_cursor"])) == [first["id"]]
    assert ids(listed(world, updated_since=at(20))) == []


def test_an_invoice_is_found_by_what_stripe_calls_it(world, integration):
    invoice, other = send(world, integration, 1), send(world, integration, 2)
    for each in (invoice, other):
        world.pay(each)
        world.tell_of_payments(each)
    shown = data_of(world.ask("GET", f"{PATH}/{invoice['id']}"))
    for name in ("stripe_invoice_id", "stripe_charge_id", "number"):
        assert listed(world, **{name: shown[name]})["data"] == [shown]
        assert listed(world, **{name: f"{shown[name]}x"})["data"] == []
    assert listed(world, number=shown["number"], stripe_invoice_id=other["stripe_invoice_id"])["data"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=reserved", "status"),
        ("updated_since=2026-11-23", "updated_since"),
        ("updated_since=2026-11-23T12:00:00", "updated_since"),
        ("updated_since=yesterday", "updated_since"),
        ("updated_since=", "updated_since"),
        ("number=a%00b", "number"),
        ("customer=7", "customer"),
        ("stripe_payment_intent_id=pi_1", "stripe_payment_intent_id"),
        ("per_page=101", "per_page"),
        ("cursor=abc", "cursor"),
    ],
)
def test_a_query_that_is_wrong_is_named(world, query, field):
    assert list(problem(world.ask("GET", f"{PATH}?{query}"), 422)["errors"]) == [field]


def test_a_cursor_belongs_to_its_kind_of_list(world, integration):
    for number in (1, 2):
        send(world, integration, number)
    since = f"{PATH}?updated_since=2026-01-01T00:00:00Z"
    for begun, elsewhere in ((f"{PATH}?per_page=1", f"{since}&"), (f"{since}&per_page=1", f"{PATH}?")):
        cursor = world.ask("GET", begun).get_json()["next_cursor"]
        refused = problem(world.ask("GET", f"{elsewhere}cursor={cursor}"), 422)
        assert list(refused["errors"]) == ["cursor"]


def test_who_had_an_invoice_voided_is_shown(world, integration):
    invoice = send(world, integration)
    assert invoice["voided_by"] is None
    voided = data_of(world.ask("POST", f"{PATH}/{invoice['id']}/void"))
    assert voided["voided_by"] == {"type": "token", "id": voided["voided_by"]["id"], "user_id": 7}
    tokens = world.bridge.access.list_tokens()
    assert voided["voided_by"]["id"] in {f"token:{token.id}" for token in tokens}
    assert (voided["amount_remaining"], listed(world)["data"]) == (0, [voided])
