"""Reading: those who read the same page share it, and what is waited for is found without reading it."""

import json
from dataclasses import replace

import pytest

from stripe_bridge.domain.errors.base import InvoiceNotFound
from stripe_bridge.use_cases.changes.read import ReadFeedCommand
from tests.use_cases.changes.reading import do_an_act, query, read
from tests.world import World


def rendered(world: World, **asked):
    return world.bridge.changes.read(ReadFeedCommand(query=query(world, **asked)))


def test_a_page_is_rendered_as_it_is_shown(world: World):
    world.paid(501)
    answer = rendered(world)
    assert json.loads(answer.body) == answer.page.shown()


def test_readers_of_the_same_page_share_its_rendering(world: World):
    world.paid(501)
    assert rendered(world).body is rendered(world).body


def test_what_is_purged_is_not_shared_for_long(world: World):
    world.paid(501)
    before = rendered(world)
    world.clock.advance(seconds=2)
    assert rendered(world).body is not before.body


def test_nobody_shares_a_page_to_which_something_was_added(world: World):
    before = rendered(world)
    world.sent(501)
    assert len(rendered(world).page.entries) > len(before.page.entries)


def test_who_may_read_acts_shares_no_page_with_those_who_may_not(world: World):
    do_an_act(world)
    for_others, for_admins = rendered(world), rendered(world, may_read_acts=True)
    assert b'"act"' in for_others.body
    assert b"token.created" not in for_others.body
    assert b"token.created" in for_admins.body


def test_the_ends_of_logs_are_found_together(world: World):
    world.sent(501)
    heads = world.bridge.changes.find_heads([world.tenant, "other"])
    assert heads == {world.tenant: read(world).latest, "other": 0}


def test_the_ends_of_all_logs_are_found_without_naming_them(world: World):
    world.sent(501)
    (head,) = world.bridge.changes.find_all_heads()
    assert (head.tenant_id, head.sequence) == (world.tenant, read(world).latest)


def test_what_is_not_asked_for_is_passed_over(world: World):
    world.sent(501)
    latest = read(world).latest
    assert world.bridge.changes.skip_foreign(query(world, "refund.*")) == (latest, False)


def test_what_is_asked_for_is_not_passed_over(world: World):
    world.sent(501)
    asked = query(world, "invoice.sent")
    assert world.bridge.changes.skip_foreign(asked) == (0, True)
    assert world.bridge.changes.skip_foreign(replace(asked, after=read(world).latest))[1] is False


def test_a_writer_finds_the_last_change_of_his_order(world: World):
    invoice = world.paid(501)
    last = read(world, sales_order_id=501).entries[-1].sequence
    world.sent(502)
    find = world.bridge.changes.find_last
    assert find(world.tenant, sales_order_id=501) == last < read(world).latest
    assert find(world.tenant, invoice_id=invoice.id) == last
    assert find(world.tenant, sales_order_id=999) is None
    assert find("other", sales_order_id=501) is None


def test_another_tenants_invoice_is_not_found(world: World):
    invoice = world.sent(501)
    with pytest.raises(InvoiceNotFound):
        world.bridge.changes.find_last("other", invoice_id=invoice.id)
