"""The calls that change endpoints at Stripe may be made again: in the end there is one endpoint, and its secret is known."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from stripe_bridge.domain.receiver import SUBSCRIBED_EVENTS
from stripe_bridge.ports.stripe.errors import GatewayError, GatewayRefused, OutcomeUnknown
from tests.world import A_WHILE, World

SPOILED: dict[str, dict[str, Any]] = {
    "disabled": {"enabled": False},
    "of another version": {"api_version": "2020-08-27"},
    "not subscribed": {"enabled_events": frozenset({"invoice.paid"})},
}
CALLS = ("endpoints", "delete_endpoint", "repair_endpoint", "create_endpoint")


@pytest.fixture
def world() -> World:
    world = World()
    world.bridge.receivers.register()
    return world


@pytest.mark.parametrize("after_effect", [False, True], ids=["request lost", "answer lost"])
@pytest.mark.parametrize("lost", CALLS)
@pytest.mark.parametrize("changes", SPOILED.values(), ids=SPOILED)
def test_whichever_call_is_lost_the_next_try_leaves_one_endpoint_of_each_kind_in_order(
    world: World, changes: dict[str, Any], lost: str, after_effect: bool
):
    endpoints = world.stripe.endpoints[None]
    for endpoint in list(endpoints.values()):
        endpoints[endpoint.id] = replace(endpoint, **changes)
    world.fail(lost, OutcomeUnknown("cut"), after_effect=after_effect)
    with suppress(GatewayError):
        world.bridge.receivers.register()

    for _ in range(3):
        world.clock.advance(A_WHILE)
        world.work_off()
    world.stop_failing()
    world.bridge.receivers.register()

    assert {each.stripe_endpoint_id for each in world.bridge.receivers.list()} == set(endpoints)
    assert len(endpoints) == 2
    assert all(each.enabled and each.enabled_events == SUBSCRIBED_EVENTS for each in endpoints.values())
    assert [each.action for each in world.bridge.receivers.register()] == ["in order"] * 2


def test_an_own_endpoint_whose_secret_got_lost_with_the_answer_is_removed_before_another_is_created():
    world = World()
    world.allow_own_endpoints()
    world.fail("create_endpoint", OutcomeUnknown("cut"), after_effect=True)
    world.connect()
    assert len(world.own_endpoints()) == 1

    world.come_to_rest()

    (receiver,) = world.bridge.receivers.list()
    assert world.own_endpoints() == {receiver.stripe_endpoint_id}
    assert world.adapters.vault.open(receiver.sealed_secret).startswith("whsec_")


def test_that_stripe_allows_no_own_endpoint_is_an_answer_and_not_a_failure():
    world = World()
    world.fail("create_endpoint", GatewayRefused("not permitted"))
    world.connect()
    world.come_to_rest()

    assert world.bridge.receivers.list() == []
    assert not world.unsettled()
