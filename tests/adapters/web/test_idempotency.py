"""`Idempotency-Key` on authenticated POSTs."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from stripe_bridge.domain.access import Role
from stripe_bridge.domain.idempotency import LEASE, LIFETIME, IdempotentRequest, RequestScope
from tests.adapters.web.world import World, problem

PATH = "/api/stripe/integrations"


def post(world: World, key: str = "k-1", name: str = "Shop", **how):
    return world.ask("POST", PATH, {"name": name}, headers={"Idempotency-Key": key}, **how)


def integrations(world: World) -> int:
    total: int = (world.ask("GET", PATH).get_json())["total"]
    return total


def test_the_same_request_again_gets_the_first_answer_and_does_nothing(world):
    first, again = post(world), post(world)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data
    assert first.content_type == again.content_type
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert integrations(world) == 1


def test_without_a_key_or_with_another_one_it_is_another_request(world):
    post(world)
    post(world, key="k-2")
    world.ask("POST", PATH, {"name": "Shop"})
    assert integrations(world) == 3


def test_the_same_key_with_another_body_is_refused(world):
    post(world)
    refused = problem(post(world, name="Other"), 422)
    assert list(refused["errors"]) == ["Idempotency-Key"]
    assert integrations(world) == 1


@pytest.mark.parametrize("other", [{"role": Role.POWER_USER}, {"tenant": "globex"}])
def test_a_key_belongs_to_its_token(world, other):
    post(world)
    assert "Idempotent-Replayed" not in post(world, **other).headers


def test_an_idempotency_key_expires_after_a_day(world):
    post(world)
    world.clock.advance(LIFETIME - timedelta(seconds=1))
    assert "Idempotent-Replayed" in post(world).headers
    world.clock.advance(timedelta(seconds=1))
    assert "Idempotent-Replayed" not in post(world, name="Other").headers


def test_a_refusal_that_will_stay_one_is_kept(world):
    first, again = post(world, name=""), post(world, name="")
    # Exactly the same: even the request id in the body is that of the first request.
    assert (again.status_code, again.data) == (422, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_what_may_change_by_itself_is_not_kept(world):
    integration = world.connect()
    path = f"/api/stripe/integrations/{integration['id']}/authorize"
    for _ in range(2):
        answer = world.ask("POST", path, headers={"Idempotency-Key": "k"})
        assert problem(answer, 409)
        assert "Idempotent-Replayed" not in answer.headers


def test_an_authorizations_address_is_told_again_and_kept_sealed(world):
    path = f"{PATH}/{world.create_integration()['id']}/authorize"
    first, again = (world.ask("POST", path, headers={"Idempotency-Key": "k"}) for _ in range(2))

    assert again.data == first.data
    assert again.headers["Idempotent-Replayed"] == "true"
    (kept,) = world.store.committed.idempotent_requests.rows.values()
    state = parse_qs(urlsplit(first.get_json()["data"]["authorize_url"]).query)["state"][0]
    assert state not in kept.answer.body.decode()


def test_who_may_not_come_in_leaves_no_key_behind(world):
    assert problem(post(world, role=Role.VIEWER), 403)
    assert "Idempotent-Replayed" not in post(world, role=Role.VIEWER).headers


def test_one_that_still_runs_is_a_conflict_until_its_lease_is_over(world):
    token = world.bridge.access.authenticate(world.token())
    scope = RequestScope(token_id=token.token_id, method="POST", path=PATH, key="k-1")
    body_hash = "a6c5d3a6"
    assert isinstance(world.bridge.access.begin_request(scope, body_hash), IdempotentRequest)
    refused = problem(post(world), 422)
    assert "different body" in refused["message"]
    first = post(world, key="k-2")
    with world.store.writing() as work:
        kept = work.idempotent_requests.find(RequestScope(**{**_fields(scope), "key": "k-2"}))
        running = type(kept)(**{**_fields(kept), "answer": None})
        work.idempotent_requests.save(running)
        work.commit()
    assert problem(post(world, key="k-2"), 409)["message"].startswith("The first request")
    world.clock.advance(LEASE)
    assert post(world, key="k-2").status_code == first.status_code


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "ä"])
def test_a_key_that_is_none_is_refused(world, key):
    assert "Idempotency-Key" in problem(post(world, key=key), 422)["errors"]
    assert integrations(world) == 0


def test_a_failure_of_ours_is_not_kept(world):
    path, body = "/api/stripe/invoices", {"integration_instance_id": 1, "sales_order_id": 1001}
    world.connect()
    world.put_order()
    world.store.is_available = False
    assert world.ask("POST", path, body, headers={"Idempotency-Key": "k"}).status_code == 503
    world.store.is_available = True
    assert world.ask("POST", path, body, headers={"Idempotency-Key": "k"}).status_code == 201


def test_of_an_id_that_is_out_of_range_no_digit_is_kept(world):
    path = f"/api/stripe/invoices/{'9' * 30_000}/void"
    assert problem(world.ask("POST", path, headers={"Idempotency-Key": "k"}), 404)

    (kept,) = world.store.committed.idempotent_requests.rows
    assert "9" not in kept.path


def test_asking_for_the_methods_of_an_address_takes_no_key(world):
    answer = world.client.options(PATH, headers={"Idempotency-Key": "k-1"})
    assert answer.status_code == 200
    assert post(world).status_code == 201


def _fields(value):
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
