"""Ends the process at each crossing of the boundary in turn, and checks what follows."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from stripe_bridge.domain.errors.base import BridgeError
from tests.proofs.boundary import Crash, crash_at
from tests.proofs.folding import assert_the_log_tells_everything
from tests.proofs.moments import moment_of
from tests.world import AnyWorld

Do = Callable[[Any], object]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """The process dies during `act`. `again`, if any, is what the caller or Stripe does afterwards."""

    prepare: Do
    act: Do
    check: Do
    again: Do | None = None


@dataclass(frozen=True)
class Attempt:
    """One try at the act: where it crossed the boundary, and the crash, unless it came to its end."""

    crossed: list[str]
    crash: Crash | None


def nothing(_: AnyWorld) -> None:
    """Do nothing: leave it to the workers."""


def crash_at_every_crossing(
    new_world: Callable[[], AnyWorld], scenario: Scenario, *, recover: Do
) -> list[str]:
    """Play the scenario once for each crossing, until a run is not interrupted; returns where it crossed the boundary."""
    world = new_world()
    scenario.prepare(world)
    go_back = moment_of(world)
    for number in count(1):
        go_back()
        attempt = act_until(world, scenario, number)
        recover_and_check(world, scenario, attempt, recover=recover)
        if attempt.crash is None:
            return attempt.crossed
    raise AssertionError("A scenario without an end.")


def act_until(world: AnyWorld, scenario: Scenario, number: int) -> Attempt:
    """Act in the prepared world, with a crash at this crossing if it comes so far."""
    boundary = crash_at(number)
    world.restart(boundary.around)
    crashed: Crash | None = None
    try:
        scenario.act(world)
    except Crash as crash:
        crashed = crash
    return Attempt(boundary.places, crashed)


def recover_and_check(world: AnyWorld, scenario: Scenario, attempt: Attempt, *, recover: Do) -> None:
    """All that follows, in another process."""
    world.restart()
    try:
        recover(world)
        if scenario.again is not None:
            scenario.again(world)
        world.come_to_rest()
        scenario.check(world)
        assert_the_log_tells_everything(world.store, world.tenant)
    except (AssertionError, BridgeError) as error:
        crossed, crash = attempt.crossed, attempt.crash
        place = f"crash at crossing {len(crossed)}, {crash}" if crash else "no crash"
        error.add_note(f"{place}; crossed: {crossed}")
        raise
