"""Applying gives way to incoming webhooks, and to nothing else."""

from dataclasses import replace

import pytest

from stripe_bridge.use_cases.webhook_events.backpressure import MAX_PAUSE, QUIET_AFTER
from tests.builders import an_event_payload
from tests.fakes.storage.unit_of_work import FakeStore
from tests.world import World


class Burst:
    """A world with incoming webhooks: two before a worker looks, and one in each part of its rests until `over`."""

    def __init__(self, world: World) -> None:
        self.world, self.is_over, self.is_stopping = world, False, False
        self._number = 0
        self.come_in()
        self.rest_after(0.0)
        self.come_in()

    def come_in(self) -> None:
        self._number += 1
        self.world.receive(an_event_payload(id_=f"evt_{self._number}", account=self.world.account_id))

    def rest_after(self, took: float) -> float:
        """How long the rest was, in seconds."""
        begun_at = self.world.clock.now()
        self.world.bridge.webhook_events.yield_to_receiving(took, self._wait)
        return (self.world.clock.now() - begun_at).total_seconds()

    def _wait(self, seconds: float) -> bool:
        self.world.clock.sleep(seconds)
        if not self.is_over:
            self.come_in()
        return self.is_stopping


@pytest.fixture
def burst(world: World) -> Burst:
    return Burst(world)


def test_while_webhooks_come_in_a_worker_pauses_for_as_long_as_it_worked(burst: Burst):
    for took in (0.2, 0.005, 0.12):
        # Meanwhile it worked.
        burst.world.clock.advance(seconds=took)
        burst.come_in()
        assert burst.rest_after(took) == pytest.approx(took)


def test_a_backlog_alone_is_no_reason_to_pause(world: World):
    for number in range(5):
        world.receive(an_event_payload(id_=f"evt_{number}", account=world.account_id))
    for _ in range(3):
        world.bridge.webhook_events.yield_to_receiving(0.2, never_waited)


def test_a_pause_ends_when_nothing_more_comes_in(burst: Burst):
    burst.is_over = True
    assert burst.rest_after(0.5) == QUIET_AFTER.total_seconds()
    assert burst.rest_after(0.5) == 0.0


def test_a_webhook_that_was_stored_already_is_none_that_comes_in(burst: Burst):
    burst.is_over = True
    burst.rest_after(0.5)
    burst.world.receive(an_event_payload(id_="evt_1", account=burst.world.account_id))
    assert burst.rest_after(0.5) == 0.0


def test_a_pause_ends_when_it_is_time_to_stop(burst: Burst):
    burst.is_stopping = True
    assert burst.rest_after(0.5) == QUIET_AFTER.total_seconds()


def test_all_threads_pause_for_the_time_that_one_of_them_worked(burst: Burst):
    at_once: list[float] = []

    def wait(_seconds: float) -> bool:
        # Another thread ends a batch that it began at the same time.
        at_once.append(burst.rest_after(0.2))
        return True

    burst.world.bridge.webhook_events.yield_to_receiving(0.2, wait)
    assert at_once == [pytest.approx(0.6)]


def test_no_pause_is_longer_than_a_second_however_long_a_batch_took(burst: Burst):
    assert burst.rest_after(600.0) == MAX_PAUSE.total_seconds() == 1.0


def test_how_much_longer_than_it_worked_a_worker_pauses_can_be_set():
    world = World(WORKER_PAUSE_FACTOR="3")
    world.connect()
    assert Burst(world).rest_after(0.1) == pytest.approx(0.3)


def test_a_worker_that_never_pauses_does_not_read_the_newest_id():
    world, store = World(WORKER_PAUSE_FACTOR="0"), FakeStore()
    world.restart(lambda adapters: replace(adapters, store=store))
    store.is_available = False
    world.bridge.webhook_events.yield_to_receiving(0.1, never_waited)


def never_waited(seconds: float) -> bool:
    raise AssertionError(f"Waited for {seconds} seconds.")
