"""An endpoint at Stripe, compared with what is stored of it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_bridge.domain.receiver import SUBSCRIBED_EVENTS, ReceiverKind
from stripe_bridge.use_cases.receivers.endpoint_status import EndpointStatus, EndpointStatuses
from tests.fakes.vault import FakeVault
from tests.world import World

URL = "https://bridge.test/api/webhooks/stripe"
REPAIRABLE: list[dict[str, Any]] = [
    {"enabled": False},
    {"url": "https://elsewhere.test"},
    {"enabled_events": SUBSCRIBED_EVENTS - {"invoice.paid"}},
]
OTHER_VERSION: dict[str, Any] = {"api_version": "2020-08-27"}


def registered() -> World:
    world = World()
    world.bridge.receivers.register()
    return world


def statuses(world: World, vault: FakeVault | None = None) -> list[EndpointStatus]:
    adapters = world.adapters
    return EndpointStatuses(world.store, adapters.receiver_gateway, vault or FakeVault()).of_platform(URL)


def change_first(world: World, **changes: Any) -> None:
    endpoints = world.stripe.endpoints[None]
    first = next(iter(endpoints.values()))
    endpoints[first.id] = replace(first, **changes)


@given(
    faults=st.lists(st.sampled_from([*REPAIRABLE, OTHER_VERSION]), unique_by=str),
    can_open=st.booleans(),
    orphans=st.integers(0, 2),
)
def test_it_is_in_order_only_if_nothing_at_all_is_wrong_with_it(
    faults: list[dict[str, Any]], can_open: bool, orphans: int
):
    world = registered()
    known = next(iter(world.stripe.endpoints[None].values()))
    for number in range(orphans):
        world.stripe.endpoints[None][f"we_{number}"] = replace(known, id=f"we_{number}")
    for fault in faults:
        change_first(world, **fault)

    platform, connect = statuses(world, FakeVault() if can_open else FakeVault("another key"))

    assert platform.is_in_order == (not faults and can_open and not orphans)
    assert platform.delivers == (not faults)
    assert platform.must_replace == (OTHER_VERSION in faults or not can_open)
    assert len(platform.problems) == len(faults) + (not can_open)
    assert len(platform.orphans) == orphans
    assert connect.is_in_order == can_open


def test_one_that_stripe_does_not_show_cannot_be_replaced_but_has_to_be_created():
    world = registered()
    world.stripe.endpoints[None].clear()

    for status in statuses(world):
        assert status.problems == ("it is missing at Stripe",)
        assert not status.delivers
        assert not status.must_replace


def test_where_nothing_was_registered_there_is_one_problem_for_each_kind():
    found = statuses(World())

    assert [each.kind for each in found] == [ReceiverKind.PLATFORM, ReceiverKind.CONNECT]
    assert [each.problems for each in found] == [("it was never registered",)] * 2


@pytest.mark.parametrize("changes", [{"metadata": {}}, {"url": "https://elsewhere.test"}])
def test_what_others_created_for_themselves_is_no_orphan(changes: dict[str, Any]):
    world = registered()
    known = next(iter(world.stripe.endpoints[None].values()))
    world.stripe.endpoints[None]["we_other"] = replace(known, id="we_other", **changes)

    assert all(status.is_in_order for status in statuses(world))


def test_an_account_without_endpoints_of_its_own_needs_no_call():
    world = World()
    world.connect()
    before = world.calls()

    found = EndpointStatuses(world.store, world.adapters.receiver_gateway, FakeVault()).of_account(
        world.integration_id, world.account_id, URL
    )

    assert found == []
    assert world.calls() == before


def test_that_the_secret_of_an_accounts_own_endpoint_is_unreadable_asks_for_the_key_and_not_for_another_endpoint():
    world = World()
    world.allow_own_endpoints()
    world.connect()

    (status,) = EndpointStatuses(
        world.store, world.adapters.receiver_gateway, FakeVault("another key")
    ).of_account(world.integration_id, world.account_id, URL)

    assert status.is_in_order
