"""Purging takes personal data out of the log, which stays whole, and says that it was done."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.changes.entry import Entry
from stripe_bridge.use_cases.changes import purge as module
from stripe_bridge.use_cases.changes.purge import PurgedOrders
from tests.use_cases.changes.logs import length, used
from tests.world import World

DAYS = 400
CUSTOMER = 987


def log(world: World) -> list[Entry]:
    with world.store.reading() as work:
        return list(work.changes.page(world.tenant, 0, 1000))


def assert_whole(world: World) -> None:
    assert [report.faults for report in world.bridge.changes.verify(world.tenant)] == [[]]


def purge_old(world: World) -> None:
    while world.bridge.changes.purge_old():
        pass


def test_objects_that_are_old_enough_are_purged_and_the_log_stays_whole(world: World):
    used(world)
    last = length(world)
    purge_old(world)
    assert length(world) == last, "None is old enough."
    world.clock.advance(datetime.now(UTC) - world.clock.now() + timedelta(days=DAYS + 2))
    purge_old(world)
    assert all(each.content is None and each.salt is None for each in log(world)[:last])
    (act,) = log(world)[last:]
    assert act.type is ChangeType.CHANGES_PURGED
    assert (act.shown()["from"], act.shown()["to"], act.shown()["count"]) == (1, last, last)
    assert_whole(world)
    with world.store.reading() as work:
        head = work.changes.head(world.tenant)
    assert head is not None
    assert head.oldest == last + 1
    purge_old(world)
    assert length(world) == last + 1, "Nothing is left to purge."


def test_many_are_purged_batch_by_batch(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_ENTRIES_A_BATCH", 4)
    used(world)
    last = length(world)
    world.clock.advance(datetime.now(UTC) - world.clock.now() + timedelta(days=DAYS + 2))
    purge_old(world)
    assert all(each.content is None for each in log(world)[:last])
    assert_whole(world)


def test_with_zero_days_they_are_kept_for_ever():
    world = World(CHANGE_OBJECT_DAYS="0")
    world.connect()
    used(world)
    world.clock.advance(datetime.now(UTC) - world.clock.now() + timedelta(days=5000))
    purge_old(world)
    assert all(each.content is not None for each in log(world))


def customer_of(world: World, order_id: int) -> int:
    with world.store.reading() as work:
        return work.sales_orders.get(world.tenant, order_id).customer.id


def purge_customer(world: World, customer_id: int) -> PurgedOrders:
    orders = world.bridge.changes.find_orders_of_customer(customer_id)
    purged: PurgedOrders = world.bridge.changes.purge_orders(orders)
    return purged


def change_customer(world: World, order_id: int, customer_id: int) -> None:
    with world.store.writing() as work:
        order = work.sales_orders.get(world.tenant, order_id)
        customer = replace(order.customer, id=customer_id)
        newer = order.source_updated_at + timedelta(seconds=1)
        work.sales_orders.save(replace(order, customer=customer, source_updated_at=newer))
        work.commit()


def test_nothing_personal_of_a_customer_is_left_and_the_log_stays_whole(world: World):
    used(world)
    world.put_order(502)
    change_customer(world, 502, CUSTOMER)
    customer = customer_of(world, 501)

    # Also the one that was his before.
    orders = [(world.tenant, 501), (world.tenant, 502)]
    assert world.bridge.changes.find_orders_of_customer(customer, world.tenant) == orders
    purged = purge_customer(world, customer)

    # Nothing of the orders and what belongs to them is left, but everything else is.
    for entry in log(world):
        assert (entry.content is None) is (entry.sales_order_id in (501, 502))
    act = log(world)[-1].shown()
    assert (act["type"], act["count"]) == ("changes.purged", purged.entries)
    assert_whole(world)


def test_his_webhook_payloads_are_emptied_and_nobody_elses(world: World):
    used(world)
    other = world.paid(502)
    change_customer(world, 502, CUSTOMER)
    before = {event.id for event in world.store.committed.events.rows.values() if event.payload}

    purged = purge_customer(world, CUSTOMER)

    after = {event.id for event in world.store.committed.events.rows.values() if event.payload}
    events = world.store.committed.events.rows
    assert len(before - after) == purged.events > 0
    own = {stripe_id for (_, stripe_id), id_ in world.store.committed.links.rows.items() if id_ == other.id}
    assert {events[id_].related_object_id for id_ in before - after} <= own


def test_what_happens_to_his_orders_later_is_recorded_with_its_object_again(world: World):
    used(world)
    purge_customer(world, customer_of(world, 501))
    last = length(world)
    change_customer(world, 501, CUSTOMER)
    assert all(entry.content is not None for entry in log(world)[last:])
    assert_whole(world)


def test_a_customer_without_orders_leaves_no_trace(world: World):
    used(world)
    last = length(world)
    assert purge_customer(world, 123456) == PurgedOrders(entries=0, events=0)
    assert length(world) == last


def test_the_tenant_restricts_it(world: World):
    used(world)
    assert world.bridge.changes.find_orders_of_customer(customer_of(world, 501), "other") == []
