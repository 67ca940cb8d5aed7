"""A database that answers but takes no writes is not usable."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.adapters.database.migrations_runner import migrate, migrating
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from tests.builders import a_sales_order
from tests.servers.postgres import PostgresServer

# To a writer, a limit on the size of files looks like a full disk: nothing more can be added.
FULL = """
import os, resource, sys
from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable

url = sys.argv[1]
store = SqlStore(create_engine(url))
store.check()
store._probe._good_until = 0.0
log = os.path.getsize(url.removeprefix("sqlite:///") + "-wal")
resource.setrlimit(resource.RLIMIT_FSIZE, (log, log))
with store.reading() as work:
    assert work.sales_orders.find("acme", 1) is None
try:
    store.check()
except StoreUnavailable:
    print("not usable")
"""


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    store = SqlStore(create_engine(database_url))
    yield store
    store.close()


def test_a_database_that_takes_writes_is_usable(store: SqlStore):
    for _ in range(3):
        store.check()


def test_a_full_disk_is_reported_although_reads_succeed(sqlite_url: str):
    done = subprocess.run(
        [sys.executable, "-c", FULL, sqlite_url], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "not usable\n", done.stderr


def test_a_server_that_became_a_standby_is_reported_although_reads_succeed(own_postgres: PostgresServer):
    migrate(own_postgres.url())
    store = SqlStore(create_engine(own_postgres.url()))
    store.check()
    own_postgres.become_standby()
    store._probe._good_until = 0.0

    with pytest.raises(StoreUnavailable):
        store.check()
    with pytest.raises(StoreUnavailable), store.writing() as work:
        work.sales_orders.add(a_sales_order())
    with store.reading() as work:
        assert work.sales_orders.find("acme", 1) is None
    store.close()


def test_a_lock_of_another_transaction_neither_delays_the_probe_nor_fails_it(sqlite_url: str):
    store = SqlStore(create_engine(sqlite_url))
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()

    store.check()

    assert time.monotonic() - begun < 10
    other.close()
    store.close()


def test_a_server_that_says_nothing_is_given_up_and_a_statement_as_well(postgres_url: str):
    engine = create_engine(postgres_url)
    with engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        assert driver is not None
        given = driver.info.get_parameters()
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "1min"
        assert connection.execute(text("SHOW idle_in_transaction_session_timeout")).scalar() == "1min"
    engine.dispose()
    expected = {"keepalives_idle": "5", "keepalives_interval": "2", "keepalives_count": "3"}
    assert {name: given[name] for name in expected} == expected
    assert given["tcp_user_timeout"] == "10000"


def test_a_migration_takes_as_long_as_it_takes(postgres_url: str):
    with migrating(postgres_url) as config:
        connection = config.attributes["connection"]
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "0"
        assert connection.execute(text("SHOW idle_in_transaction_session_timeout")).scalar() == "0"
