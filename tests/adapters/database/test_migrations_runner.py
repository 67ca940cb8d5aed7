"""Upgrading a database's schema to what the code needs."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, make_url

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.adapters.database.migrations_runner import migrate, migrating, retry_on_lock_conflict
from stripe_bridge.adapters.database.revisions import current_revision
from stripe_bridge.adapters.database.tables.base import Row
from stripe_bridge.ports.storage.unit_of_work import SchemaUnknown, StoreUnavailable
from tests.builders import a_webhook_event


def schema_of(connection: Connection) -> dict[Any, Any]:
    """Every table except Alembic's: columns, keys, checks, and indexes with their conditions."""
    inspector = sqlalchemy.inspect(connection)
    return {
        table: {
            "columns": {
                (column["name"], str(column["type"]), column["nullable"])
                for column in inspector.get_columns(table)
            },
            "primary key": inspector.get_pk_constraint(table),
            "foreign keys": by_name(inspector.get_foreign_keys(table)),
            "unique": by_name(inspector.get_unique_constraints(table)),
            "checks": by_name(inspector.get_check_constraints(table)),
            "indexes": {
                index["name"]: (index["column_names"], index["unique"], conditions_of(index))
                for index in inspector.get_indexes(table)
            },
        }
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def conditions_of(index: Any) -> dict[str, str]:
    return {option: str(value) for option, value in index.get("dialect_options", {}).items()}


def by_name(constraints: Any) -> dict[str, str]:
    return {constraint["name"]: str(sorted(constraint.items())) for constraint in constraints}


def without_tables(engine: Engine) -> None:
    """An empty database of the same kind."""
    with engine.begin() as connection:
        found = sqlalchemy.MetaData()
        found.reflect(connection)
        found.drop_all(connection)


@pytest.fixture
def engine(database_url: str):
    """An engine for a migrated database."""
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


def test_the_migrations_make_exactly_what_the_rows_declare(engine: Engine):
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Row.metadata) == []
        migrated = schema_of(connection)
    without_tables(engine)
    with engine.begin() as connection:
        Row.metadata.create_all(connection)
        declared = schema_of(connection)
    assert migrated == declared
    assert len(migrated) == len(Row.metadata.tables)


def test_what_is_migrated_can_be_reverted_and_migrated_again(engine: Engine, database_url: str):
    with engine.connect() as connection:
        before = schema_of(connection)
    with migrating(database_url) as config:
        command.downgrade(config, "base")
    with engine.connect() as connection:
        assert schema_of(connection) == {}
    migrate(database_url)
    with engine.connect() as connection:
        assert schema_of(connection) == before


def test_several_may_migrate_at_once(engine: Engine, database_url: str):
    without_tables(engine)
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(migrate, [database_url] * 4))
    SqlStore(engine).check()


def test_a_migration_that_fails_leaves_nothing_behind(engine: Engine, database_url: str):
    without_tables(engine)

    def migrate_halfway() -> None:
        with migrating(database_url) as config:
            command.upgrade(config, "head")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        migrate_halfway()
    with engine.connect() as connection:
        assert sqlalchemy.inspect(connection).get_table_names() == []


def test_a_store_without_its_schema_fails_its_check(engine: Engine):
    without_tables(engine)
    with pytest.raises(StoreUnavailable):
        SqlStore(engine).check()


def test_a_store_without_a_schema_fails_its_check(engine: Engine):
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM alembic_version")
    with pytest.raises(StoreUnavailable):
        SqlStore(engine).check()


def test_a_store_of_an_older_revision_logs_which_migration_it_needs(
    engine: Engine, caplog: pytest.LogCaptureFixture
):
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(StoreUnavailable):
        SqlStore(engine).check()
    [record] = caplog.records
    assert "schema is at 0001" in record.__dict__["reason"]
    assert "stripe-bridge db upgrade" in record.__dict__["reason"]


def test_a_store_of_a_newer_revision_still_serves_this_version(engine: Engine):
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    SqlStore(engine).check()


def test_a_newer_schema_is_left_as_it_is_in_a_sentence(engine: Engine, database_url: str):
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaUnknown, match="newer release"):
        migrate(database_url)
    with engine.connect() as connection:
        assert current_revision(connection) == "9999"


def test_a_broken_reference_stops_a_migration_on_sqlite(sqlite_url: str):
    def break_a_reference() -> None:
        with migrating(sqlite_url) as config:
            config.attributes["connection"].exec_driver_sql(
                "INSERT INTO links (account_id, stripe_id, invoice_id) VALUES ('acct_1', 'pi_1', 1)"
            )

    with pytest.raises(RuntimeError, match="refer to nothing"):
        break_a_reference()


def test_a_url_may_hold_percent_signs(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/100%25 of it.sqlite"
    migrate(url)
    assert Path(make_url(url).database or "").exists()


def test_payloads_that_were_left_before_there_was_a_list_of_them_are_found(engine: Engine, database_url: str):
    store = SqlStore(engine)
    for number in (1, 2, 3):
        with store.writing() as work:
            work.inbox.store(a_webhook_event(stripe_event_id=f"evt_{number}"))
            work.commit()
    with migrating(database_url) as config:
        command.downgrade(config, "0003")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE webhook_events SET status = 'processed'")
        connection.exec_driver_sql("UPDATE webhook_events SET payload = '' WHERE id = 1")
        connection.exec_driver_sql("UPDATE forgotten_payloads SET up_to_event_id = 2")
    migrate(database_url)
    with engine.connect() as connection:
        left = connection.exec_driver_sql("SELECT event_id FROM payloads_left").scalars().all()
    assert left == [2]


def test_a_migration_that_meets_a_lock_is_retried_and_blocks_no_others_meanwhile(postgres_url: str):
    engine = create_engine(postgres_url)
    tries: list[int] = []

    def add_a_column() -> None:
        tries.append(1)
        with migrating(postgres_url) as config:
            connection = config.attributes["connection"]
            if len(tries) == 3:
                holder.rollback()
            connection.exec_driver_sql("ALTER TABLE invoices ADD COLUMN added VARCHAR")

    with engine.connect() as holder:
        holder.exec_driver_sql("SELECT count(*) FROM invoices")
        retry_on_lock_conflict(add_a_column)
    with engine.connect() as connection:
        columns = {each["name"] for each in sqlalchemy.inspect(connection).get_columns("invoices")}
    engine.dispose()
    assert len(tries) == 3
    assert "added" in columns
