"""`GET /api/changes`: what it takes and answers, and to whom."""

import json

import pytest
from jsonschema import Draft202012Validator

from stripe_bridge.adapters.web.app import operations_by_endpoint
from stripe_bridge.adapters.web.problems import LISTS
from stripe_bridge.domain.access import Role
from tests.adapters.web.world import World, data_of

URN = "urn:stripe-bridge:problem:"


@pytest.fixture(scope="module")
def any_world():
    """For tests that leave nothing behind."""
    world = World()
    world.token()
    return world


def feed(world, query="", **more):
    answer = world.ask("GET", f"/api/changes{query}", **more)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def problem_of(answer, status):
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.content_type == "application/problem+json"
    return answer.get_json()


def sent_invoice(world):
    integration = world.connect()
    world.put_order()
    return data_of(world.send(integration["id"]))


def test_a_page_has_what_was_recorded_and_where_it_goes_on(world):
    sent_invoice(world)
    page = feed(world, "?limit=2")
    assert page.keys() == {
        "log",
        "after",
        "after_hash",
        "data",
        "next_after",
        "latest",
        "oldest",
        "complete",
    }
    assert [each["sequence"] for each in page["data"]] == [1, 2]
    assert (page["after"], page["next_after"], page["oldest"]) == (0, 2, 1)
    rest = feed(world, f"?after=2&hash={page['data'][-1]['hash']}&log={page['log']}")
    assert rest["after_hash"] == page["data"][-1]["hash"]
    assert rest["next_after"] == rest["latest"] == rest["data"][-1]["sequence"]


def test_types_may_be_named_alone_or_by_group_and_repeated(world):
    sent_invoice(world)
    shown = {each["type"] for each in feed(world, "?type=invoice.sent&type=sales_order.*")["data"]}
    assert shown == {"invoice.sent", "sales_order.created"}


def test_an_order_can_be_followed(world):
    sent_invoice(world)
    assert {each["sales_order_id"] for each in feed(world, "?sales_order_id=1001")["data"]} == {1001}
    assert feed(world, "?sales_order_id=1002")["data"] == []


def test_what_is_shown_of_an_invoice_is_what_get_answers_but_for_its_links(world):
    invoice = sent_invoice(world)
    shown = feed(world, "?type=invoice.sent")["data"][-1]["object"]
    answered = data_of(world.ask("GET", f"/api/stripe/invoices/{invoice['id']}"))
    secret = {"hosted_invoice_url", "hosted_invoice_url_expires_at", "invoice_pdf"}
    assert {name: shown[name] for name in shown.keys() - secret} == {
        name: answered[name] for name in shown.keys() - secret
    }
    assert {shown[name] for name in secret} == {None}


@pytest.mark.parametrize("role", Role)
def test_only_admins_read_acts(world, role):
    world.token(role)
    entries = feed(world, role=role)["data"]
    assert entries
    if role is Role.ADMIN:
        assert {each["type"] for each in entries} == {"token.created"}
    else:
        assert {tuple(sorted(each)) for each in entries} == {
            ("hash", "id", "occurred_at", "sequence", "type")
        }
        assert {each["type"] for each in entries} == {"act"}
    seen_by_filter = feed(world, "?type=token.*", role=role)["data"]
    assert bool(seen_by_filter) == (role is Role.ADMIN)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("after=-1", "after"),
        ("after=x", "after"),
        ("after=1.0", "after"),
        (f"after={2**63}", "after"),
        ("after=", "after"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("wait=-1", "wait"),
        ("wait=26", "wait"),
        ("wait=0.5", "wait"),
        ("type=invoice", "type.0"),
        ("type=invoice.*&type=invoice.payed", "type.1"),
        ("type=act", "type.0"),
        ("type=", "type.0"),
        ("sales_order_id=0", "sales_order_id"),
        ("hash=", "hash"),
        ("hash=" + "A" * 64, "hash"),
        ("hash=" + "a" * 64 + "%0A", "hash"),
        ("hash=" + "a" * 63, "hash"),
        ("log=x", "log"),
        ("log=log_a%00", "log"),
        ("cursor=1", "cursor"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(any_world, query, field):
    body = problem_of(any_world.ask("GET", f"/api/changes?{query}"), 422)
    assert list(body["errors"]) == [field]
    assert body["detail"].startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("query", "name", "reason"),
    [
        ("after=1&hash=" + "f" * 64, "HistoryChanged", "history-changed"),
        ("log=log_another", "HistoryChanged", "history-changed"),
        ("after=999", "CursorAhead", "cursor-ahead"),
    ],
)
def test_a_reader_who_holds_something_else_is_told_where_to_start_over(any_world, query, name, reason):
    body = problem_of(any_world.ask("GET", f"/api/changes?{query}", role=Role.ADMIN), 409)
    page = feed(any_world)
    assert (body["type"], body["reason"]) == (f"{URN}{name}", reason)
    assert (body["log"], body["restart_after"]) == (page["log"], page["latest"])
    assert body["read_first"] == list(LISTS)


def test_the_lists_to_read_first_are_operations():
    paths = {each.path for each in operations_by_endpoint().values() if each.method == "GET"}
    shown = {path.replace("<id:", "{").replace(">", "}") for path in paths}
    assert set(LISTS) <= shown


@pytest.mark.parametrize("role", Role)
def test_whose_word_holds_the_sends_is_in_the_table(world, role):
    integration = world.connect()
    world.put_order()
    problem_of(world.ask("GET", "/api/changes?after=1&hash=" + "f" * 64, role=role), 409)
    is_held = world.send(integration["id"]).status_code == 503
    assert is_held == (role in (Role.POWER_USER, Role.ADMIN))


def test_without_an_event_loop_nobody_waits(world):
    world.token()
    latest = feed(world)["latest"]
    answer = world.ask("GET", f"/api/changes?after={latest}&wait=25")
    assert answer.headers["Retry-After"] == "5"
    assert answer.get_json()["data"] == []


def test_who_finds_something_need_not_come_back_later(world):
    assert "Retry-After" not in world.ask("GET", "/api/changes?wait=25").headers


def test_writes_say_under_which_number_the_feed_has_them(world):
    integration = world.connect()
    stored = world.put_order()
    sent = world.send(integration["id"])
    again = world.send(integration["id"])
    world.pay(data_of(sent))
    path = f"/api/stripe/invoices/{data_of(sent)['id']}/refunds"
    refunded = world.ask("POST", path, {"amount_in_cents": 100})
    world.put_order(1002)
    other = world.send(integration["id"], 1002)
    voided = world.ask("POST", f"/api/stripe/invoices/{data_of(other)['id']}/void")
    entries = {each["sequence"]: each["type"] for each in feed(world)["data"]}
    assert [
        entries[int(answer.headers["X-Sequence"])] for answer in (stored, sent, again, refunded, voided)
    ] == [
        "sales_order.created",
        "invoice.sent",
        "invoice.sent",
        entries[int(refunded.headers["X-Sequence"])],
        "invoice.voided",
    ]
    last_of_order = max(each["sequence"] for each in feed(world, "?sales_order_id=1001")["data"])
    assert int(refunded.headers["X-Sequence"]) == last_of_order


def test_a_page_is_as_described(any_world):
    """It is not rendered by the schema that describes it."""
    document = any_world.client.get("/openapi.json").get_json()
    schema = {**document["components"]["schemas"]["Feed"], "components": document["components"]}
    sent = World()
    sent_invoice(sent)
    for role in (Role.ADMIN, Role.VIEWER):
        Draft202012Validator(json.loads(json.dumps(schema))).validate(feed(sent, role=role))
