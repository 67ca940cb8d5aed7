from dataclasses import replace
from datetime import timedelta

from stripe_bridge.use_cases.operations.retention import PurgePayloads
from tests.builders import NOW, a_webhook_event, an_event_payload
from tests.fakes.storage.unit_of_work import FakeStore
from tests.fakes.system import FrozenClock
from tests.world import World


def test_purging_goes_on_as_long_as_there_is_more_than_it_looks_at_and_not_for_what_becomes_old_meanwhile():
    store, clock = FakeStore(), FrozenClock(NOW)
    with store.writing() as work:
        for number in range(600):
            event = a_webhook_event(payload=an_event_payload(id_=f"evt_{number}"))
            # The last ones arrived one by one, and so they now become old one by one.
            came_at = NOW + timedelta(seconds=max(0, number - 510))
            work.inbox.store(replace(event.processed(NOW), created_at=came_at))
        work.commit()
    clock.advance(timedelta(days=1, seconds=1))
    purge = PurgePayloads(store, clock, timedelta(days=1))

    went_on = []
    for _ in range(3):
        went_on.append(purge())
        clock.advance(seconds=1)

    assert went_on == [True, False, False]


def test_authorizations_that_expired_are_removed(world: World):
    world.authorize(world.add_integration())
    assert world.bridge.operations.purge_oauth_states() == 0
    world.clock.advance(timedelta(days=2))
    assert world.bridge.operations.purge_oauth_states() == 2
