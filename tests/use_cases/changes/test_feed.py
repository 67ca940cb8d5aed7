"""Pages of the feed: whatever is asked for, nothing is skipped, and nobody finds out what is not for him."""

import pytest

from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.changes.entry import GENESIS
from stripe_bridge.use_cases.changes.feed import types_matching
from tests.use_cases.changes.reading import all_of, do_an_act, read
from tests.world import World


def test_before_anything_is_recorded_the_feed_is_empty():
    page = read(World())
    assert (page.log, page.entries, page.latest, page.next_after) == (None, [], 0, 0)


@pytest.mark.parametrize("limit", [1, 2, 3, 500])
def test_pages_follow_one_another_without_a_gap(world: World, limit: int):
    world.paid(501)
    do_an_act(world)
    world.sent(502)
    shown = all_of(world, limit=limit)
    assert [each["sequence"] for each in shown] == list(range(1, len(shown) + 1))
    assert len(shown) == read(world).latest


def test_each_page_begins_with_the_hash_of_the_last_entry_before_it(world: World):
    world.paid(501)
    first = read(world, limit=3)
    second = read(world, after=first.next_after, limit=3)
    assert first.after_hash == GENESIS
    assert second.after_hash == first.entries[-1].hash


def test_a_filter_passes_over_what_does_not_match_and_says_how_far_it_has_looked(world: World):
    world.paid(501)
    do_an_act(world)
    page = read(world, "invoice.paid")
    assert [each.type for each in page.entries] == [ChangeType.INVOICE_PAID]
    assert page.next_after == page.latest


def test_a_full_page_goes_no_further_than_its_last_entry(world: World):
    world.paid(501)
    world.paid(502)
    page = read(world, "invoice.paid", limit=1)
    assert page.next_after == page.entries[-1].sequence < page.latest


def test_an_order_has_its_own_changes_and_those_of_its_invoices(world: World):
    world.paid(501)
    world.paid(502)
    shown = all_of(world, sales_order_id=501, limit=2)
    assert {each["sales_order_id"] for each in shown} == {501}
    assert {each["type"].partition(".")[0] for each in shown} == {"sales_order", "invoice"}


def test_of_an_act_others_see_only_that_there_was_one(world: World):
    do_an_act(world)
    (act,) = [each for each in all_of(world) if each["type"] == "act"]
    assert act.keys() == {"sequence", "id", "type", "occurred_at", "hash"}
    (same,) = [each for each in all_of(world, may_read_acts=True) if each["sequence"] == act["sequence"]]
    assert same["type"] == "token.created"
    assert same["hash"] == act["hash"]


@pytest.mark.parametrize("pattern", ["token.*", "token.created", "*"])
def test_no_filter_tells_others_what_an_act_was(world: World, pattern: str):
    do_an_act(world)
    assert [each for each in all_of(world, pattern) if each["type"] == "act"] == []
    assert "token.created" in {each["type"] for each in all_of(world, pattern, may_read_acts=True)}


def test_a_tenant_reads_only_its_own(world: World):
    world.paid(501)
    page = read(world, tenant_id="other")
    assert (page.log, page.latest, page.entries) == (None, 0, [])


def test_a_pattern_stands_for_its_group():
    found = types_matching(["invoice.*", "invoice.paid", "nothing.*", "invoice"])
    assert found["invoice.paid"] == {ChangeType.INVOICE_PAID}
    assert {each.value.partition(".")[0] for each in found["invoice.*"]} == {"invoice"}
    assert len(found["invoice.*"]) > 5
    assert found["nothing.*"] == found["invoice"] == frozenset()
