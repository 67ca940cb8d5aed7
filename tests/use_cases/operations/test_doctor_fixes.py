"""The doctor fixes what needs no decision, and says what it did."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from stripe_bridge.domain.finding import Fix
from stripe_bridge.ports.stripe.errors import OutcomeUnknown
from tests.use_cases.operations.patient import OWN, RECEIVERS, diagnose, fix, healthy, unregistered
from tests.world import World


@pytest.mark.parametrize(("spoil", "what"), RECEIVERS.values(), ids=RECEIVERS)
def test_a_receiver_that_is_not_in_order_is_repaired_or_replaced(
    world: World, spoil: Callable[[World], object], what: str
):
    spoil(world)

    (done,) = fix(world)

    assert done.startswith("receivers: platform ")
    assert diagnose(world) == []


@pytest.mark.parametrize(("spoil", "what", "done"), OWN.values(), ids=OWN)
def test_an_accounts_own_receiver_that_is_not_in_order_is_found_and_repaired_or_removed(
    spoil: Callable[[World], object], what: str, done: str
):
    world = World(STRIPE_WEBHOOK_SECRETS="")
    world.allow_own_endpoints()
    healthy(world)
    assert diagnose(world) == []
    spoil(world)

    (finding,) = diagnose(world)

    assert (finding.fix, finding.integration_id) == (Fix.REPAIR_RECEIVERS, world.integration_id)
    assert what in finding.what
    (shown,) = fix(world)
    assert shown.endswith(done)
    assert diagnose(world) == []


def test_a_fix_that_fails_is_reported_and_stops_no_other(world: World):
    unregistered(world)
    world.clock.advance(timedelta(hours=2))
    findings = diagnose(world)
    world.stripe.fail_next("endpoints", OutcomeUnknown("no answer"))

    done = list(world.bridge.operations.apply_fixes(findings))

    assert done[0].endswith("could not be fixed: no answer")
    assert "reconciled" in done[1]
