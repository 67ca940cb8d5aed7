"""Ends the process at each crossing of the boundary in turn, and checks what follows."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from stripe_bridge.domain.errors.base import BridgeError
from tests.proofs.boundary import Crash, crash_at
from tests.proofs.folding import assert_the_log_tells_everything
from tests.world import AnyWorld

Do = Callable[[Any], object]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """The process dies during `act`. `again`, if any, is what the caller or Stripe does afterwards."""

    prepare: Do
    act: Do
    check: Do
    again: Do | None = None


def nothing(_: AnyWorld) -> None:
    """Do nothing: leave it to the workers."""


def crash_at_every_crossing(
    new_world: Callable[[], AnyWorld], scenario: Scenario, *, recover: Do
) -> list[str]:
    """Play the scenario once for each crossing, until a run is not interrupted; returns where it crossed the boundary."""
    for number in count(1):
        crash, places = crash_once(new_world, scenario, number, recover=recover)
        if crash is None:
            return places
    raise AssertionError("A scenario without an end.")


def crash_once(
    new_world: Callable[[], AnyWorld], scenario: Scenario, number: int, *, recover: Do
) -> tuple[Crash | None, list[str]]:
    """Play the scenario with a crash at this crossing; returns the crash, if it came so far, and where it crossed."""
    world = new_world()
    scenario.prepare(world)
    boundary = crash_at(number)
    world.restart(boundary.around)
    crashed: Crash | None = None
    try:
        scenario.act(world)
    except Crash as crash:
        crashed = crash
    world.restart()
    try:
        recover(world)
        if scenario.again is not None:
            scenario.again(world)
        world.come_to_rest()
        scenario.check(world)
        assert_the_log_tells_everything(world.store, world.tenant)
    except (AssertionError, BridgeError) as error:
        place = f"crash at crossing {number}, {crashed}" if crashed else "no crash"
        error.add_note(f"{place}; crossed: {boundary.places}")
        raise
    return crashed, boundary.places
