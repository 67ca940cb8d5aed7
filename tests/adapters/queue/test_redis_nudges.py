import logging
import socket
import time
from collections.abc import Iterator

import pytest
from dramatiq.brokers.redis import RedisBroker

from stripe_bridge.adapters.queue import DramatiqNudges, redis_broker
from tests.servers.redis import RedisServer
from tests.waiting import wait_until


@pytest.fixture
def silent_url() -> Iterator[str]:
    """A Redis that accepts connections but never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


@pytest.fixture
def broker(redis_url: str) -> Iterator[RedisBroker]:
    broker = redis_broker(redis_url)
    yield broker
    broker.client.close()


def waiting(broker: RedisBroker) -> int:
    return int(broker.client.llen("dramatiq:drain_inbox"))


def test_a_burst_leaves_one_message(broker: RedisBroker):
    nudges = DramatiqNudges(broker)

    for _ in range(25):
        nudges.inbox()

    wait_until(lambda: not nudges._debounced)
    assert waiting(broker) == 1


def test_a_burst_is_not_a_turn_to_redis_for_each(broker: RedisBroker):
    nudges = DramatiqNudges(broker)
    nudges.check()
    before = asked(broker)

    for _ in range(1000):
        nudges.inbox()
    wait_until(lambda: not nudges._debounced)

    assert asked(broker) - before < 100


def asked(broker: RedisBroker) -> int:
    return int(broker.client.info("stats")["total_commands_processed"])


def test_a_redis_that_was_emptied_gets_the_next_nudge(broker: RedisBroker):
    nudges = DramatiqNudges(broker)
    nudges.inbox()
    broker.client.flushdb()

    nudges.inbox()

    wait_until(lambda: waiting(broker) == 1)


def test_a_redis_that_does_not_answer_holds_up_one_request_for_half_a_second(silent_url: str):
    nudges = DramatiqNudges(redis_broker(silent_url))

    began = time.monotonic()
    nudges.inbox()
    first = time.monotonic() - began
    for _ in range(100):
        nudges.inbox()
        nudges.intents()

    assert first < 3.0
    # If each waited for Redis, it would take more than a minute.
    assert time.monotonic() - began < first + 5


def test_a_deferred_nudge_does_not_wait_for_a_redis_that_does_not_answer(silent_url: str):
    nudges = DramatiqNudges(redis_broker(silent_url))
    began_at = time.monotonic()
    for _ in range(100):
        nudges.inbox(deferred=True)
    assert time.monotonic() - began_at < 0.4
    wait_until(lambda: nudges._circuit_open_until > 0)


def test_a_nudge_that_has_to_go_soon_goes(broker: RedisBroker):
    nudges = DramatiqNudges(broker)
    nudges.inbox(deferred=True)
    wait_until(lambda: waiting(broker) == 1)


def test_an_outage_is_logged_once_in_a_while(silent_url: str, caplog: pytest.LogCaptureFixture):
    nudges = DramatiqNudges(redis_broker(silent_url))

    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            nudges.inbox()

    assert len(caplog.records) == 1


@pytest.mark.servers
def test_nudges_go_on_once_redis_is_back(own_redis: RedisServer):
    broker = redis_broker(own_redis.url())
    nudges = DramatiqNudges(broker, circuit_open_seconds=0.05)
    nudges.inbox()
    own_redis.kill()
    nudges.inbox()
    own_redis.start()

    def arrives() -> bool:
        nudges.inbox()
        # Two, if the one of a moment ago is sent at the same time.
        return waiting(broker) >= 1

    wait_until(arrives)
    broker.client.close()
