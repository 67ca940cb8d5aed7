"""A caller who got no answer asks again with the same key: one refund."""

from datetime import timedelta

import pytest

from stripe_bridge.domain.idempotency import LEASE, LIFETIME
from stripe_bridge.ports.stripe.errors import GatewayRefused, OutcomeUnknown
from tests.adapters.web.world import World, data_of

KEY = {"Idempotency-Key": "k-1"}
PART = {"amount_in_cents": 1_000}


@pytest.fixture
def path(world: World) -> str:
    integration = world.connect()
    world.put_order()
    invoice = data_of(world.send(integration["id"]))
    world.pay(invoice)
    return f"/api/stripe/invoices/{invoice['id']}/refunds"


def amounts(world: World) -> list[int]:
    (account,) = world.stripe.accounts.values()
    return [refund.amount for refund in account.charges.refunds.values()]


@pytest.mark.parametrize("reached_stripe", [True, False])
def test_after_a_crash_before_the_answer_the_same_request_makes_no_second_refund(
    world: World, path: str, reached_stripe: bool
):
    def lose_the_database() -> None:
        world.store.is_available = False

    world.stripe.before_next("create_refund", lose_the_database)
    world.stripe.fail_next("create_refund", OutcomeUnknown("cut"), after_effect=reached_stripe)
    assert world.ask("POST", path, PART, headers=KEY).status_code == 503
    world.store.is_available = True
    world.clock.advance(LEASE)

    again = world.ask("POST", path, PART, headers=KEY)

    assert (again.status_code, data_of(again)["amount"]) == (201, 1_000)
    assert amounts(world) == [1_000]


def test_another_key_is_another_refund(world: World, path: str):
    for key in ("k-1", "k-2"):
        world.ask("POST", path, PART, headers={"Idempotency-Key": key})
    assert amounts(world) == [1_000, 1_000]


def test_what_stripe_refused_for_good_is_answered_again_to_the_same_key_and_tried_anew_with_another(
    world: World, path: str
):
    world.stripe.fail_next("create_refund", GatewayRefused("no"))
    first, again = (world.ask("POST", path, PART, headers=KEY) for _ in range(2))
    assert first.status_code == again.status_code == 422
    assert (again.get_json()["stripe"], again.headers["Idempotent-Replayed"]) == ({"message": "no"}, "true")
    assert world.ask("POST", path, PART, headers={"Idempotency-Key": "k-2"}).status_code == 201
    assert amounts(world) == [1_000]


def test_after_a_day_the_same_request_is_another_refund(world: World, path: str):
    first = world.ask("POST", path, PART, headers=KEY)
    world.clock.advance(LIFETIME - timedelta(seconds=1))
    world.bridge.access.purge_idempotency_keys()
    assert data_of(world.ask("POST", path, PART, headers=KEY)) == data_of(first)
    assert amounts(world) == [1_000]

    world.clock.advance(timedelta(seconds=1))
    for replayed in (None, "true"):
        second = world.ask("POST", path, PART, headers=KEY)
        assert (second.status_code, second.headers.get("Idempotent-Replayed")) == (201, replayed)
        assert data_of(second)["refund_id"] != data_of(first)["refund_id"]
    assert amounts(world) == [1_000, 1_000]
