"""The worker that delivers: at once after a commit of its process, by polling otherwise, and fair to those that work."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from stripe_bridge.adapters.worker import DeliveryWorker
from stripe_bridge.adapters.worker.deliveries import MAX_THREADS
from stripe_bridge.domain.origin import by_job
from stripe_bridge.ports.committed_changes import CommittedChanges
from stripe_bridge.ports.origin import current_origin
from stripe_bridge.ports.storage.subscribers import Due
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from tests.waiting import wait_until

NEVER = 3600.0


class Subscribed:
    """Subscribers that are due until they were delivered to. `hanging` ones hold their thread until `over`."""

    def __init__(self, *, is_polled: bool = True) -> None:
        self.is_polled = is_polled
        self.healthy: list[int] = []
        self.failing: list[int] = []
        self.hanging: set[int] = set()
        self.over = threading.Event()
        self.delivered: list[int] = []
        self.under_way: set[int] = set()
        self.looks = 0
        self.errors: list[Exception] = []
        self.failures: list[Exception] = []
        self.origins: list[Any] = []

    def find_due(self, limit: int) -> Due:
        self.looks += 1
        if self.errors:
            raise self.errors.pop()
        return Due(is_polled=self.is_polled, healthy=self.healthy[:limit], failing=self.failing[:limit])

    def deliver(
        self, subscriber_id: int, is_stopping: Callable[[], bool], linger: Callable[[float], object]
    ) -> None:
        self.origins.append(current_origin())
        if self.failures:
            raise self.failures.pop()
        self.under_way.add(subscriber_id)
        if subscriber_id in self.hanging:
            while not (self.over.wait(0.01) or is_stopping()):
                pass
        for due in (self.healthy, self.failing):
            if subscriber_id in due:
                due.remove(subscriber_id)
        self.delivered.append(subscriber_id)
        self.under_way.discard(subscriber_id)


Start = Callable[..., tuple[DeliveryWorker, CommittedChanges]]


@pytest.fixture
def start() -> Iterator[Start]:
    made: list[tuple[DeliveryWorker, Subscribed]] = []

    def start(subscribed: Subscribed, idle_poll: float = NEVER) -> tuple[DeliveryWorker, CommittedChanges]:
        committed = CommittedChanges()
        room: Any = SimpleNamespace(find_due=subscribed.find_due, deliver=subscribed.deliver)
        worker = DeliveryWorker(room, committed, idle_poll=idle_poll)
        made.append((worker, subscribed))
        worker.start()
        wait_until(lambda: subscribed.looks)
        return worker, committed

    yield start
    for worker, subscribed in made:
        subscribed.over.set()
        worker.stop()
        worker.join(10)


def test_what_other_processes_record_is_found_by_polling(start: Start):
    subscribed = Subscribed()
    start(subscribed)
    subscribed.healthy.append(1)
    wait_until(lambda: subscribed.delivered == [1])
    assert subscribed.origins == [by_job("deliver_changes")]


def test_without_subscribers_hardly_anything_is_asked_but_a_commit_is_followed(start: Start):
    subscribed = Subscribed(is_polled=False)
    _, committed = start(subscribed)
    looks = subscribed.looks
    subscribed.healthy.append(1)
    for _ in range(50):
        committed({"acme": 1})
    wait_until(lambda: subscribed.delivered == [1])
    assert subscribed.looks <= looks + 2


def test_no_subscriber_is_delivered_to_twice_at_once(start: Start):
    subscribed = Subscribed()
    subscribed.hanging.add(1)
    subscribed.healthy.append(1)
    _, committed = start(subscribed)
    wait_until(lambda: 1 in subscribed.under_way)
    looks = subscribed.looks
    committed({"acme": 1})
    wait_until(lambda: subscribed.looks > looks + 2)
    assert len(subscribed.origins) == 1


def test_those_that_hang_hold_up_nobody_who_works(start: Start):
    subscribed = Subscribed()
    subscribed.failing = list(range(100, 200))
    subscribed.hanging = set(subscribed.failing)
    start(subscribed)
    wait_until(lambda: len(subscribed.under_way) == MAX_THREADS // 2)
    subscribed.healthy += [1, 2, 3]
    wait_until(lambda: sorted(subscribed.delivered) == [1, 2, 3])
    assert len(subscribed.under_way) == MAX_THREADS // 2
    subscribed.over.set()
    wait_until(lambda: not subscribed.failing)


@pytest.mark.parametrize("error", [StoreUnavailable("down"), RuntimeError("a bug")])
def test_a_look_that_fails_is_not_the_last(error: Exception, start: Start):
    subscribed = Subscribed()
    worker, _ = start(subscribed)
    subscribed.errors.append(error)
    subscribed.healthy.append(1)
    wait_until(lambda: subscribed.delivered == [1])
    assert worker.is_healthy()


def test_a_delivery_that_fails_is_logged_and_not_the_last(start: Start, caplog: pytest.LogCaptureFixture):
    subscribed = Subscribed()
    subscribed.failures.append(RuntimeError("a bug"))
    subscribed.healthy.append(1)
    with caplog.at_level(logging.ERROR):
        start(subscribed)
        wait_until(lambda: subscribed.delivered == [1])
    assert caplog.messages == ["delivery failed"]


def test_stopping_waits_for_what_is_under_way(start: Start):
    subscribed = Subscribed()
    subscribed.hanging.add(1)
    subscribed.healthy.append(1)
    worker, _ = start(subscribed)
    wait_until(lambda: 1 in subscribed.under_way)
    worker.stop()
    worker.join(10)
    assert subscribed.delivered == [1]
    assert not worker.is_healthy()


def test_a_worker_that_does_not_look_any_more_is_unhealthy(start: Start, monkeypatch: pytest.MonkeyPatch):
    worker, _ = start(Subscribed(is_polled=False))
    assert worker.is_healthy()
    monotonic = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + 60)
    assert not worker.is_healthy()
