"""Readers are witnesses: what they hold shows that the database was restored, and holds the tenant's sends."""

import logging
from dataclasses import replace

import pytest

from stripe_bridge.domain.changes.history import name_log
from stripe_bridge.domain.errors.feed import CursorAhead, FeedExpired, FeedRefused, HistoryChanged
from stripe_bridge.domain.errors.outcomes import Recovering
from tests.use_cases.changes.reading import read
from tests.use_cases.restoring import back_up, holds, recover, restore
from tests.world import World


@pytest.fixture
def restored(world: World):
    """A world that has lost its newest changes, and the last page that a reader had read before."""
    world.sent(501)
    backup = back_up(world)
    world.sent(502)
    page = read(world)
    restore(world, backup)
    return world, page


def go_on(world: World, page, **held):
    return read(world, after=page.next_after, **held)


def test_whoever_holds_what_stands_here_goes_on(world: World):
    world.sent(501)
    page = read(world)
    again = go_on(world, page, hash=page.entries[-1].hash, log=page.log, may_hold=True)
    assert again.entries == []
    assert holds(world) == []


def test_a_reader_who_knows_more_than_the_log_is_told_so_and_where_to_start_over(restored):
    world, page = restored
    with pytest.raises(CursorAhead) as refused:
        go_on(world, page)
    assert refused.value.log == page.log
    assert refused.value.restart_after == read(world).latest < page.next_after


def test_another_hash_under_the_same_number_is_found_once_the_log_has_grown_again(restored):
    world, page = restored
    world.sent(503)
    world.sent(504)
    with pytest.raises(HistoryChanged):
        go_on(world, page, hash=page.entries[-1].hash)


def test_another_log_is_found_even_by_a_reader_who_is_behind(world: World):
    world.sent(501)
    with pytest.raises(HistoryChanged):
        read(world, log=name_log("another"))


def test_a_database_that_has_lost_everything_is_found(world: World):
    world.sent(501)
    page = read(world)
    with pytest.raises(HistoryChanged) as refused:
        read(world, tenant_id="new", after=page.next_after, log=page.log)
    assert (refused.value.log, refused.value.restart_after) == (None, 0)


@pytest.mark.parametrize("what", ["hash", "log", "both"])
def test_the_word_of_a_reader_who_may_holds_the_tenants_sends(restored, what):
    world, page = restored
    held = {"hash": page.entries[-1].hash, "log": page.log}
    with pytest.raises(CursorAhead):
        go_on(world, page, may_hold=True, **(held if what == "both" else {what: held[what]}))
    world.put_order(503)
    with pytest.raises(Recovering):
        world.send(503)


def test_other_tenants_go_on(restored):
    world, page = restored
    with pytest.raises(FeedRefused):
        go_on(world, page, may_hold=True, log=page.log)
    assert {each.tenant_id for each in holds(world)} == {world.tenant}
    world.connect(tenant="other")
    world.put_order(1, tenant="other")
    assert world.send(1, tenant="other").created


@pytest.mark.parametrize(("held", "may_hold"), [({}, True), ({"hash": True}, False), ({"log": True}, False)])
def test_a_bare_number_and_a_viewers_word_hold_nothing_and_are_logged(restored, held, may_hold, caplog):
    world, page = restored
    known = {"hash": page.entries[-1].hash, "log": page.log}
    with caplog.at_level(logging.WARNING), pytest.raises(CursorAhead):
        go_on(world, page, may_hold=may_hold, **{name: known[name] for name in held})
    assert holds(world) == []
    (record,) = [each for each in caplog.records if each.message == "change log contradicted by a reader"]
    assert record.__dict__["tenant"] == world.tenant
    assert record.__dict__["sends_held"] is False


def test_saying_it_again_changes_nothing(restored):
    world, page = restored
    for _ in range(2):
        with pytest.raises(CursorAhead):
            go_on(world, page, may_hold=True, log=page.log)
        first = holds(world)
        world.clock.advance(seconds=60)
    assert holds(world) == first
    assert len(first) == 1


def test_every_connected_account_has_to_be_reconciled(restored):
    world, page = restored
    world.connect()
    with pytest.raises(CursorAhead):
        go_on(world, page, may_hold=True, log=page.log)
    assert len(holds(world)) == 2


def test_a_tenant_without_an_account_is_held_as_well(world: World):
    with pytest.raises(HistoryChanged):
        read(world, tenant_id="new", log=name_log("lost"), may_hold=True)
    assert [(each.tenant_id, each.account_id) for each in holds(world)] == [("new", "")]
    world.bridge.reconciliation.end_recovery()
    assert holds(world) == []


def test_once_it_is_reconciled_the_tenant_sends_again_and_another_history_begins(restored):
    world, page = restored
    with pytest.raises(CursorAhead):
        go_on(world, page, may_hold=True, log=page.log)
    recover(world)
    assert holds(world) == []
    assert read(world).log != page.log
    world.put_order(503)
    assert world.send(503).created


def test_who_still_holds_the_history_from_before_is_told_so_and_holds_nothing_any_more(restored):
    """Otherwise the next reader who comes late would hold the sends again, and again."""
    world, page = restored
    with pytest.raises(CursorAhead):
        go_on(world, page, may_hold=True, log=page.log)
    recover(world)
    for held in ({"log": page.log}, {"log": page.log, "hash": page.entries[-1].hash}, {"hash": "0" * 64}):
        with pytest.raises(HistoryChanged):
            read(world, after=1, may_hold=True, **held)
    assert holds(world) == []


def test_another_restore_is_found_as_the_first_one_was(restored):
    world, page = restored
    backup = back_up(world)
    with pytest.raises(CursorAhead):
        go_on(world, page, may_hold=True, log=page.log)
    recover(world)
    page = read(world)
    restore(world, backup)
    with pytest.raises(HistoryChanged):
        read(world, after=1, log=page.log, may_hold=True)
    assert len(holds(world)) == 1


def test_reconciling_a_tenant_that_is_not_held_begins_no_other_history(world: World):
    world.sent(501)
    before = read(world).log
    recover(world)
    assert read(world).log == before


def test_who_asks_for_what_was_purged_starts_over(world: World):
    world.sent(501)
    heads = world.store.committed.change_heads
    (head,) = heads.rows.values()
    heads.rows[world.tenant] = replace(head, oldest=3)
    with pytest.raises(FeedExpired) as refused:
        read(world, after=1)
    assert refused.value.restart_after == read(world, after=2).latest
