import re

import pytest

from stripe_bridge.domain.access import Role
from tests.adapters.web.world import World, problem

PATH = "/api/stripe/integrations"
FIELDS = {
    "id", "name", "sync_status", "connected", "charges_enabled", "payouts_enabled", "details_submitted", "livemode",
    "webhook_registered", "default_currency", "country", "email", "display_name", "business_name", "business_url",
    "capabilities", "stripe_account_id", "last_reconciled_at", "disconnected_at", "created_at", "updated_at",
}  # fmt: skip


def test_a_new_integration_is_pending_and_shows_every_field(world):
    answer = world.ask("POST", PATH, {"name": "Rosen"})
    assert answer.status_code == 201
    assert answer.get_json()["message"] == "Stripe integration created."
    data = answer.get_json()["data"]
    assert data.keys() == FIELDS
    assert data | {
        "name": "Rosen",
        "sync_status": "pending",
        "connected": False,
        "charges_enabled": False,
        "livemode": False,
        "webhook_registered": False,
        "country": None,
        "capabilities": {},
        "stripe_account_id": None,
        "disconnected_at": None,
    } == data  # fmt: skip
    assert re.fullmatch(r"2026-11-23T12:00:00\.000000Z", data["created_at"])


def test_a_connected_integration_shows_its_account(world):
    data = world.connect(country="DE", default_currency="eur", capabilities={"card_payments": "active"})
    assert data.keys() == FIELDS
    assert (data["sync_status"], data["connected"], data["country"]) == ("active", True, "DE")
    assert data["capabilities"] == {"card_payments": "active"}
    assert data["stripe_account_id"].startswith("acct_")


def test_no_answer_ever_holds_a_token_or_secret(world):
    integration = world.connect()
    shown = world.ask("GET", f"{PATH}/{integration['id']}").get_data(as_text=True)
    assert "sealed" not in shown
    assert "sk_test" not in shown


def test_an_account_that_cannot_charge_is_restricted(world):
    assert world.connect(charges_enabled=False)["sync_status"] == "restricted"


def test_disconnecting_keeps_the_last_snapshot_and_is_the_same_again(world):
    integration = world.connect(country="DE")
    first = world.ask("POST", f"{PATH}/{integration['id']}/disconnect")
    assert first.status_code == 200
    assert first.get_json()["message"] == "Stripe integration disconnected."
    data = first.get_json()["data"]
    assert (data["connected"], data["stripe_account_id"], data["sync_status"]) == (
        False,
        None,
        "disconnected",
    )
    assert (data["country"], data["webhook_registered"]) == ("DE", False)
    assert data["disconnected_at"]
    again = world.ask("POST", f"{PATH}/{integration['id']}/disconnect", {})
    assert again.get_json() == first.get_json()


def test_disconnecting_what_was_never_connected_changes_nothing(world):
    created = world.create_integration()
    answer = world.ask("POST", f"{PATH}/{created['id']}/disconnect")
    assert (answer.status_code, answer.get_json()["data"]) == (200, created)


def test_a_connected_integration_is_not_authorized_again(world):
    integration = world.connect()
    answer = world.ask("POST", f"{PATH}/{integration['id']}/authorize")
    assert problem(answer, 409)["message"] == "Stripe integration is already connected."


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": " \t"}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": None}, "name"),
        ({"name": 5}, "name"),
        ({"name": ["x"]}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": "x", "livemode": True}, "livemode"),
        ([], "body"),
        ("x", "body"),
        (None, "name"),
    ],
)
def test_a_body_that_is_not_as_it_has_to_be_is_refused_by_field(world, body, field):
    refused = problem(world.ask("POST", PATH, body), 422)
    assert list(refused["errors"]) == [field]
    assert refused["message"] == "The given data was invalid."
    assert refused["detail"].startswith(f"{field}: ")
    assert world.store.committed.integrations.rows == {}


@pytest.mark.parametrize("suffix", ["authorize", "disconnect"])
def test_an_operation_without_a_body_refuses_fields(world, suffix):
    integration_id = world.create_integration()["id"]
    answer = world.ask("POST", f"{PATH}/{integration_id}/{suffix}", {"force": True})
    assert problem(answer, 422)["errors"] == {"force": ["Unknown field."]}


@pytest.mark.parametrize("id_", ["0", "999", str(2**63), "9" * 5000, "abc", "-1", "1.0", "٣"])
def test_an_id_that_is_nothings_is_not_found(world, id_):
    world.create_integration()
    problem(world.ask("GET", f"{PATH}/{id_}"), 404)


def test_another_tenants_integration_is_not_found(world):
    own = world.create_integration()
    for method, suffix in (("GET", ""), ("POST", "/authorize"), ("POST", "/disconnect")):
        answer = world.ask(method, f"{PATH}/{own['id']}{suffix}", tenant="other")
        assert problem(answer, 404)["message"] == "Stripe integration not found."


def test_pages_count_rows_and_name_their_neighbors(world):
    for name in "abcde":
        world.create_integration(name)
    page = world.ask("GET", f"{PATH}?page=2&per_page=2").get_json()
    assert [row["name"] for row in page.pop("data")] == ["c", "b"]
    cursor = page.pop("next_cursor")
    assert page == {
        "current_page": 2,
        "per_page": 2,
        "total": 5,
        "last_page": 3,
        "from": 3,
        "to": 4,
        "next_page_url": f"https://bridge.test{PATH}?page=3&per_page=2",
        "prev_page_url": f"https://bridge.test{PATH}?page=1&per_page=2",
    }
    rest = world.ask("GET", f"{PATH}?per_page=2&cursor={cursor}").get_json()
    assert [row["name"] for row in rest["data"]] == ["a"]


def test_a_cursor_walks_to_the_end_without_totals(world):
    for name in "abc":
        world.create_integration(name)
    cursor = world.ask("GET", f"{PATH}?per_page=1").get_json()["next_cursor"]
    page = world.ask("GET", f"{PATH}?per_page=1&cursor={cursor}").get_json()
    assert [row["name"] for row in page["data"]] == ["b"]
    assert page.keys() == {
        "data", "current_page", "per_page", "from", "to", "next_page_url", "prev_page_url", "next_cursor",
    }  # fmt: skip
    assert [page[name] for name in ("current_page", "from", "to", "prev_page_url")] == [None] * 4
    last = world.client.get(
        page["next_page_url"].removeprefix("https://bridge.test"),
        headers={"Authorization": f"Bearer {world.token()}"},
    ).get_json()
    assert [row["name"] for row in last["data"]] == ["a"]
    assert (last["next_cursor"], last["next_page_url"]) == (None, None)


def test_an_empty_list_is_one_empty_page(world):
    page = world.ask("GET", PATH).get_json()
    assert page == {
        "data": [],
        "current_page": 1,
        "per_page": 25,
        "total": 0,
        "last_page": 1,
        "from": None,
        "to": None,
        "next_page_url": None,
        "prev_page_url": None,
        "next_cursor": None,
    }


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"),
        ("page=x", "page"),
        ("page=1.0", "page"),
        ("page=", "page"),
        (f"page={'9' * 30}", "page"),
        ("per_page=101", "per_page"),
        ("per_page=0", "per_page"),
        ("cursor=nonsense", "cursor"),
        ("cursor=%00", "cursor"),
        ("page=1&cursor=aWQ6MQ", "cursor"),
        ("sort=name", "sort"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_by_parameter(world, query, field):
    assert list(problem(world.ask("GET", f"{PATH}?{query}"), 422)["errors"]) == [field]


def test_an_unknown_query_parameter_is_refused_also_where_none_is_known(world):
    integration_id = world.create_integration()["id"]
    answer = world.ask("GET", f"{PATH}/{integration_id}?expand=account")
    assert problem(answer, 422)["errors"] == {"expand": ["Unknown field."]}


def test_pages_are_of_one_tenant():
    world = World()
    world.create_integration()
    assert world.ask("GET", PATH, tenant="other", role=Role.VIEWER).get_json()["total"] == 0
