import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from stripe_bridge.adapters.queue import InProcessNudges
from stripe_bridge.adapters.worker import InProcessWorker, Jobs
from stripe_bridge.ports.nudges import BrokerUnavailable
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from tests.adapters.worker.work import Batches, Endless, bridge_with
from tests.waiting import wait_until

SELDOM = 3600.0
Start = Callable[..., tuple[InProcessWorker, InProcessNudges]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a worker that has made its first sweep."""
    workers: list[InProcessWorker] = []

    def start(
        events: Batches, intents: Batches, *, sweep_seconds: float = SELDOM, threads: int = 1
    ) -> tuple[InProcessWorker, InProcessNudges]:
        nudges = InProcessNudges()
        jobs = Jobs(bridge_with(events, intents))
        worker = InProcessWorker(jobs, nudges, threads=threads, sweep_seconds=sweep_seconds)
        workers.append(worker)
        worker.start()
        wait_until(lambda: events.calls and intents.calls)
        return worker, nudges

    yield start
    for worker in workers:
        worker.stop()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets this many seconds pass on `time.monotonic`."""
    monotonic = time.monotonic

    def later(seconds: float) -> None:
        monkeypatch.setattr(time, "monotonic", lambda: monotonic() + seconds)

    return later


def test_what_was_left_behind_is_taken_up_at_the_start(start: Start):
    events, intents = Batches(50, 50, 7), Batches(3)

    start(events, intents)

    wait_until(lambda: not events.due and not intents.due)


def test_a_nudge_is_followed_without_waiting_for_a_sweep(start: Start):
    events, intents = Batches(), Batches()
    _, nudges = start(events, intents)
    wait_until(lambda: events.ended == intents.ended == 1)

    nudges.inbox()
    wait_until(lambda: events.calls == 2)
    nudges.intents()
    wait_until(lambda: intents.calls == 2)


def test_sweeps_come_without_nudges(start: Start):
    events, intents = Batches(), Batches()

    start(events, intents, sweep_seconds=0.02)

    wait_until(lambda: events.calls > 3 and intents.calls > 3)


@pytest.mark.parametrize("error", [RuntimeError("sick"), StoreUnavailable()])
def test_a_failure_ends_no_thread(start: Start, error: Exception):
    events = Batches(error=error)

    start(events, Batches(), sweep_seconds=0.02)

    wait_until(lambda: events.calls > 3)


def test_a_worker_that_sweeps_with_all_its_threads_is_well(start: Start):
    worker, nudges = start(Batches(), Batches())
    nudges.watch(worker.is_healthy)

    nudges.check()
    worker.stop()

    with pytest.raises(BrokerUnavailable):
        nudges.check()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_lost_a_thread_is_not(start: Start):
    worker, nudges = start(Batches(error=SystemExit()), Batches())
    nudges.watch(worker.is_healthy)

    wait_until(lambda: not worker.is_healthy())

    with pytest.raises(BrokerUnavailable):
        nudges.check()


def test_a_worker_whose_sweeps_do_not_come_is_not(later: Callable[[float], None], start: Start):
    worker, _ = start(Batches(), Batches(), sweep_seconds=60.0)
    assert worker.is_healthy()

    later(60.0 * 3 + 9)
    assert worker.is_healthy()
    later(60.0 * 3 + 11)
    assert not worker.is_healthy()


def test_a_nudge_while_its_job_runs_is_not_lost(start: Start):
    events = Batches()
    _, nudges = start(events, Batches())
    wait_until(lambda: events.ended == 1)
    events.hold()
    nudges.inbox()
    assert events.began.wait(60)

    nudges.inbox()
    events.let_go()

    wait_until(lambda: events.ended == 3)


def test_intents_that_wait_for_stripe_hold_up_no_event(start: Start):
    events, intents = Batches(), Batches()
    _, nudges = start(events, intents)
    wait_until(lambda: events.ended == intents.ended == 1)
    intents.hold()
    nudges.intents()
    assert intents.began.wait(60)

    nudges.inbox()
    wait_until(lambda: events.ended == 2)

    assert intents.ended == 1
    intents.let_go()


def test_stopping_waits_for_what_is_in_hand(start: Start):
    events = Batches()
    worker, nudges = start(events, Batches())
    wait_until(lambda: events.ended == 1)
    events.hold()
    nudges.inbox()
    assert events.began.wait(60)

    stopping = threading.Thread(target=worker.stop, daemon=True)
    stopping.start()
    stopping.join(0.1)
    assert stopping.is_alive()
    events.let_go()
    stopping.join(60)

    assert not stopping.is_alive()
    assert events.ended == 2


def test_stopping_does_not_wait_for_an_inbox_that_never_ends(start: Start):
    worker, _ = start(Endless(), Batches())

    worker.stop(grace_seconds=5)

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("drain_inbox")]


def test_work_that_outlasts_the_grace_period_is_left_and_logged(
    start: Start, caplog: pytest.LogCaptureFixture
):
    events = Batches()
    worker, nudges = start(events, Batches())
    wait_until(lambda: events.ended == 1)
    events.hold()
    nudges.inbox()
    assert events.began.wait(60)

    with caplog.at_level(logging.WARNING):
        worker.stop(grace_seconds=0.05)

    assert vars(caplog.records[-1])["threads"] == ["drain_inbox-1"]
    events.let_go()


def test_stopping_twice_or_before_the_start_does_no_harm(start: Start):
    worker, _ = start(Batches(), Batches())
    worker.stop()
    worker.stop()

    never_started = InProcessWorker(Jobs(bridge_with()), InProcessNudges(), threads=1, sweep_seconds=SELDOM)
    never_started.stop()


class Companion:
    """Keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_well = True

    def start(self) -> None:
        self.asked.append("start")

    def is_healthy(self) -> bool:
        return self.is_well

    def stop(self) -> None:
        self.asked.append("stop")

    def join(self, seconds: float) -> None:
        assert 0 <= seconds <= 5
        self.asked.append("join")


def test_a_companion_starts_stops_and_is_as_healthy_as_the_worker():
    companion = Companion()
    jobs = Jobs(bridge_with(Batches(), Batches()))
    worker = InProcessWorker(jobs, InProcessNudges(), threads=1, sweep_seconds=SELDOM, companions=[companion])
    worker.start()
    assert worker.is_healthy()
    companion.is_well = False
    assert not worker.is_healthy()
    worker.stop(5)
    assert companion.asked == ["start", "stop", "join"]
