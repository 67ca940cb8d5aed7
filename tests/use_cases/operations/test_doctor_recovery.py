"""The doctor says whose sends are held after a restore, what an operator has to decide about, and which keys are missing."""

import shlex
from dataclasses import replace

import pytest

from stripe_bridge.domain.errors.feed import HistoryChanged
from stripe_bridge.domain.finding import Finding, Severity
from stripe_bridge.domain.recovery import RecoveryHold
from stripe_bridge.use_cases.changes.feed import FeedQuery
from stripe_bridge.use_cases.changes.read import ReadFeedCommand
from stripe_bridge.use_cases.changes.witness import Held
from tests.fakes.signer import FakeSigner
from tests.use_cases.restoring import back_up, recover, restore
from tests.world import World


@pytest.fixture
def world() -> World:
    world = World()
    world.connect()
    return world


def findings(world: World, subject: str) -> list[Finding]:
    return [each for each in world.bridge.operations.diagnose() if each.subject.startswith(subject)]


def test_a_held_tenant_is_found_with_the_invoice_that_showed_it(world: World):
    backup = back_up(world)
    lost = world.sent(501)
    events = world.events()
    restore(world, backup)
    world.deliver(events)

    (finding,) = findings(world, f"tenant {world.tenant}")

    assert finding.severity is Severity.ERROR
    assert str(lost.stripe_invoice_id) in finding.what
    assert "stripe-bridge reconcile --since" in finding.remedy
    recover(world)
    assert findings(world, "tenant") == []


def test_a_tenant_that_is_held_because_of_a_reader_is_found_with_both_ways_out(world: World):
    world.put_order(501)
    held = Held(hash="f" * 64)
    query = FeedQuery(tenant_id=world.tenant, after=1)
    with pytest.raises(HistoryChanged):
        world.bridge.changes.read(ReadFeedCommand(query=query, held=held, may_hold_sends=True))

    (finding,) = findings(world, f"tenant {world.tenant}")

    assert "a reader of its changes" in finding.what
    assert "stripe-bridge reconcile --since" in finding.remedy
    assert f"stripe-bridge changes resume --tenant {world.tenant}" in finding.remedy


def test_that_everyone_is_held_is_found(world: World):
    world.bridge.operations.begin_recovery()
    (finding,) = findings(world, "all tenants")
    assert "stripe-bridge reconcile --since" in finding.remedy


def test_an_order_that_is_billed_twice_is_found_with_both_invoices(world: World):
    backup = back_up(world)
    first = world.sent(501)
    restore(world, backup)
    second = world.sent(501)
    recover(world)

    (finding,) = findings(world, "order 501")

    assert "billed twice" in finding.what
    assert str(first.stripe_invoice_id) in finding.what
    assert str(second.stripe_invoice_id) in finding.what


def test_a_key_that_signed_and_is_not_configured_is_found(world: World):
    backup = back_up(world)
    lost = world.sent(501)
    events = world.events()
    restore(world, backup)
    world.adapters = replace(world.adapters, signer=FakeSigner("key-2"))
    world.restart()
    world.deliver(events)

    (finding,) = findings(world, "key key-1")

    assert str(lost.stripe_invoice_id) in finding.what
    assert "RETIRED_ENCRYPTION_KEYS" in finding.remedy
    world.adapters = replace(world.adapters, signer=FakeSigner("key-2", "key-1"))
    world.restart()
    assert findings(world, "key") == []


def test_what_is_held_and_undecided_is_measured(world: World):
    backup = back_up(world)
    world.sent(501)
    restore(world, backup)
    world.sent(501)
    recover(world)
    world.bridge.operations.begin_recovery()

    backlog = world.bridge.operations.measure_backlog()

    assert (backlog.recovery_holds, backlog.unresolved_invoices) == (1, 1)


def test_a_command_that_is_named_runs_nothing_that_a_tenants_name_says(world: World):
    """It is whatever an identity provider says, and commands are copied."""
    name = "x; id; '"
    with world.store.writing() as work:
        hold = RecoveryHold(
            tenant_id=name, account_id="acct_9", held_at=world.clock.now(), stripe_invoice_id=None
        )
        work.recoveries.hold(hold)
        work.commit()

    (finding,) = findings(world, "tenant x")

    assert shlex.split(finding.remedy.partition("fix it, then: ")[2])[-2:] == ["--tenant", name]
