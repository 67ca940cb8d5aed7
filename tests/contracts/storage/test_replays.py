"""What every store promises about replays."""

import threading
from dataclasses import replace
from typing import Any

import pytest

from stripe_bridge.domain.errors.base import ReplayNotFound
from stripe_bridge.domain.errors.conflicts import ReplayPlanOutdated, StaleWrite
from stripe_bridge.domain.origin import Actor, ActorType
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.replay import Replay, ReplayStatus
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.builders import NOW, TENANT, a_replay
from tests.contracts.stored import at_once


def stored(store: Store, **changes: Any) -> Replay:
    with store.writing() as work:
        replay = work.replays.add(a_replay(**changes))
        work.commit()
    return replay


def read(store: Store, replay: Replay, tenant_id: str | None = None) -> Replay:
    with store.reading() as work:
        return work.replays.get(tenant_id, replay.id)


def test_a_replay_is_read_back_as_it_was_stored_and_saved(store: Store):
    replay = stored(store, filter={"status": "failed", "ids": [3, 4]}, event_ids=(3, 4, 2**40))
    assert read(store, replay) == replay

    canceled = replay.advance(NOW, queued=1, purged=1).cancel(Actor(type=ActorType.OPERATOR, id="anna"), NOW)
    with store.writing() as work:
        saved = work.replays.save(canceled)
        work.commit()

    assert read(store, replay) == saved == replace(canceled, version=replay.version + 1)


def test_one_that_was_changed_meanwhile_is_not_saved(store: Store):
    replay = stored(store)
    with store.writing() as work:
        work.replays.save(replay.advance(NOW, queued=1))
        work.commit()

    with store.writing() as work, pytest.raises(StaleWrite):
        work.replays.save(replay.advance(NOW, queued=1))


def test_a_tenant_finds_its_own_and_operators_all(store: Store):
    own, everybodys, others = (
        stored(store, tenant_id=each, digest=str(each)) for each in (TENANT, None, "initech")
    )

    assert read(store, own, TENANT) == own
    for other in (everybodys, others):
        with pytest.raises(ReplayNotFound):
            read(store, other, TENANT)
    with store.reading() as work:
        assert work.replays.page(TENANT, PageRequest()).items == [own]
        assert work.replays.page(None, PageRequest()).items == [others, everybodys, own]
        with pytest.raises(ReplayNotFound):
            work.replays.get(None, 9_001)


def test_of_one_plan_only_one_is_running(store: Store):
    running = stored(store)

    with store.writing() as work, pytest.raises(ReplayPlanOutdated):
        work.replays.add(a_replay())
    with store.writing() as work:
        work.replays.save(replace(running, status=ReplayStatus.COMPLETED))
        work.commit()
    assert stored(store).id != running.id


def test_of_several_at_once_only_one_is_added(store: Store):
    def add(_: int) -> Replay:
        return stored(store)

    outcomes = at_once(4, add)

    assert len([each for each in outcomes if isinstance(each, Replay)]) == 1
    assert len([each for each in outcomes if isinstance(each, ReplayPlanOutdated)]) == 3


def test_the_oldest_that_is_running_is_next(store: Store):
    stored(store, status=ReplayStatus.COMPLETED, digest="a")
    first, _second = stored(store, digest="b"), stored(store, digest="c")

    with store.writing() as work:
        assert work.replays.lock_next() == first


def test_one_that_another_worker_has_locked_is_passed_over_or_waited_for(store: Store):
    """Where only one transaction can write, the other worker waits until the first is no longer running."""
    first, second = stored(store, digest="b"), stored(store, digest="c")
    found: list[Replay | None] = []

    def take_next() -> None:
        with store.writing() as work:
            found.append(work.replays.lock_next())

    with store.writing() as work:
        assert work.replays.lock_next() == first
        other = threading.Thread(target=take_next)
        other.start()
        work.replays.save(first.cancel(Actor(type=ActorType.OPERATOR), NOW))
        work.commit()
    other.join(60)
    assert found == [second]
