"""A step sees one state of the database, and goes on exactly where the last one ended."""

import pytest

from stripe_bridge.domain.changes.verification import FaultKind, Position
from stripe_bridge.use_cases.changes import walk
from stripe_bridge.use_cases.changes.walk import ChainStep, step_chain, step_objects
from tests.use_cases.changes.logs import alter, length, remove, used
from tests.world import World


@pytest.fixture(autouse=True)
def _short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "ENTRIES_A_STEP", 3)
    monkeypatch.setattr(walk, "ORDERS_A_STEP", 1)


def step(world: World, position: Position) -> ChainStep:
    with world.store.reading() as work:
        return step_chain(work, world.tenant, position)


def test_steps_reach_the_end_and_look_at_each_entry_once(world: World):
    used(world)
    position, examined, is_end = Position(), 0, False
    while not is_end:
        taken = step(world, position)
        assert taken.fault is None
        position, examined, is_end = taken.position, examined + taken.examined, taken.is_end
    assert examined == position.sequence == length(world)


def test_a_step_notices_that_what_was_reached_is_no_longer_there(world: World):
    used(world)
    reached = step(world, Position()).position
    remove(world, reached.sequence)
    fault = step(world, reached).fault
    assert fault is not None
    assert (fault.kind, fault.sequence) == (FaultKind.MISSING, reached.sequence)


def test_an_object_that_is_gone_is_a_fault_unless_a_purge_says_so(world: World):
    used(world)
    alter(world, 2, content=None, salt=None)
    fault = step(world, Position()).fault
    assert fault is not None
    assert (fault.kind, fault.sequence) == (FaultKind.MODIFIED, 2)


def test_objects_are_compared_order_by_order_with_those_of_no_order_first(world: World):
    used(world)
    world.paid(502)
    with world.store.reading() as work:
        first = step_objects(work, world.tenant, 0)
        second = step_objects(work, world.tenant, first.last_order_id or 0)
        third = step_objects(work, world.tenant, second.last_order_id or 0)
    assert (first.last_order_id, second.last_order_id, third.last_order_id) == (501, 502, None)
    assert first.compared > second.compared > third.compared == 0
