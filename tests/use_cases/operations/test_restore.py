"""An operator who restores a backup holds all sends before the first event shows what is missing."""

import pytest

from stripe_bridge.domain.console_session import Person
from stripe_bridge.domain.errors.base import Unauthenticated
from stripe_bridge.domain.errors.outcomes import Recovering
from stripe_bridge.domain.recovery import HighestIds
from stripe_bridge.use_cases.access.console_sessions import BeginConsoleSession
from tests.use_cases.restoring import holds, recover
from tests.world import World


@pytest.fixture
def world() -> World:
    world = World()
    world.connect()
    return world


def given_ids(world: World) -> HighestIds:
    with world.store.reading() as work:
        return work.recoveries.given_ids()


def test_nobody_sends_until_the_account_is_recovered(world: World):
    world.put_order(501)
    world.bridge.operations.begin_recovery()
    with pytest.raises(Recovering):
        world.send(501)

    recover(world)

    assert world.send(501).created


def test_it_keeps_new_ids_apart_from_those_that_were_lost(world: World):
    before = given_ids(world)

    world.bridge.operations.begin_recovery()

    after = given_ids(world)
    for kind in ("integration", "invoice", "refund"):
        assert getattr(after, kind) >= getattr(before, kind) + 10_000


def test_everyone_is_signed_out_since_the_backup_may_know_a_session_that_was_ended(world: World):
    begin = BeginConsoleSession(world.store, world.clock, world.adapters.identifiers)
    begun = begin(Person(name="olga"))

    world.bridge.operations.begin_recovery()

    with pytest.raises(Unauthenticated):
        world.bridge.access.authenticate_console(begun.secret)


def test_saying_it_twice_changes_nothing(world: World):
    assert world.bridge.operations.begin_recovery()
    before = given_ids(world)

    assert not world.bridge.operations.begin_recovery()

    assert len(holds(world)) == 1
    assert given_ids(world) == before


def test_the_service_stays_ready(world: World):
    world.bridge.operations.begin_recovery()
    assert world.bridge.operations.check_readiness().is_ready
