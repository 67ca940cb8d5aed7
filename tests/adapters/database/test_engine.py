"""How the engines are configured."""

import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import QueuePool, text
from sqlalchemy.exc import DataError, SQLAlchemyError

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.adapters.database.migrations_runner import migrate
from stripe_bridge.adapters.database.statements import translate_driver_errors
from stripe_bridge.adapters.database.unit_of_work import SqlUnitOfWork
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from tests.builders import a_sales_order, a_token
from tests.contracts.stored import stored_invoice
from tests.servers.postgres import PostgresServer
from tests.waiting import wait_until


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "mysql://localhost/x", "sqlite://", "sqlite:///:memory:", "postgresql+asyncpg://h/d"],
)
def test_a_url_that_cannot_serve_is_refused(url):
    with pytest.raises(ValueError, match="database URL"):
        create_engine(url)


@pytest.mark.parametrize(
    "url", ["mysql://user:hunter2@localhost/x", "user:hunter2@localhost", "sqlite:hunter2"]
)
def test_a_refusal_does_not_show_the_url(url):
    with pytest.raises(ValueError, match="database URL") as refusal:
        create_engine(url)
    assert "hunter2" not in str(refusal.value)


def test_an_error_does_not_show_what_was_to_be_stored(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path}/bridge.db")
    with engine.connect() as connection, pytest.raises(SQLAlchemyError) as error:
        connection.execute(text("INSERT INTO missing VALUES (:secret)"), {"secret": "hunter2"})
    engine.dispose()
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_usual_spelling_of_postgresql_is_taken(scheme):
    engine = create_engine(f"{scheme}://user@localhost/name", pool_size=3)
    assert engine.dialect.driver == "psycopg"
    assert isinstance(engine.pool, QueuePool)
    assert engine.pool.size() == 3


def test_sqlite_keeps_every_commit_and_every_reference(sqlite_url: str):
    engine = create_engine(sqlite_url)
    with engine.connect() as connection:
        settings = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_a_writer_on_sqlite_has_the_lock_from_its_first_line(sqlite_url: str):
    store = SqlStore(create_engine(sqlite_url))
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), timeout=0, isolation_level=None)
    with store.writing(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    other.close()
    store.close()


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_whatever_the_zone_of_the_server_every_time_comes_back(
    postgres_url: str, zone: str, moment: datetime
):
    order = a_sales_order(source_updated_at=moment)
    store = SqlStore(create_engine(f"{postgres_url}?options=-c%20timezone%3D{zone}"))
    with store.writing() as work:
        work.sales_orders.add(order)
        work.commit()

    with store.reading() as work:
        assert work.sales_orders.find(order.tenant_id, order.id) == order
    store.close()


def test_a_time_without_a_zone_is_not_stored(sqlite_url: str):
    store = SqlStore(create_engine(sqlite_url))
    with store.writing() as work, pytest.raises(Exception, match="without a zone"):
        work.tokens.add(a_token(created_at=datetime(2026, 1, 1)))  # noqa: DTZ001  # that is the point
    store.close()


def test_a_file_that_cannot_be_opened_is_a_store_that_is_unavailable(tmp_path):
    store = SqlStore(create_engine(f"sqlite:///{tmp_path}/no/such/folder/x.sqlite"))
    with pytest.raises(StoreUnavailable):
        store.check()
    with pytest.raises(StoreUnavailable), store.writing():
        pass


@pytest.mark.parametrize("start", [0, 4096], ids=["its header", "its tables"])
def test_a_file_that_is_damaged_is_a_store_that_is_unavailable(sqlite_url: str, start: int):
    with open(sqlite_url.removeprefix("sqlite:///"), "r+b") as file:
        file.seek(start)
        file.write(b"\xff" * 400_000)
    store = SqlStore(create_engine(sqlite_url))
    with pytest.raises(StoreUnavailable), store.reading() as work:
        work.tokens.all()
    store.close()


def test_a_database_that_was_not_migrated_is_unavailable(database_url: str):
    store = SqlStore(create_engine(database_url))
    with store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE api_tokens RENAME COLUMN label TO former")
        connection.exec_driver_sql("DROP TABLE idempotent_requests")
    with pytest.raises(StoreUnavailable), store.reading() as work:
        work.tokens.all()
    with pytest.raises(StoreUnavailable), store.writing() as work:
        work.idempotent_requests.remove_older_than(datetime.now(UTC))
    store.close()


def test_a_database_that_does_not_let_us_in_to_a_table_is_a_store_that_is_unavailable(postgres_url: str):
    store = SqlStore(create_engine(postgres_url))

    def look() -> None:
        with store.reading() as work:
            work._connection.exec_driver_sql("SET LOCAL ROLE pg_monitor")
            work.tokens.all()

    with pytest.raises(StoreUnavailable):
        look()
    store.close()


def test_a_statement_that_is_wrong_is_a_mistake_of_ours(postgres_url: str):
    engine = create_engine(postgres_url)
    with engine.connect() as connection, pytest.raises(DataError), translate_driver_errors():
        connection.exec_driver_sql("SELECT 1 / 0")
    engine.dispose()


def test_a_pool_that_is_used_up_is_a_store_that_is_unavailable(sqlite_url: str):
    engine = create_engine(sqlite_url, pool_size=1, max_overflow=0)
    engine.pool._timeout = 0.05  # type: ignore[attr-defined]  # not to wait for half a minute
    store = SqlStore(engine)
    with store.reading(), pytest.raises(StoreUnavailable), store.reading():
        pass
    store.close()


def test_reading_leaves_prepared_what_the_server_has_prepared(postgres_url: str):
    store = SqlStore(create_engine(postgres_url, pool_size=1, max_overflow=0))
    for _ in range(10):
        with store.reading() as work:
            assert work.tokens.find_by_hash("unknown") is None
    with store.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM pg_prepared_statements")) == 1
    store.close()


def test_a_server_that_goes_away_and_comes_back(own_postgres: PostgresServer):
    migrate(own_postgres.url())
    store = SqlStore(create_engine(own_postgres.url()))
    store.check()

    def cut_off() -> None:
        with store.writing() as work:
            work.sales_orders.add(a_sales_order())
            own_postgres.kill()
            work.commit()

    with pytest.raises(StoreUnavailable):
        cut_off()
    with pytest.raises(StoreUnavailable):
        store.check()
    own_postgres.start()
    store.check()
    with store.reading() as work:
        assert work.sales_orders.find(a_sales_order().tenant_id, a_sales_order().id) is None
    store.close()


def test_a_transaction_that_the_server_ended_since_nothing_happened_is_no_fault_of_ours(postgres_url: str):
    store, watch = SqlStore(create_engine(postgres_url)), create_engine(postgres_url)

    def is_gone(pid: int) -> bool:
        with watch.connect() as other:
            seen: int = other.exec_driver_sql(
                f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}"
            ).scalar_one()
        return seen == 0

    def hold_and(go_on: Callable[[SqlUnitOfWork], object]) -> None:
        with store.writing() as work:
            pid = work._connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            work._connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = '1ms'")
            wait_until(lambda: is_gone(pid))
            go_on(work)

    for go_on in (lambda work: work.commit(), lambda work: work.inbox.newest_id()):
        with pytest.raises(StoreUnavailable):
            hold_and(go_on)
    with store.reading() as work:
        assert work.inbox.newest_id() == 0
    watch.dispose()
    store.close()


def test_a_lock_on_a_row_lets_others_refer_to_it(postgres_url: str):
    """FOR UPDATE would not: no event or invoice could be stored while an integration is locked."""
    store = SqlStore(create_engine(postgres_url))
    done: list[bool] = []

    def refer() -> None:
        with store.writing() as work:
            work.links.add("acct_1", invoice.id, ["pi_1"])
            work.commit()
        done.append(True)

    invoice = stored_invoice(store)
    with store.writing() as work:
        work.invoices.get(invoice.tenant_id, invoice.id, lock=True)
        thread = threading.Thread(target=refer)
        thread.start()
        wait_until(lambda: done)
        thread.join()
    store.close()


def test_the_files_of_sqlite_are_for_their_owner_only(tmp_path):
    """Their content is customers' addresses and payments. One of an earlier release that others could read is closed."""
    for path in (tmp_path / "new.db", tmp_path / "old.db"):
        if path.name == "old.db":
            path.touch(mode=0o644)
        engine = create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE t (x)")
            files = list(tmp_path.glob(f"{path.name}*"))
            assert len(files) == 3
            assert {each.stat().st_mode & 0o777 for each in files} == {0o600}
        engine.dispose()
