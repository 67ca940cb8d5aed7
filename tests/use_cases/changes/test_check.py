"""Logs are verified little by little, and what is wrong with one is noted until it is mended."""

from datetime import timedelta

import pytest

from stripe_bridge.domain.changes.acts import keys_rotated
from stripe_bridge.domain.changes.verification import FaultKind, LogCheck
from stripe_bridge.domain.origin import SERVICE
from stripe_bridge.use_cases.changes import check as module
from stripe_bridge.use_cases.changes import walk
from tests.use_cases.changes.logs import alter, length, remove, used
from tests.world import World

DAY = timedelta(days=1)


def check_of(world: World) -> LogCheck:
    with world.store.reading() as work:
        return next(each for each in work.audit.checks() if each.tenant_id == world.tenant)


def run(world: World) -> int:
    world.clock.advance(seconds=1)
    examined: int = world.bridge.changes.check_next()
    return examined


def test_a_pass_ends_and_the_next_begins_a_day_later(world: World):
    used(world)
    assert run(world) >= length(world)
    assert check_of(world).completed_at == world.clock.now()
    assert run(world) == 0
    world.clock.advance(DAY)
    assert run(world) >= length(world)


def test_a_run_is_bounded_and_the_next_goes_on(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(walk, "ENTRIES_A_STEP", 3)
    monkeypatch.setattr(module, "_STEPS_A_RUN", 1)
    used(world)
    reached: list[int] = []
    while not reached or check_of(world).completed_at is None:
        assert run(world) <= 3 + len(world.store.committed.invoices.rows) * 5
        reached.append(check_of(world).sequence)
    assert len(set(reached)) > 3
    assert sorted(reached) == reached
    assert reached[-1] == length(world)


def test_a_worker_that_stops_begins_nothing(world: World):
    used(world)
    assert world.bridge.changes.check_next(lambda: True) == 0


def test_what_is_wrong_is_noted_and_looked_at_again(world: World, caplog: pytest.LogCaptureFixture):
    used(world)
    kept = world.store.committed.changes.rows
    remove(world, 3)
    for _ in range(2):
        run(world)
        check = check_of(world)
        assert (check.fault_kind, check.fault_sequence) == (FaultKind.MISSING, 3)
    assert [record.message for record in caplog.records] == ["change log does not verify"]
    tables = world.store.committed
    tables.changes.rows = kept
    run(world)
    assert check_of(world).fault_kind is None
    assert check_of(world).completed_at is not None


def test_an_object_that_was_changed_past_the_log_is_noted_too(world: World):
    used(world)
    tables = world.store.committed
    tables.refunds.rows = {}
    run(world)
    assert check_of(world).fault_kind is FaultKind.MODIFIED
    assert "is gone" in (check_of(world).fault_what or "")


def test_a_log_that_ends_before_what_the_last_pass_saw_is_noted_though_its_head_fits(world: World):
    used(world)
    run(world)
    last = length(world)
    tables = world.store.committed
    before = tables.changes.rows[world.tenant, last - 1]
    head = tables.change_heads.rows[world.tenant]
    remove(world, last)
    shorter = type(head)(tenant_id=head.tenant_id, log=head.log, sequence=last - 1, hash=before.hash)
    tables.change_heads.rows = {**tables.change_heads.rows, world.tenant: shorter}
    world.clock.advance(DAY)
    run(world)
    check = check_of(world)
    assert (check.fault_kind, check.fault_sequence) == (FaultKind.TRUNCATED, last)


def test_one_log_that_is_wrong_keeps_no_other_waiting(world: World):
    used(world)
    with world.store.writing() as work:
        work.acts.add(keys_rotated({}, SERVICE))
        work.commit()
    alter(world, 2, salt="other")
    run(world)
    with world.store.reading() as work:
        completed = {each.tenant_id: each.completed_at is not None for each in work.audit.checks()}
    assert completed == {world.tenant: False, "": True}
