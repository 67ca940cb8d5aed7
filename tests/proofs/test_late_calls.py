"""A call to Stripe that arrives after its repetition, and one that Stripe failed, have their effect once."""

import signal
from collections.abc import Iterator

import pytest

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.domain.refund import RefundState
from stripe_emulator.server import EmulatorServer
from tests.fakes.system import FrozenClock
from tests.proofs.boundary import Boundary
from tests.proofs.emulated_world import EmulatedWorld, emulated
from tests.proofs.processes import Processes, Program
from tests.proofs.scenarios import SCENARIOS
from tests.use_cases.refunding import refund_again

AMOUNT = 1_000
# How another process comes to take the call for dead: the lease ends in time, or its host's clock is ahead.
TAKEOVERS = {"the lease ends": ("0.2", 0), "a minute ahead": ("60", 65), "ten minutes ahead": ("60", 600)}


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


def test_a_second_refund_with_the_reference_of_one_is_found_by_reconciling_logged_once_and_reported(
    world: EmulatedWorld, caplog: pytest.LogCaptureFixture
):
    """As an earlier release could make."""
    (ours,) = world.refund(world.invoice_id, AMOUNT)
    (first,) = world.refunds_at_stripe()
    second = refund_again(world, ours)
    for _ in range(2):
        world.bridge.reconciliation.reconcile(world.integration_id)
        world.work_off()

    (record,) = [each for each in caplog.records if each.message == "refund duplicated at Stripe"]
    assert vars(record)["refunds"] == [first.id, second.id]
    assert world.invoice(world.invoice_id).amount_refunded == 2 * AMOUNT
    (finding,) = [each for each in world.bridge.operations.diagnose() if each.subject.startswith("refund")]
    assert first.id in finding.what
    assert second.id in finding.what


@pytest.mark.slow
@pytest.mark.parametrize("takeover", TAKEOVERS)
def test_a_refund_frozen_between_its_lease_check_and_its_call_is_made_once(
    takeover: str, database_url: str, program: Program
):
    """With real processes, one of which is stopped by SIGSTOP and goes on after the other."""
    lease, seconds_ahead = TAKEOVERS[takeover]
    store = SqlStore(create_engine(database_url, pool_size=5))
    with EmulatorServer() as emulator:
        processes = Processes(program, emulator, database_url, lease=lease)
        world = EmulatedWorld(emulator, FrozenClock(), store)
        SCENARIOS["refund"].prepare(world)
        assert processes.run(world, "stop", "refund") == -signal.SIGSTOP
        assert processes.run(world, f"ahead:{seconds_ahead}" if seconds_ahead else 0, "refund") == 0
        made_by_the_other = len(world.refunds_at_stripe())
        assert processes.resume() == 0
        (theirs,) = world.refunds_at_stripe()
        assert processes.run(world, 0, "refund") == 0
        with store.reading() as work:
            (ours,) = work.refunds.of_invoice(world.invoice_id)
    is_sqlite = database_url.startswith("sqlite")
    store.close()
    assert ours.stripe_refund_id == theirs.id
    # PostgreSQL's time is that of all processes: there, a clock that is ahead takes nothing over.
    assert made_by_the_other == int(is_sqlite or not seconds_ahead)
