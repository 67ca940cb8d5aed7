"""A worker that is stopping releases the events that it has claimed."""

from collections.abc import Callable

from stripe_bridge.domain.webhook_event import EventStatus
from tests.builders import an_event_payload
from tests.world import World


def after(calls: int) -> Callable[[], bool]:
    """`is_stopping` that turns true after this many calls."""
    answers = iter([False] * calls)
    return lambda: next(answers, True)


def test_events_that_were_claimed_and_not_begun_are_released_at_once(world: World):
    for number in range(5):
        # These are about the account itself, and so applied one by one.
        world.receive(
            world.event("account.application.deauthorized", {"id": "ca_other"}, id_=f"evt_{number}")
        )

    world.bridge.webhook_events.apply(after(3))

    events = sorted(world.events_stored(), key=lambda each: each.id)
    assert [event.status for event in events[2:]] == [EventStatus.RECEIVED] * 3
    assert EventStatus.PROCESSING not in {event.status for event in events}
    assert [event.attempts for event in events] == [1, 1, 0, 0, 0], "What was not begun was not tried."
    assert world.bridge.webhook_events.apply() == 3


def test_no_event_of_a_batch_is_begun_once_the_worker_is_stopping(world: World):
    for number in range(5):
        world.receive(an_event_payload(id_=f"evt_{number}", account=world.account_id))

    world.bridge.webhook_events.apply(after(0))

    assert {event.status for event in world.events_stored()} == {EventStatus.RECEIVED}


def test_an_event_that_another_worker_claimed_meanwhile_is_not_released(world: World):
    for number in range(2):
        world.receive(an_event_payload(id_=f"evt_{number}", account=world.account_id))

    def slow() -> bool:
        world.clock.advance(seconds=world.settings.intent_lease_seconds)
        with world.store.writing() as work:
            work.inbox.claim(world.clock.now(), world.clock.now(), 50)
            work.commit()
        return True

    world.bridge.webhook_events.apply(slow)

    assert {event.status for event in world.events_stored()} == {EventStatus.PROCESSING}
