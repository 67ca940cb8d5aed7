import threading
from collections.abc import Iterator
from typing import Any, Protocol

import pytest
from dramatiq import Consumer, MessageProxy

from stripe_bridge.adapters.queue import DramatiqNudges, InProcessNudges, redis_broker
from stripe_bridge.ports.nudges import BrokerUnavailable, Nudges
from tests.fakes.nudges import FakeNudges
from tests.servers.redis import RedisServer

JOBS = ("drain_inbox", "settle_intents")


class Workplace(Protocol):
    """Nudges, and what a worker would notice of them."""

    nudges: Nudges

    def takes(self, job: str) -> bool:
        """Whether a worker that is free for the job is woken. It has then only begun, not finished."""
        ...

    def close(self) -> None: ...


class WithFake:
    def __init__(self) -> None:
        self.nudges = FakeNudges()

    def takes(self, job: str) -> bool:
        is_wanted = job in self.nudges.waiting
        self.nudges.waiting = [name for name in self.nudges.waiting if name != job]
        return is_wanted

    def close(self) -> None:
        pass


class InThisProcess:
    def __init__(self) -> None:
        self.nudges = InProcessNudges()

    def takes(self, job: str) -> bool:
        taken: list[bool] = []
        is_there = self.nudges.depths()[job] > 0
        free_worker = threading.Thread(target=lambda: taken.append(self.nudges.take(job)), daemon=True)
        free_worker.start()
        free_worker.join(60 if is_there else 0.2)
        if not taken:
            # Nothing came. This wakes the thread, so that it does not take a later nudge.
            self.nudges.wake(job)
            free_worker.join(60)
            return False
        return taken[0]

    def close(self) -> None:
        self.nudges.close()


class ThroughRedis:
    def __init__(self, url: str) -> None:
        self.broker = redis_broker(url)
        self.nudges = DramatiqNudges(self.broker)
        self.consumers: dict[str, Consumer] = {
            job: self.broker.consume(job, prefetch=100, timeout=100) for job in JOBS
        }
        self.held: list[tuple[Consumer, MessageProxy]] = []

    def takes(self, job: str) -> bool:
        # It looks, and waits a little longer each time before looking again: altogether longer than nudges are gathered for.
        looks = (next(self.consumers[job]) for _ in range(6))
        message = next((found for found in looks if found is not None), None)
        if message is None:
            return False
        assert message.actor_name == job
        self.held.append((self.consumers[job], message))
        return True

    def close(self) -> None:
        for consumer, message in self.held:
            consumer.ack(message)
        self.broker.client.close()


@pytest.fixture(params=["fake", "in process", pytest.param("redis", marks=pytest.mark.servers)])
def workplace(request: pytest.FixtureRequest) -> Iterator[Workplace]:
    makers: dict[str, Any] = {
        "fake": WithFake,
        "in process": InThisProcess,
        "redis": lambda: ThroughRedis(request.getfixturevalue("redis_url")),
    }
    workplace: Workplace = makers[request.param]()
    yield workplace
    workplace.close()


def test_a_nudge_wakes_a_worker_for_its_job_alone(workplace: Workplace):
    workplace.nudges.inbox()

    assert not workplace.takes("settle_intents")
    assert workplace.takes("drain_inbox")

    workplace.nudges.intents()

    assert not workplace.takes("drain_inbox")
    assert workplace.takes("settle_intents")


def test_unread_nudges_are_one_or_two(workplace: Workplace):
    """Two if a burst is gathered after the first one, which may be heard before the burst is over."""
    for _ in range(25):
        workplace.nudges.inbox()

    assert workplace.takes("drain_inbox")
    assert [workplace.takes("drain_inbox") for _ in range(2)].count(True) <= 1


def test_a_nudge_while_its_job_runs_wakes_once_more(workplace: Workplace):
    workplace.nudges.inbox()
    assert workplace.takes("drain_inbox")

    workplace.nudges.inbox()

    assert workplace.takes("drain_inbox")


def test_the_depth_of_the_queue_is_that_of_unread_nudges(workplace: Workplace):
    assert dict(workplace.nudges.depths()) == {"drain_inbox": 0, "settle_intents": 0}

    for _ in range(3):
        workplace.nudges.inbox()
    assert dict(workplace.nudges.depths()) == {"drain_inbox": 1, "settle_intents": 0}

    assert workplace.takes("drain_inbox")
    assert dict(workplace.nudges.depths()) == {"drain_inbox": 0, "settle_intents": 0}


def test_reachable_workers_are_no_fault(workplace: Workplace):
    workplace.nudges.check()


@pytest.fixture(params=["fake", pytest.param("redis", marks=pytest.mark.servers)])
def cut_off(request: pytest.FixtureRequest) -> Iterator[Nudges]:
    if request.param == "fake":
        fake = FakeNudges()
        fake.is_available = False
        yield fake
        return
    server: RedisServer = request.getfixturevalue("own_redis")
    broker = redis_broker(server.url())
    nudges = DramatiqNudges(broker)
    nudges.check()
    server.kill()
    yield nudges
    broker.client.close()


def test_a_nudge_that_reaches_no_worker_raises_nothing(cut_off: Nudges):
    cut_off.inbox()
    cut_off.intents()


def test_an_unreachable_broker_is_reported_when_checked(cut_off: Nudges):
    with pytest.raises(BrokerUnavailable):
        cut_off.check()
    with pytest.raises(BrokerUnavailable):
        cut_off.depths()
