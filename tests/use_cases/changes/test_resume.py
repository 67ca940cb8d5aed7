"""An operator can declare a reader's word a mistake, but not what Stripe shows, nor what another operator has said."""

import pytest

from stripe_bridge.domain.errors.conflicts import NotHeldByReader
from stripe_bridge.domain.errors.feed import FeedRefused
from tests.use_cases.changes.reading import read
from tests.use_cases.restoring import back_up, holds, restore
from tests.world import World

MISTAKEN = "f" * 64


def contradict(world: World) -> None:
    with pytest.raises(FeedRefused):
        read(world, after=1, hash=MISTAKEN, may_hold=True)


def test_a_mistake_is_taken_back(world: World):
    world.put_order(501)
    contradict(world)
    assert world.bridge.changes.resume_sends(world.tenant) == [world.account_id]
    assert holds(world) == []
    assert world.send(501).created


def test_the_history_goes_on_so_that_right_readers_notice_nothing(world: World):
    world.put_order(501)
    before = read(world)
    contradict(world)
    world.bridge.changes.resume_sends(world.tenant)
    assert read(world).log == before.log


def test_a_reader_who_is_still_wrong_holds_the_sends_again(world: World):
    world.put_order(501)
    contradict(world)
    world.bridge.changes.resume_sends(world.tenant)
    contradict(world)
    assert len(holds(world)) == 1


def test_without_a_contradiction_there_is_nothing_to_resume(world: World):
    with pytest.raises(NotHeldByReader):
        world.bridge.changes.resume_sends(world.tenant)


def test_what_stripe_shows_is_no_mistake(world: World):
    backup = back_up(world)
    world.sent(501)
    events = world.events()
    restore(world, backup)
    world.deliver(events)
    with pytest.raises(NotHeldByReader):
        world.bridge.changes.resume_sends(world.tenant)
    assert len(holds(world)) == 1


def test_what_an_operator_has_said_of_the_whole_database_stands(world: World):
    world.put_order(501)
    contradict(world)
    world.bridge.operations.begin_recovery()
    with pytest.raises(NotHeldByReader):
        world.bridge.changes.resume_sends(world.tenant)
    assert len(holds(world)) == 2
