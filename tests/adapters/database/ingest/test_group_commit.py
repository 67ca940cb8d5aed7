"""What receiving into a real database promises in addition to every ingest's promises."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event

import pytest
from sqlalchemy import Engine, event

from stripe_bridge.adapters.database import GroupCommit, SqlStore, create_engine
from stripe_bridge.adapters.database.ingest import sqlite
from stripe_bridge.adapters.database.migrations_runner import migrate
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from tests.builders import a_webhook_event, an_event_payload
from tests.contracts.stored import at_once, claim
from tests.event_loop import EventLoop, Receive, an_event_loop
from tests.servers.postgres import PostgresServer
from tests.waiting import PATIENCE, wait_until


@contextmanager
def receiving(engine: Engine) -> Iterator[tuple[EventLoop, GroupCommit]]:
    with an_event_loop() as here:
        event_ingest = GroupCommit(engine)
        yield here, event_ingest
        here.loop.call_soon_threadsafe(event_ingest.close)


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    store = SqlStore(create_engine(database_url))
    yield store
    store.close()


@pytest.fixture
def receive(store: SqlStore) -> Iterator[Receive]:
    with receiving(store.engine) as (here, event_ingest):
        yield lambda event: here.run(event_ingest.receive(event))


def an_event(number: int, **changes):
    return a_webhook_event(payload=an_event_payload(id_=f"evt_{number}"), **changes)


def test_what_cannot_be_stored_is_refused_without_those_that_come_with_it(store: SqlStore, receive: Receive):
    def receive_one(number: int) -> bool:
        given = an_event(number)
        return receive(replace(given, event_type=None) if number == 3 else given)

    outcomes = at_once(8, receive_one)
    assert [outcome is True for outcome in outcomes] == [number != 3 for number in range(8)]
    assert len(claim(store)) == 7


def test_those_who_wait_for_a_commit_are_committed_together(sqlite_url: str):
    engine = create_engine(sqlite_url)
    said: list[str] = []
    event.listen(engine, "connect", lambda connection, _record: connection.set_trace_callback(said.append))
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with receiving(engine) as (here, event_ingest):
        first = asyncio.run_coroutine_threadsafe(event_ingest.receive(an_event(0)), here.loop)
        wait_until(lambda: "BEGIN IMMEDIATE" in said)
        coming = [
            asyncio.run_coroutine_threadsafe(event_ingest.receive(an_event(number)), here.loop)
            for number in range(1, 12)
        ]
        wait_until(lambda: len(event_ingest._waiting) == 11)
        other.execute("COMMIT")
        assert all(each.result() for each in [first, *coming])
    other.close()
    assert said.count("COMMIT") == 2
    # Told again for each row's trigger.
    assert len({statement for statement in said if "INSERT INTO webhook_events" in statement}) == 2
    engine.dispose()


def test_of_a_batch_that_is_not_all_new_each_request_learns_whether_its_event_is(sqlite_url: str):
    store = SqlStore(create_engine(sqlite_url))
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    with receiving(store.engine) as (here, event_ingest):
        assert here.run(event_ingest.receive(an_event(1)))
        other.execute("BEGIN IMMEDIATE")
        first = asyncio.run_coroutine_threadsafe(event_ingest.receive(an_event(0)), here.loop)
        wait_until(lambda: event_ingest._storing is not None)
        coming = [
            asyncio.run_coroutine_threadsafe(event_ingest.receive(an_event(number)), here.loop)
            for number in (3, 1, 2, 3)
        ]
        wait_until(lambda: len(event_ingest._waiting) == 4)
        other.execute("COMMIT")
        assert first.result()
        assert [each.result() for each in coming] == [True, False, True, False]
    other.close()
    assert {event.stripe_event_id for event in claim(store)} == {"evt_0", "evt_1", "evt_2", "evt_3"}
    store.close()


def test_a_file_that_others_do_not_let_go_of_is_unavailable(sqlite_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite, "LOCK_TIMEOUT", 0)
    engine = create_engine(sqlite_url)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with receiving(engine) as (here, event_ingest):
        with pytest.raises(StoreUnavailable):
            here.run(event_ingest.receive(an_event(1)))
        other.execute("COMMIT")
        assert here.run(event_ingest.receive(an_event(1)))
    other.close()
    engine.dispose()


def test_a_request_that_arrives_while_the_database_is_found_unavailable_fails_with_the_others(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sqlite, "LOCK_TIMEOUT", 0)
    engine = create_engine(sqlite_url)
    tried: list[int] = []
    all_wait = Event()
    begin = sqlite._begin

    def begin_when_all_wait(connection: sqlite3.Connection) -> None:
        tried.append(1)
        assert all_wait.wait(PATIENCE)
        begin(connection)

    monkeypatch.setattr(sqlite, "_begin", begin_when_all_wait)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with receiving(engine) as (here, event_ingest):
        first = asyncio.run_coroutine_threadsafe(event_ingest.receive(an_event(0)), here.loop)
        wait_until(lambda: tried == [1])
        coming = [
            asyncio.run_coroutine_threadsafe(event_ingest.receive(an_event(number)), here.loop)
            for number in range(1, 100)
        ]
        wait_until(lambda: len(event_ingest._waiting) == len(coming))
        all_wait.set()
        for each in (first, *coming):
            with pytest.raises(StoreUnavailable):
                each.result()
        assert tried == [1]
        other.execute("COMMIT")
        assert here.run(event_ingest.receive(an_event(1)))
    other.close()
    engine.dispose()


def test_a_client_may_leave_before_its_event_is_stored(sqlite_url: str):
    engine = create_engine(sqlite_url)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with receiving(engine) as (here, event_ingest):
        gone = asyncio.run_coroutine_threadsafe(event_ingest.receive(an_event(0)), here.loop)
        wait_until(lambda: event_ingest._storing is not None)
        gone.cancel()
        other.execute("COMMIT")
        assert here.run(event_ingest.receive(an_event(1)))
    other.close()
    store = SqlStore(engine)
    assert len(claim(store)) == 2
    store.close()


def test_a_connection_that_died_while_idle_loses_no_event(own_postgres: PostgresServer):
    migrate(own_postgres.url())
    store = SqlStore(create_engine(own_postgres.url()))
    with receiving(store.engine) as (here, event_ingest):

        def receive(number: int) -> bool:
            return here.run(event_ingest.receive(an_event(number)))

        assert receive(1)
        own_postgres.stop()
        with pytest.raises(StoreUnavailable):
            receive(2)
        own_postgres.start()
        assert receive(3)
        own_postgres.stop()
        own_postgres.start()
        assert receive(2)
    assert len(claim(store)) == 3
    store.close()


def test_a_server_that_became_a_standby_is_unavailable_to_webhooks_too(own_postgres: PostgresServer):
    migrate(own_postgres.url())
    store = SqlStore(create_engine(own_postgres.url()))
    with receiving(store.engine) as (here, event_ingest):
        assert here.run(event_ingest.receive(an_event(1)))
        own_postgres.become_standby()
        with pytest.raises(StoreUnavailable):
            here.run(event_ingest.receive(an_event(2)))
    store.close()


class End(asyncio.Protocol):
    """One end of a connection."""

    def __init__(self) -> None:
        self.is_closed = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed.set()


def test_what_a_dead_connection_leaves_may_be_anothers_by_now(own_postgres: PostgresServer):
    """Its socket's number may now belong to another connection, mostly one that brings webhooks."""
    migrate(own_postgres.url())
    store = SqlStore(create_engine(own_postgres.url()))
    ends: list[End] = []

    def new_end() -> End:
        ends.append(End())
        return ends[-1]

    async def receive_beside_others(server: asyncio.Server) -> bool:
        # Both ends of each belong to this loop.
        address = server.sockets[0].getsockname()
        others = [await here.loop.create_connection(new_end, *address) for _ in range(5)]
        try:
            return await event_ingest.receive(an_event(2))
        finally:
            server.close()
            for transport, _ in others:
                transport.close()
            # A loop that stops before leaves them open.
            for end in ends:
                await end.is_closed.wait()

    with receiving(store.engine) as (here, event_ingest):
        server = here.run(here.loop.create_server(new_end, "127.0.0.1", 0))
        assert here.run(event_ingest.receive(an_event(1)))
        own_postgres.stop()
        own_postgres.start()
        assert here.run(receive_beside_others(server))
    store.close()


def test_however_many_arrive_at_once_each_gets_its_own_outcome(store: SqlStore, receive: Receive):
    outcomes = at_once(40, lambda number: [receive(an_event(number % 30 * 100 + n)) for n in range(15)])
    news = [is_new for outcome in outcomes if isinstance(outcome, list) for is_new in outcome]
    assert (len(news), sum(news)) == (600, 450)
    assert len(claim(store, limit=1000)) == 450
