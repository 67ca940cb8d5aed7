"""Payloads are stored compressed, however they arrive; older ones, stored uncompressed, can still be read."""

import pytest
import zstandard
from alembic import command
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from stripe_bridge.adapters.database import GroupCommit, SqlStore, create_engine
from stripe_bridge.adapters.database.compression import compressed, decompressed
from stripe_bridge.adapters.database.migrations_runner import migrate, migrating
from stripe_bridge.domain.errors.outcomes import PayloadMalformed
from stripe_bridge.domain.webhook_event import parse_event
from tests.builders import a_webhook_event, an_event_payload
from tests.contracts.stored import claim
from tests.event_loop import an_event_loop

PAYLOAD = an_event_payload(padding="a table of oak, " * 200)


@given(st.binary())
def test_what_was_compressed_comes_back(content):
    assert decompressed(compressed(content)) == content
    assert (compressed(content) == b"") == (content == b"")


@given(st.text().map(str.encode))
def test_what_never_was_is_what_it_is(content):
    assert decompressed(content) is content


@pytest.mark.parametrize("left", [4, 5, 12, -1])
def test_one_that_is_damaged_is_no_event_and_holds_up_no_other(database_url, left):
    store = a_store(database_url)
    with store.engine.begin() as connection:
        damaged = {"payload": compressed(PAYLOAD)[:left]}
        connection.execute(text("UPDATE webhook_events SET payload = :payload WHERE id = 1"), damaged)
    first, second = claim(store)
    assert second.parse(parse_event).id == second.stripe_event_id
    with pytest.raises(PayloadMalformed):
        first.parse(parse_event)
    store.close()


def stored(store):
    with store.engine.connect() as connection:
        return [bytes(row.payload) for row in connection.execute(text("SELECT payload FROM webhook_events"))]


def a_store(database_url):
    store = SqlStore(create_engine(database_url))
    first, second = (a_webhook_event(stripe_event_id=f"evt_{number}", payload=PAYLOAD) for number in range(2))
    with store.writing() as work:
        work.inbox.store(first)
        work.commit()
    with an_event_loop() as here:
        event_ingest = GroupCommit(store.engine)
        here.run(event_ingest.receive(second))
        here.loop.call_soon_threadsafe(event_ingest.close)
    return store


def test_either_way_in_stores_them_compressed(database_url):
    store = a_store(database_url)
    for payload in stored(store):
        assert len(payload) < len(PAYLOAD) / 2
        assert zstandard.decompress(payload) == PAYLOAD
    with store.reading() as work:
        assert [work.inbox.payload(None, number) for number in (1, 2)] == [PAYLOAD, PAYLOAD]
    store.close()


def test_an_earlier_release_finds_them_plain_and_a_later_one_reads_them_plain(database_url):
    store = a_store(database_url)
    with migrating(database_url) as config:
        command.downgrade(config, "0002")
    assert stored(store) == [PAYLOAD, PAYLOAD]
    migrate(database_url)
    assert stored(store) == [PAYLOAD, PAYLOAD]
    with store.reading() as work:
        assert [work.inbox.payload(None, number) for number in (1, 2)] == [PAYLOAD, PAYLOAD]
    store.close()
