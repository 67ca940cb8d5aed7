"""What is waiting is measured for monitoring, whatever else is out of reach."""

from datetime import timedelta

from stripe_bridge.domain.receiver import ReceiverKind
from tests.world import World


def test_a_service_that_is_done_has_no_backlog(world: World):
    backlog = world.bridge.operations.measure_backlog()

    assert (backlog.age(backlog.events), backlog.age(backlog.intents)) == (0.0, 0.0)
    assert backlog.measured_at == world.clock.now()


def test_the_oldest_event_that_waits_says_how_far_behind_workers_are(receiving: World):
    for number in range(2):
        receiving.receive(receiving.event("invoice.updated", {"id": f"in_{number}", "object": "invoice"}))
        receiving.clock.advance(timedelta(seconds=30))

    backlog = receiving.bridge.operations.measure_backlog()

    assert backlog.age(backlog.events) == 60.0
    receiving.work_off()
    assert receiving.bridge.operations.measure_backlog().events.oldest_at is None


def test_each_of_the_platforms_receivers_is_in_order_or_not(world: World):
    world.stripe.endpoints[None].popitem()
    world.bridge.receivers.check()

    assert world.bridge.operations.measure_backlog().receivers == {
        ReceiverKind.PLATFORM: True,
        ReceiverKind.CONNECT: False,
    }


def test_the_account_that_is_furthest_behind_counts(world: World):
    behind = world.clock.now()
    world.clock.advance(timedelta(hours=1))
    world.connect()
    world.bridge.reconciliation.reconcile(world.integration_id)

    assert world.bridge.operations.measure_backlog().reconciled_until == behind


def test_a_broker_that_is_away_hides_nothing_else(world: World):
    assert world.bridge.operations.measure_backlog().queue is not None
    world.nudges.is_available = False

    backlog = world.bridge.operations.measure_backlog()

    assert backlog.queue is None
    assert backlog.receivers
