"""A call to Stripe that arrives after its repetition, and one that Stripe failed, have their effect once."""

from collections.abc import Iterator

import pytest

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.domain.refund import RefundState
from tests.proofs.boundary import Boundary
from tests.proofs.emulated_world import EmulatedWorld, emulated

AMOUNT = 1_000


@pytest.fixture
def world(database_url: str) -> Iterator[EmulatedWorld]:
    store = SqlStore(create_engine(database_url))
    with emulated() as (emulator, clock):
        world = EmulatedWorld(emulator, clock, store)
        world.connect()
        world.paid()
        yield world
    store.close()


def refund_once(world: EmulatedWorld) -> None:
    world.refund(world.invoice_id, AMOUNT, request="req-1")
    world.come_to_rest()
    world.deliver()
    (ours,) = world.refund(world.invoice_id, AMOUNT, request="req-1")
    (theirs,) = world.refunds_at_stripe()
    assert (ours.state, ours.stripe_refund_id) == (RefundState.SUCCEEDED, theirs.id)


@pytest.mark.parametrize("seconds_ahead", [61, 600, 3600])
def test_a_refund_that_arrives_after_another_worker_repeated_it_is_made_once(
    world: EmulatedWorld, seconds_ahead: int
):
    """The other worker's clock is ahead, or this one was frozen between its lease check and its call."""

    def repeat(_crossing: int, place: str) -> None:
        if place == "before create_refund":
            here = world.bridge
            world.restart()
            world.clock.advance(seconds=seconds_ahead)
            assert world.bridge.intents.settle_due() == 1
            world.bridge = here

    world.restart(Boundary(repeat).around)
    refund_once(world)


@pytest.mark.parametrize("effect", ["500_before", "500_after", "cut_before", "cut_after"])
@pytest.mark.parametrize("stored", [True, False])
def test_a_refund_is_made_once_whether_or_not_stripe_keeps_its_failure(
    world: EmulatedWorld, effect: str, stored: bool
):
    fault = {"effect": effect, "method": "POST", "path": "^/v1/refunds", "next": 1, "stored": stored}
    world.control.misbehave({"calls": [fault], "deliveries": {"hold": True}})
    refund_once(world)


def test_a_refund_whose_outcome_stays_unknown_for_longer_than_stripe_keeps_keys_is_made_once(
    world: EmulatedWorld,
):
    faults = [
        {"effect": "cut_after", "method": "POST", "path": "^/v1/refunds", "next": 1},
        {"effect": "500_before", "method": "GET", "path": "^/v1/refunds"},
    ]
    world.control.misbehave({"calls": faults, "deliveries": {"hold": True}})
    world.refund(world.invoice_id, AMOUNT, request="req-1")
    for _ in range(26):
        world.clock.advance(seconds=3600)
        world.bridge.intents.settle_due()
    world.control.misbehave({"deliveries": {"hold": True}})
    world.come_to_rest()

    assert len(world.refunds_at_stripe()) == 1
