"""`/api/subscribers`: for admins, exactly these fields, and precise refusals that change nothing."""

from typing import Any

import pytest

from stripe_bridge.domain.access import Role
from stripe_bridge.ports.deliveries import Answer
from tests.adapters.web.world import World, data_of, problem

PATH = "/api/subscribers"
URL = "https://erp.example/changes"
SHOWN = {
    "id", "url", "types", "max_batch", "description", "after", "behind", "enabled", "disabled_reason", "disabled_at",
    "last_success_at", "last_error", "created_at", "updated_at",
}  # fmt: skip


def create(world: World, **given: Any) -> dict[str, Any]:
    answer = world.ask("POST", PATH, {"url": URL} | given)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    created: dict[str, Any] = data_of(answer)
    return created


def test_a_subscriber_is_created_shown_and_listed(world):
    answer = world.ask(
        "POST", PATH, {"url": URL, "types": ["invoice.*"], "max_batch": 7, "description": "ERP"}
    )
    assert answer.status_code == 201
    assert answer.get_json().keys() == {"data", "secret"}
    assert answer.get_json()["secret"].startswith("whsec_")
    created = data_of(answer)
    assert created.keys() == SHOWN
    assert created["after"] == world_latest(world) - 1
    assert (created["types"], created["max_batch"], created["description"]) == (["invoice.*"], 7, "ERP")
    assert (created["enabled"], created["disabled_reason"], created["last_error"]) == (True, None, None)
    shown = data_of(world.ask("GET", f"{PATH}/{created['id']}"))
    assert shown == created | {"behind": 1}
    assert data_of(world.ask("GET", PATH)) == [shown]
    assert "whsec_" not in world.ask("GET", PATH).get_data(as_text=True)


def world_latest(world: World) -> int:
    with world.store.reading() as work:
        head = work.changes.head("acme")
    return 0 if head is None else head.sequence


def test_defaults_are_everything_from_now_on(world):
    world.create_integration()
    created = create(world)
    assert (created["types"], created["max_batch"], created["description"]) == (None, 100, "")
    assert created["after"] == world_latest(world) - 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "url"),
        ({"url": None}, "url"),
        ({"url": 5}, "url"),
        ({"url": ""}, "url"),
        ({"url": "https://erp.example/" + "x" * 2048}, "url"),
        ({"url": "http://erp.example/"}, "url"),
        ({"url": URL, "types": []}, "types"),
        ({"url": URL, "types": "invoice.paid"}, "types"),
        ({"url": URL, "types": ["invoice.paid", 5]}, "types.1"),
        ({"url": URL, "types": ["invoice.payed"]}, "types"),
        ({"url": URL, "types": ["invoice.paid"] * 51}, "types"),
        ({"url": URL, "max_batch": 0}, "max_batch"),
        ({"url": URL, "max_batch": 101}, "max_batch"),
        ({"url": URL, "max_batch": "7"}, "max_batch"),
        ({"url": URL, "max_batch": None}, "max_batch"),
        ({"url": URL, "after": -1}, "after"),
        ({"url": URL, "after": 1_000}, "after"),
        ({"url": URL, "after": True}, "after"),
        ({"url": URL, "enabled": "true"}, "enabled"),
        ({"url": URL, "enabled": None}, "enabled"),
        ({"url": URL, "description": "x" * 256}, "description"),
        ({"url": URL, "description": "\0"}, "description"),
        ({"url": URL, "secret": "whsec_mine"}, "secret"),
    ],
)
def test_each_wrong_field_is_named_and_nothing_is_changed(world, given, field):
    body = problem(world.ask("POST", PATH, given), 422)
    assert list(body["errors"]) == [field]
    assert data_of(world.ask("GET", PATH)) == []


def test_a_sixth_is_refused(world):
    for _ in range(5):
        create(world)
    assert "5 subscribers" in problem(world.ask("POST", PATH, {"url": URL}), 422)["message"]
    assert len(data_of(world.ask("GET", PATH))) == 5


def test_a_request_that_is_repeated_by_its_key_makes_one_and_tells_its_secret_again(world):
    answers = [
        world.ask("POST", PATH, {"url": URL}, headers={"Idempotency-Key": "key-1"}).get_json()
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert len(data_of(world.ask("GET", PATH))) == 1
    [stored] = world.store.committed.idempotent_requests.rows.values()
    assert answers[0]["secret"].encode() not in stored.answer.body


def test_fields_that_are_left_out_stay_as_they_are(world):
    created = create(world, types=["invoice.*"], description="ERP")
    path = f"{PATH}/{created['id']}"
    changed = data_of(world.ask("PATCH", path, {"max_batch": 3}))
    assert (changed["types"], changed["description"], changed["max_batch"]) == (["invoice.*"], "ERP", 3)
    assert data_of(world.ask("PATCH", path, {"types": None}))["types"] is None
    disabled = data_of(world.ask("PATCH", path, {"enabled": False}))
    assert (disabled["enabled"], disabled["disabled_reason"]) == (False, "requested")
    enabled = data_of(world.ask("PATCH", path, {"enabled": True}))
    assert (enabled["enabled"], enabled["disabled_reason"], enabled["disabled_at"]) == (True, None, None)
    assert data_of(world.ask("PATCH", path, {}))["updated_at"] == enabled["updated_at"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"after": 0}, "after"),
        ({"url": "http://erp.example/"}, "url"),
        ({"types": ["x.*"]}, "types"),
        ({"max_batch": 0}, "max_batch"),
        ({"id": 5}, "id"),
    ],
)
def test_a_wrong_change_is_named_and_changes_nothing(world, given, field):
    created = create(world)
    path = f"{PATH}/{created['id']}"
    before = data_of(world.ask("GET", path))
    assert list(problem(world.ask("PATCH", path, given), 422)["errors"]) == [field]
    assert data_of(world.ask("GET", path)) == before


def test_a_ping_shows_what_became_of_it(world):
    path = f"{PATH}/{create(world)['id']}"
    world.deliveries.answers = [Answer(status=401, body="bad signature")]
    failed = data_of(world.ask("POST", f"{path}/ping"))
    assert failed.keys() == {"type", "message_id", "after", "last", "attempted_at", "status", "ms", "error"}
    assert (failed["type"], failed["status"]) == ("ping", 401)
    assert failed["error"] == "The receiver answered 401: bad signature"
    taken = data_of(world.ask("POST", f"{path}/ping"))
    assert (taken["status"], taken["error"]) == (200, None)
    assert data_of(world.ask("GET", f"{path}/deliveries")) == [taken, failed]


def test_rotating_tells_another_secret_once(world):
    first = world.ask("POST", PATH, {"url": URL}).get_json()
    path = f"{PATH}/{first['data']['id']}"
    second = world.ask("POST", f"{path}/rotate-secret").get_json()
    assert second["secret"] != first["secret"]
    assert second["data"].keys() == SHOWN


def test_resuming_moves_the_cursor_and_enables(world):
    world.create_integration()
    path = f"{PATH}/{create(world, enabled=False)['id']}"
    resumed = data_of(world.ask("POST", f"{path}/resume", {"after": 0}))
    assert (resumed["after"], resumed["enabled"]) == (0, True)
    beyond = problem(world.ask("POST", f"{path}/resume", {"after": 99}), 422)
    assert "The newest change is" in beyond["message"]
    assert list(problem(world.ask("POST", f"{path}/resume", {}), 422)["errors"]) == ["after"]
    assert data_of(world.ask("GET", path))["after"] == 0


def test_what_is_deleted_is_gone(world):
    path = f"{PATH}/{create(world)['id']}"
    assert world.ask("DELETE", path).get_json() == {"message": "Subscriber deleted."}
    for method, suffix in (("GET", ""), ("DELETE", ""), ("GET", "/deliveries"), ("POST", "/ping")):
        assert problem(world.ask(method, path + suffix), 404)["message"] == "Subscriber not found."


OPERATIONS = [
    ("GET", "", None),
    ("POST", "", {"url": URL}),
    ("GET", "/1", None),
    ("PATCH", "/1", {"max_batch": 1}),
    ("DELETE", "/1", None),
    ("POST", "/1/ping", None),
    ("POST", "/1/rotate-secret", None),
    ("POST", "/1/resume", {"after": 0}),
    ("GET", "/1/deliveries", None),
]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MEMBER, Role.POWER_USER])
@pytest.mark.parametrize(("method", "suffix", "body"), OPERATIONS)
def test_all_of_it_is_for_admins(world, role, method, suffix, body):
    create(world)
    problem(world.ask(method, PATH + suffix, body, role=role), 403)


@pytest.mark.parametrize(("method", "suffix", "body"), [each for each in OPERATIONS if each[1]])
def test_another_tenants_is_not_there(world, method, suffix, body):
    create(world)
    problem(world.ask(method, PATH + suffix, body, tenant="another"), 404)
