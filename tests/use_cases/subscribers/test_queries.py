"""Reading subscribers."""

from stripe_bridge.domain.changes.change import ChangeType
from tests.builders import TENANT
from tests.use_cases.subscribers.subscribed import latest, record, subscribe
from tests.world import World


def test_behind_counts_the_changes_that_were_not_looked_through():
    world = World()
    record(world, ChangeType.INVOICE_PAID)
    subscriber = subscribe(world, types=("refund.*",))
    assert world.bridge.subscribers.show(TENANT, subscriber.id).behind == latest(world) == 2
    world.bridge.subscribers.deliver(subscriber.id)
    assert world.bridge.subscribers.show(TENANT, subscriber.id).behind == 0


def test_a_tenants_are_listed_oldest_first_and_operators_see_all():
    world = World()
    first, foreign, second = subscribe(world), subscribe(world, "another"), subscribe(world)
    assert [each.subscriber.id for each in world.bridge.subscribers.list(TENANT)] == [first.id, second.id]
    everyone = world.bridge.subscribers.list.of_all_tenants()
    assert [each.subscriber.id for each in everyone] == [first.id, foreign.id, second.id]


def test_deliveries_are_listed_newest_first():
    world = World()
    subscriber = subscribe(world)
    made = [world.bridge.subscribers.ping(TENANT, subscriber.id).message_id for _ in range(3)]
    listed = world.bridge.subscribers.list_deliveries(TENANT, subscriber.id)
    assert [each.message_id for each in listed] == made[::-1]
