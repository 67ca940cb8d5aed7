import pytest

from stripe_bridge.domain.access import Role
from tests.adapters.web.world import ORDER, problem

PATH = "/api/sales-orders/1001"
LINE = ORDER["lines"][0]


def test_a_new_order_is_stored_and_shown_with_what_it_owes(world):
    answer = world.put_order(paid_elsewhere_in_cents=2_000)
    assert answer.status_code == 201
    assert answer.get_json() == {
        "data": {
            "sales_order_id": 1001,
            "number": "SO-1001",
            "currency": "EUR",
            "total_in_cents": 12_000,
            "paid_elsewhere_in_cents": 2_000,
            "customer": {"id": 77, "name": "Jenny Rosen", "email": "jenny@example.com", "address": None},
            "lines": [
                {"description": "Oak table", "quantity": "1", "amount_in_cents": 12_500},
                {"description": "Discount", "quantity": "1", "amount_in_cents": -500},
            ],
            "updated_at": "2026-11-23T10:00:00.000000Z",
            "created_at": "2026-11-23T12:00:00.000000Z",
            "outstanding_in_cents": 10_000,
            "settled_in_cents": 0,
            "overpaid_in_cents": 0,
            "open_invoice": None,
        },
        "message": "Sales order stored.",
    }
    assert world.ask("GET", PATH, role=Role.VIEWER).get_json() == {"data": answer.get_json()["data"]}


def test_the_same_copy_again_is_a_200_with_the_same_order(world):
    first = world.put_order()
    again = world.put_order()
    assert (again.status_code, again.get_json()) == (200, first.get_json())


def test_an_older_copy_or_another_one_of_the_same_time_is_a_conflict(world):
    world.put_order()
    for changes in ({"updated_at": "2026-11-23T09:59:59Z"}, {"number": "SO-2"}):
        refused = problem(world.put_order(**changes), 409)
        assert (
            refused["message"]
            == "The stored copy of this sales order is newer, or equally new but different."
        )


def test_a_newer_copy_replaces_the_stored_one(world):
    world.put_order()
    answer = world.put_order(number="SO-2", updated_at="2026-11-23T12:00:00.5+01:00")
    assert answer.status_code == 200
    data = answer.get_json()["data"]
    assert (data["number"], data["updated_at"]) == ("SO-2", "2026-11-23T11:00:00.500000Z")


def test_the_address_is_shown_with_all_its_keys(world):
    address = {"line1": "1 Road", "country": "DE"}
    customer = {"id": 77, "name": "Jenny", "email": None, "address": address}
    data = world.put_order(customer=customer).get_json()["data"]
    nothing_more = {"line2": None, "city": None, "state": None, "postal_code": None}
    assert data["customer"] == customer | {"address": address | nothing_more}


@pytest.mark.parametrize(
    ("given", "shown"),
    [("2.50", "2.50"), (2, "2"), (2.5, "2.5"), (0.1, "0.1"), (1e3, "1000.0"), ("999999999999.999999",) * 2],
)
def test_a_quantity_is_shown_as_it_came(world, given, shown):
    data = world.put_order(lines=[LINE | {"quantity": given, "amount_in_cents": 12_000}]).get_json()["data"]
    assert data["lines"][0]["quantity"] == shown


@pytest.mark.parametrize(
    "quantity",
    [0, -1, "0", "-1", "1e3", "NaN", "Infinity", "", " 1", "1.0000001", "1234567890123", True, None, [], "\u0661",
     1e300, 10**50],
)  # fmt: skip
def test_a_quantity_that_is_no_positive_decimal_is_refused(world, quantity):
    answer = world.put_order(lines=[LINE, LINE | {"quantity": quantity}])
    assert list(problem(answer, 422)["errors"]) == ["lines.1.quantity"]


def test_a_whole_number_may_be_written_with_a_point(world):
    answer = world.ask(
        "PUT",
        PATH,
        raw=b'{"number":"1","currency":"EUR","total_in_cents":1.2e4,"customer":{"id":7.0,"name":"x"},"lines":'
        b'[{"description":"x","quantity":1,"amount_in_cents":12000.0}],"updated_at":"2026-11-23T10:00:00Z"}',
    )
    assert (answer.status_code, answer.get_json()["data"]["total_in_cents"]) == (201, 12_000)


@pytest.mark.parametrize(
    "written",
    [
        '"12000"',
        "12000.5",
        "true",
        "null",
        "[]",
        "{}",
        "-1",
        "1000000000001",
        "1" + "0" * 30,
        "1" + "0" * 5000,
    ],
)
def test_an_amount_that_is_no_sensible_whole_number_is_refused(world, written):
    refused = problem(world.ask("PUT", PATH, raw=f'{{"total_in_cents": {written}}}'.encode()), 422)
    assert "total_in_cents" in refused["errors"]


@pytest.mark.parametrize("text", ["1e999999999", "1E+99999999999999999999", "1e-400", "-0.5", "0.1"])
def test_an_exponent_is_no_way_to_keep_the_service_busy(world, text):
    answer = world.ask("PUT", PATH, raw=b'{"total_in_cents":%s}' % text.encode())
    assert "total_in_cents" in problem(answer, 422)["errors"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"number": ""}, "number"),
        ({"number": "x" * 141}, "number"),
        ({"currency": "euro"}, "currency"),
        ({"currency": "EUR\n"}, "currency"),
        ({"currency": "XXX"}, "currency"),
        ({"currency": "ISK", "total_in_cents": 12_050}, "total_in_cents"),
        ({"total_in_cents": 11_999}, "lines"),
        ({"paid_elsewhere_in_cents": -1}, "paid_elsewhere_in_cents"),
        ({"paid_elsewhere_in_cents": None}, "paid_elsewhere_in_cents"),
        ({"customer": None}, "customer"),
        ({"customer": "Jenny"}, "customer"),
        ({"customer": {"name": "x"}}, "customer.id"),
        ({"customer": {"id": 0, "name": "x"}}, "customer.id"),
        ({"customer": {"id": 2**63, "name": "x"}}, "customer.id"),
        ({"customer": {"id": 1, "name": " "}}, "customer.name"),
        ({"customer": {"id": 1, "name": "x", "email": "nobody"}}, "customer.email"),
        ({"customer": {"id": 1, "name": "x", "email": ""}}, "customer.email"),
        ({"customer": {"id": 1, "name": "x", "email": "x" * 510 + "@example.com"}}, "customer.email"),
        ({"customer": {"id": 1, "name": "x", "phone": "1"}}, "customer.phone"),
        ({"customer": {"id": 1, "name": "x", "address": {"zip": "1"}}}, "customer.address.zip"),
        ({"customer": {"id": 1, "name": "x", "address": {"country": "Germany"}}}, "customer.address.country"),
        ({"lines": []}, "lines"),
        ({"lines": {}}, "lines"),
        ({"lines": [LINE | {"amount_in_cents": 1}] * 251}, "lines"),
        ({"lines": [LINE | {"description": ""}]}, "lines.0.description"),
        ({"lines": [LINE | {"description": "x" * 501}]}, "lines.0.description"),
        ({"lines": [LINE | {"tax": 1}]}, "lines.0.tax"),
        ({"lines": [LINE, 5]}, "lines.1"),
        ({"updated_at": "2026-11-23T10:00:00"}, "updated_at"),
        ({"updated_at": "2026-11-23"}, "updated_at"),
        ({"updated_at": "2026-13-23T10:00:00Z"}, "updated_at"),
        ({"updated_at": "0001-01-01T00:00:00+14:00"}, "updated_at"),
        ({"updated_at": "9999-12-31T23:59:59-14:00"}, "updated_at"),
        ({"updated_at": 1_795_435_200}, "updated_at"),
        ({"id": 1001}, "id"),
    ],
)
def test_a_field_that_is_wrong_is_named_and_nothing_is_stored(world, changes, field):
    refused = problem(world.put_order(**changes), 422)
    assert list(refused["errors"]) == [field]
    problem(world.ask("GET", PATH), 404)


def test_lines_are_validated_only_when_there_are_not_too_many(world):
    refused = problem(world.put_order(lines=[{}] * 251), 422)
    assert refused["errors"] == {"lines": ["Length must be between 1 and 250."]}


def test_every_wrong_field_is_named_at_once(world):
    refused = problem(world.ask("PUT", PATH, {"currency": 1}), 422)
    assert refused["errors"].keys() == {
        "number",
        "currency",
        "total_in_cents",
        "customer",
        "lines",
        "updated_at",
    }


def test_the_currency_stays_while_an_invoice_is_not_void(world):
    integration = world.connect()
    world.put_order()
    world.send(integration["id"])
    refused = problem(world.put_order(currency="usd", updated_at="2026-11-23T11:00:00Z"), 422)
    assert list(refused["errors"]) == ["currency"]


def test_the_open_invoice_is_shown(world):
    integration = world.connect()
    world.put_order()
    invoice = world.send(integration["id"], amount_in_cents=5_000).get_json()["data"]
    data = world.ask("GET", PATH).get_json()["data"]
    assert data["open_invoice"] == {"id": invoice["id"], "amount": 5_000}


def test_another_tenants_order_is_not_found_and_does_not_stand_in_the_way(world):
    world.put_order()
    refused = problem(world.ask("GET", PATH, tenant="other"), 404)
    assert refused["message"] == "Sales order not found."
    assert world.ask("PUT", PATH, ORDER, tenant="other").status_code == 201


@pytest.mark.parametrize("id_", ["0", str(2**63)])
def test_an_order_cannot_have_an_id_out_of_range(world, id_):
    problem(world.ask("PUT", f"/api/sales-orders/{id_}", ORDER), 404)
