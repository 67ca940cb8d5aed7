"""Bringing a database's schema to what this code needs, with Alembic and without a configuration file."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from alembic import command
from alembic.config import Config
from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError

from stripe_bridge.adapters.database.engine import create_engine, without_time_limit
from stripe_bridge.adapters.database.revisions import current_revision, known_revisions
from stripe_bridge.adapters.database.statements import translate_driver_errors
from stripe_bridge.adapters.database.tables.base import Row
from stripe_bridge.ports.storage.unit_of_work import SchemaUnknown

# Any number that never changes: a migration holds PostgreSQL's advisory lock with this number.
_ADVISORY_LOCK = 7_102_534_811
MAX_ATTEMPTS = 20
# In seconds: between attempts, and for each lock.
RETRY_PAUSE, MIGRATION_LOCK_TIMEOUT = 1.0, 2
_log = logging.getLogger(__name__)


def migrate(url: str) -> None:
    """Apply what is missing, all or nothing. If several processes do so at once, the first one does the work.

    Raises SchemaUnknown.
    """

    def upgrade() -> None:
        with migrating(url) as config:
            if current_revision(config.attributes["connection"]) not in {None, *known_revisions()}:
                raise SchemaUnknown
            command.upgrade(config, "head")

    retry_on_lock_conflict(upgrade)


def retry_on_lock_conflict(migration: Callable[[], None]) -> None:
    """Try again if it could not get a lock, or ran into a deadlock.

    Both are normal while the service is running: a migration locks one table after the other, and so does a request, in a
    different order. A failed attempt leaves nothing behind.
    """
    for _ in range(MAX_ATTEMPTS - 1):
        try:
            migration()
        except DBAPIError as error:
            if not isinstance(error.orig, LockNotAvailable | DeadlockDetected):
                raise
            _log.warning("migration retried after a lock timeout")
            time.sleep(RETRY_PAUSE)
        else:
            return
    migration()


@contextmanager
def migrating(url: str) -> Iterator[Config]:
    """Alembic's configuration on a connection whose transaction is committed at the end."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _without_foreign_keys)
    try:
        with engine.begin() as connection:
            without_time_limit(connection)
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
                # While a migration waits for a table, all others that want the table wait behind it.
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{MIGRATION_LOCK_TIMEOUT}s'")
            config = _config()
            config.attributes["connection"] = connection
            config.attributes["metadata"] = Row.metadata
            yield config
            if engine.dialect.name == "sqlite":
                _check_foreign_keys(connection)
    finally:
        engine.dispose()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "stripe_bridge.adapters.database:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _without_foreign_keys(connection: Any, _record: Any) -> None:
    """SQLite changes a table by dropping and recreating it: with foreign keys on, rows that refer to it would go, too.

    The setting has no effect inside a transaction, so it is made as soon as the connection exists.
    """
    connection.execute("PRAGMA foreign_keys = OFF").close()


def _check_foreign_keys(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise RuntimeError(
            f"The migration would leave {len(broken)} rows that refer to nothing: {broken[:3]}"
        )


class Schema:
    """Each raises StoreUnavailable when the database does not answer."""

    def __init__(self, url: str) -> None:
        self._url = url

    def migrate(self) -> None:
        """Bring it to what this code needs, all or nothing. Raises SchemaUnknown."""
        with translate_driver_errors():
            migrate(self._url)

    def current_revision(self) -> str | None:
        """None if there is none yet."""
        engine = create_engine(self._url)
        try:
            with translate_driver_errors(), engine.connect() as connection:
                return current_revision(connection)
        finally:
            engine.dispose()
