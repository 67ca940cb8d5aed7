from collections.abc import Iterator

import dramatiq
import pytest
from dramatiq.brokers.redis import RedisBroker

from stripe_bridge.adapters.queue import DramatiqNudges, redis_broker
from stripe_bridge.adapters.worker import Jobs
from stripe_bridge.adapters.worker.actors import declare_actors
from tests.adapters.worker.work import Batches, bridge_with
from tests.waiting import wait_until


@pytest.fixture
def broker(redis_url: str) -> Iterator[RedisBroker]:
    broker = redis_broker(redis_url)
    yield broker
    broker.client.close()


def test_nudges_go_through_redis_to_the_jobs_they_name(broker: RedisBroker, redis_url: str):
    events, intents = Batches(50, 2), Batches()
    declare_actors(broker, Jobs(bridge_with(events, intents)))
    worker = dramatiq.Worker(broker, worker_threads=2, worker_timeout=20)
    worker.start()
    web = redis_broker(redis_url)
    nudges = DramatiqNudges(web)

    nudges.inbox()
    wait_until(lambda: events.calls == 3)
    assert intents.calls == 0
    nudges.intents()
    wait_until(lambda: intents.calls == 1)

    worker.stop()
    web.client.close()


def test_a_job_that_fails_leaves_no_message_behind(broker: RedisBroker):
    events = Batches(error=RuntimeError("sick"))
    declare_actors(broker, Jobs(bridge_with(events)))
    worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=20)
    worker.start()

    DramatiqNudges(broker).inbox()
    wait_until(lambda: events.calls == 1)
    broker.join("drain_inbox", timeout=60_000)

    worker.stop()
    assert broker.client.keys("dramatiq:drain_inbox*") == []
