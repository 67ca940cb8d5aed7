"""Orderly stops, upgrades and outages under load: each alone, with a Stripe that behaves."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
import redis
import requests

from stripe_bridge.domain.webhook_event import EventStatus
from tests.servers.postgres import PostgresServer
from tests.servers.processes import scratch_folder
from tests.servers.redis import RedisServer
from tests.storm.service import Process
from tests.storm.storm import Place, carry_through, embedded, on_servers
from tests.storm.users import Order
from tests.waiting import wait_until

pytestmark = pytest.mark.slow
SIZE = 24


@pytest.fixture
def folder() -> Path:
    return scratch_folder("recovery")


@pytest.fixture
def servers(folder: Path) -> Iterator[Place]:
    with on_servers(folder) as place:
        yield place


def check(place: Place, meanwhile: Callable[[], None]) -> None:
    """A quarter of the orders is done when it happens; in the end all are, as at Stripe."""

    def strike(working: list[Future[Order]]) -> None:
        wait_until(lambda: sum(each.done() for each in working) >= SIZE // 4, within=60)
        meanwhile()

    report = carry_through(place, strike, size=SIZE, seed=7, users=8)
    assert not report.faults, "\n".join(report.faults)


def in_hand(place: Place) -> int:
    backlog = place.service.operator.measure_backlog()
    return backlog.events.by_status.get(EventStatus.PROCESSING, 0)


def restart(place: Place, process: Process) -> None:
    """With nothing left in hand between, when it is the only one that works."""
    began = time.monotonic()
    assert process.stop() == 0
    assert time.monotonic() - began < 12
    assert in_hand(place) == 0
    process.start()


def test_a_web_process_with_its_own_worker_leaves_nothing_in_hand_when_told_to_stop(folder: Path):
    with embedded(folder) as place:
        check(place, lambda: restart(place, place.service.web[0]))


@pytest.mark.servers
def test_a_worker_leaves_nothing_in_hand_when_told_to_stop(servers: Place):
    other, process = servers.service.workers
    other.kill()
    wait_until(lambda: in_hand(servers) == 0, within=30)
    check(servers, lambda: restart(servers, process))


@pytest.mark.servers
def test_while_workers_are_replaced_one_by_one_no_event_is_lost_or_applied_twice_in_effect(servers: Place):
    service = servers.service

    def upgrade() -> None:
        for old in list(service.workers):
            new = service.new_worker()
            new.start()
            time.sleep(2)
            assert old.stop() == 0

    check(servers, upgrade)


@pytest.mark.servers
def test_when_redis_is_emptied_nothing_is_lost(servers: Place):
    server = servers.servers["redis"]
    assert isinstance(server, RedisServer)

    def empty() -> None:
        with redis.Redis.from_url(server.url()) as client:
            for _ in range(20):
                client.flushall()
                time.sleep(0.1)

    check(servers, empty)


@pytest.mark.servers
def test_with_the_database_gone_for_ten_seconds_webhooks_are_5xx_and_all_recovers_by_itself(servers: Place):
    server = servers.servers["postgres"]
    assert isinstance(server, PostgresServer)

    def lose() -> None:
        server.stop()
        until = time.monotonic() + 10
        statuses = set()
        while time.monotonic() < until:
            answer = requests.post(f"{servers.service.url}/api/webhooks/stripe", data=b"{}", timeout=30)
            statuses.add(answer.status_code)
        server.start()
        assert statuses <= {500, 503}

    check(servers, lose)
