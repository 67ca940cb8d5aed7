"""Applying gives way to webhooks that come in, and to nothing else."""

from dataclasses import replace

import pytest

from stripe_bridge.use_cases.giving_way import LONGEST_REST
from tests.builders import an_event_payload
from tests.fakes.store import FakeStore
from tests.world import World


def come_in(world: World, number: int) -> None:
    world.receive(an_event_payload(id_=f"evt_{number}", account=world.account_id))


@pytest.fixture
def burst(world: World) -> World:
    """One in which a batch was applied, and an event came in since."""
    come_in(world, 1)
    world.bridge.give_way(0.1)
    come_in(world, 2)
    return world


def test_while_webhooks_come_in_a_worker_rests_for_as_long_as_it_worked(burst: World):
    assert burst.bridge.give_way(0.1) == pytest.approx(0.1)
    burst.clock.advance(seconds=0.2)
    come_in(burst, 3)
    assert burst.bridge.give_way(0.05) == pytest.approx(0.05)


def test_a_backlog_alone_is_no_reason_to_rest(world: World):
    for number in range(5):
        come_in(world, number)
    assert [world.bridge.give_way(0.1) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_when_nothing_more_comes_in_there_is_no_rest(burst: World):
    burst.bridge.give_way(0.1)
    assert burst.bridge.give_way(0.1) == 0.0


def test_a_webhook_that_was_stored_already_is_none_that_comes_in(burst: World):
    burst.bridge.give_way(0.1)
    come_in(burst, 2)
    assert burst.bridge.give_way(0.1) == 0.0


def test_what_one_thread_worked_all_of_them_rest_for(burst: World):
    assert burst.bridge.give_way(0.1) == pytest.approx(0.1)
    come_in(burst, 3)
    # It worked at the same time.
    assert burst.bridge.give_way(0.1) == pytest.approx(0.3)


def test_no_rest_is_longer_than_a_second_however_long_a_batch_took(burst: World):
    assert burst.bridge.give_way(600.0) == LONGEST_REST.total_seconds() == 1.0


def test_how_much_longer_than_it_worked_a_worker_rests_can_be_set():
    world = World(WORKER_REST="3")
    world.connect()
    come_in(world, 1)
    world.bridge.give_way(0.1)
    come_in(world, 2)
    assert world.bridge.give_way(0.1) == pytest.approx(0.3)


def test_a_worker_that_is_not_to_give_way_does_not_even_look():
    world, store = World(WORKER_REST="0"), FakeStore()
    world.restart(lambda adapters: replace(adapters, store=store))
    store.is_available = False
    assert world.bridge.give_way(0.1) == 0.0
