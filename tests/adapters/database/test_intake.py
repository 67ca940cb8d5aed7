"""What receiving events over a real database adds to what every store promises."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine, event

from stripe_bridge.adapters.database import SqlStore, create_engine, migrate
from stripe_bridge.ports.unit_of_work import StoreUnavailable
from tests.builders import a_webhook_event, an_event_payload
from tests.contracts.stored import at_once, claim
from tests.servers.postgres import PostgresServer
from tests.waiting import wait_until


@pytest.fixture
def engine(database_url: str) -> Engine:
    return create_engine(database_url)


@pytest.fixture
def store(engine: Engine) -> Iterator[SqlStore]:
    store = SqlStore(engine)
    yield store
    store.close()


def an_event(number: int, **changes):
    return a_webhook_event(payload=an_event_payload(id_=f"evt_{number}"), **changes)


def test_what_cannot_be_stored_is_refused_without_those_that_come_with_it(store: SqlStore):
    def receive(number: int) -> bool:
        given = an_event(number)
        return store.receive(replace(given, event_type=None) if number == 3 else given)

    outcomes = at_once(8, receive)
    assert [outcome is True for outcome in outcomes] == [number != 3 for number in range(8)]
    assert len(claim(store)) == 7


def test_those_who_wait_for_a_commit_are_committed_together(sqlite_url: str):
    engine = create_engine(sqlite_url)
    store = SqlStore(engine)
    said: list[str] = []
    event.listen(engine, "connect", lambda connection, _record: connection.set_trace_callback(said.append))
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(12) as pool:
        coming = [pool.submit(store.receive, an_event(number)) for number in range(12)]
        wait_until(lambda: len(store._intake._waiting) == 11)
        other.execute("COMMIT")
        assert all(each.result() for each in coming)
    other.close()
    assert said.count("COMMIT") == 2
    store.close()


def test_a_connection_that_died_in_its_sleep_costs_nobody_an_event(own_postgres: PostgresServer):
    migrate(own_postgres.url())
    store = SqlStore(create_engine(own_postgres.url()))
    assert store.receive(an_event(1))
    own_postgres.stop()
    with pytest.raises(StoreUnavailable):
        store.receive(an_event(2))
    own_postgres.start()
    assert store.receive(an_event(3))
    own_postgres.stop()
    own_postgres.start()
    assert store.receive(an_event(2))
    assert len(claim(store)) == 3
    store.close()


def test_however_many_come_at_once_each_is_told_what_became_of_its_own(store: SqlStore):
    outcomes = at_once(40, lambda number: [store.receive(an_event(number % 30 * 100 + n)) for n in range(15)])
    news = [is_new for outcome in outcomes if isinstance(outcome, list) for is_new in outcome]
    assert (len(news), sum(news)) == (600, 450)
    assert len(claim(store, limit=1000)) == 450
