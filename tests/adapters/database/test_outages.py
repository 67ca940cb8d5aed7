"""Each outage is provoked in a real database, so that what is recognized is what drivers really report."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from stripe_bridge.adapters.database import create_engine
from stripe_bridge.adapters.database.engine import short_lock_timeout
from stripe_bridge.adapters.database.outages import SqliteCode
from stripe_bridge.adapters.database.statements import translate_driver_errors
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable

INSERT = "INSERT INTO probes (id, written_at) VALUES (1, '2026-11-23 00:00:00+00:00')"


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Engine]:
    engine = create_engine(sqlite_url)
    yield engine
    engine.dispose()


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Engine]:
    engine = create_engine(postgres_url)
    yield engine
    engine.dispose()


def outage_of(connection: Connection, *statements: str) -> StoreUnavailable:
    """What the last statement fails with."""
    *before, last = statements
    for statement in before:
        connection.exec_driver_sql(statement)
    with pytest.raises(StoreUnavailable) as caught, translate_driver_errors():
        connection.exec_driver_sql(last)
    connection.rollback()
    return caught.value


def test_a_full_disk_is_recognized_on_sqlite(sqlite: Engine):
    with sqlite.connect() as connection:
        # The file may not grow any more, as on a full disk.
        outage = outage_of(
            connection,
            "PRAGMA max_page_count = 1",
            "CREATE TABLE filler AS SELECT zeroblob(10000000) AS filling",
        )

    assert "disk is full" in outage.reason


def test_a_file_that_may_not_be_written_is_recognized(sqlite: Engine):
    with sqlite.connect() as connection:
        outage = outage_of(connection, "PRAGMA query_only = on", INSERT)
        connection.exec_driver_sql("PRAGMA query_only = off")

    assert "read-only" in outage.reason


def test_a_lock_that_another_program_holds_is_recognized_on_sqlite(sqlite: Engine):
    with sqlite.connect() as holder:
        holder.exec_driver_sql(INSERT)
        with (
            pytest.raises(StoreUnavailable) as caught,
            translate_driver_errors(),
            short_lock_timeout(sqlite) as other,
        ):
            other.exec_driver_sql(INSERT)

    assert "locked by another program" in caught.value.reason


def test_a_file_that_is_no_database_is_recognized(tmp_path: Path):
    file = tmp_path / "bridge.sqlite"
    file.write_bytes(b"not a database, but long enough to have a header " * 100)
    engine = create_engine(f"sqlite:///{file}")

    with pytest.raises(StoreUnavailable) as caught, translate_driver_errors(), engine.connect():
        pass
    engine.dispose()

    assert "damaged, or is not a database" in caught.value.reason


def test_a_standby_is_recognized_on_postgresql(postgres: Engine):
    with postgres.connect() as connection:
        outage = outage_of(connection, "SET TRANSACTION READ ONLY", INSERT)

    assert "read-only" in outage.reason


def test_a_statement_that_takes_too_long_is_recognized_on_postgresql(postgres: Engine):
    with postgres.connect() as connection:
        outage = outage_of(connection, "SET LOCAL statement_timeout = '1ms'", "SELECT pg_sleep(30)")

    assert "too busy" in outage.reason


def test_a_table_without_privileges_is_recognized_on_postgresql(postgres: Engine):
    with postgres.connect() as connection:
        outage = outage_of(connection, "SET LOCAL ROLE pg_monitor", "SELECT * FROM api_tokens")

    assert "privileges" in outage.reason
    assert "api_tokens" in outage.detail


def test_of_what_the_driver_says_the_statement_is_left_out(postgres: Engine):
    with postgres.connect() as connection:
        outage = outage_of(connection, "SELECT former FROM api_tokens WHERE label = 'a secret'")

    assert "stripe-bridge db upgrade" in outage.reason
    assert "former" in outage.detail
    assert "a secret" not in outage.detail


@pytest.mark.parametrize("code", SqliteCode)
def test_the_codes_of_sqlite_are_its_drivers(code: SqliteCode):
    assert getattr(sqlite3, f"SQLITE_{code.name}") == code
