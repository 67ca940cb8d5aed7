"""Orderly stops, upgrades and outages under load, each by itself, while Stripe behaves well."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
import requests
from alembic import command
from alembic.script import ScriptDirectory

from stripe_bridge.adapters.database.migrations_runner import migrating, retry_on_lock_conflict
from stripe_bridge.adapters.database.revisions import newest_revision
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.ports.storage.inbox import EventFilter
from tests.builders import an_event_payload
from tests.fakes.stripe.signatures import sign
from tests.servers.postgres import PostgresServer
from tests.servers.processes import scratch_folder
from tests.servers.redis import RedisServer
from tests.storm.service import WEBHOOK_SECRET, Process, Service
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
    """It happens when a quarter of the orders is done. In the end all are done, and agree with Stripe."""

    def strike(working: list[Future[Order]]) -> None:
        wait_until(lambda: sum(each.done() for each in working) >= SIZE // 4)
        meanwhile()

    report = carry_through(place, strike, size=SIZE, seed=7, users=8)
    assert not report.faults, "\n".join(report.faults)


def in_hand(place: Place) -> int:
    backlog = place.service.operator.operations.measure_backlog()
    return backlog.events.by_status.get(EventStatus.PROCESSING, 0)


def restart(place: Place, process: Process) -> None:
    """If it is the only worker, nothing must be claimed between the stop and the start."""
    began = time.monotonic()
    assert process.stop() == 0
    assert time.monotonic() - began < 12
    assert in_hand(place) == 0
    process.start()


def test_a_web_process_with_its_own_worker_finishes_its_work_when_stopped(folder: Path):
    with embedded(folder) as place:
        check(place, lambda: restart(place, place.service.web[0]))


@pytest.mark.servers
def test_a_worker_finishes_its_work_when_stopped(servers: Place):
    other, process = servers.service.workers
    other.kill()
    wait_until(lambda: in_hand(servers) == 0)
    check(servers, lambda: restart(servers, process))


@pytest.mark.servers
def test_while_workers_are_replaced_one_by_one_no_event_is_lost_or_applied_twice_in_effect(servers: Place):
    service = servers.service

    def started() -> int:
        return service.log.read_text().count("worker started")

    def replace(old: Process) -> None:
        before = started()
        service.new_worker(LOG_LEVEL="INFO").start()
        wait_until(lambda: started() > before)
        assert old.stop() == 0

    def upgrade() -> None:
        for old in list(service.workers):
            replace(old)

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

    poster = Poster(servers.service)

    def lose() -> None:
        poster.post_for(seconds=1)
        assert set(poster.answers.values()) == {200}
        server.stop()
        before = len(poster.answers)
        poster.post_for(seconds=10)
        assert set(list(poster.answers.values())[before:]) == {503}
        server.start()
        poster.post_for(seconds=1)

    check(servers, lose)

    taken = {event_id for event_id, status in poster.answers.items() if status == 200}
    assert taken
    assert taken <= stored_events(servers)


@pytest.mark.servers
def test_a_newer_schema_is_migrated_to_while_this_version_serves(servers: Place, tmp_path: Path):
    """A migration that only adds, as every migration must that is applied before the restart."""
    server = servers.servers["postgres"]
    assert isinstance(server, PostgresServer)
    (tmp_path / "9999_additive.py").write_text(ADDITIVE.format(newest=newest_revision()))

    def upgrade() -> None:
        with migrating(server.url()) as config:
            script = ScriptDirectory.from_config(config)
            config.set_main_option("version_locations", f"{script.versions}{os.pathsep}{tmp_path}")
            command.upgrade(config, "9999")

    check(servers, lambda: retry_on_lock_conflict(upgrade))

    assert servers.service.is_ready()
    assert servers.service.operator.operations.check_readiness().is_ready


ADDITIVE = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{newest}"


def upgrade():
    for table in ("integrations", "sales_orders", "invoices", "intents", "refunds", "webhook_events"):
        op.add_column(table, sa.Column("optional", sa.String(), nullable=True))
        op.add_column(table, sa.Column("given", sa.BigInteger(), nullable=False, server_default="7"))
        op.create_index("ix_added_to_" + table, table, ["optional", "given"])
    op.create_table("added", sa.Column("id", sa.BigInteger(), primary_key=True))
"""


class Poster:
    """Posts new, validly signed events, and keeps the answers."""

    def __init__(self, service: Service) -> None:
        self._url = f"{service.url}/api/webhooks/stripe"
        self.answers: dict[str, int] = {}

    def post_for(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        with requests.Session() as http:
            http.trust_env = False
            while time.monotonic() < until:
                event_id = f"evt_posted_{len(self.answers)}"
                payload = an_event_payload(id_=event_id, account="acct_of_nobody")
                signature = sign(payload, WEBHOOK_SECRET, datetime.now(UTC))
                answer = http.post(
                    self._url, data=payload, headers={"Stripe-Signature": signature}, timeout=60
                )
                self.answers[event_id] = answer.status_code


def stored_events(place: Place) -> set[str]:
    with place.service.store.reading() as work:
        return {each.stripe_event_id for each in work.inbox.oldest(None, EventFilter(), 1_000_000)}
