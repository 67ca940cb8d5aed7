"""Engines for the two databases, each set up for short transactions from many threads and processes.

SQLite: write-ahead log, every commit on disk before it returns, and BEGIN IMMEDIATE for writing transactions: one that
begins by reading cannot wait for the write lock later, but fails at once whatever the timeout.
"""

from __future__ import annotations

import contextlib
import math
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy
from psycopg.pq import ExecStatus
from sqlalchemy import Connection, Engine, event, make_url
from sqlalchemy.exc import DisconnectionError

from stripe_bridge.ports.system import Anchor

if TYPE_CHECKING:
    import sqlite3

# In seconds: for locks; for locks while a caller is waiting; and for any statement except a migration's.
LOCK_TIMEOUT = 30
SHORT_LOCK_TIMEOUT = 1
STATEMENT_TIMEOUT = 60
_IDLE_SINCE = "idle_since"
# In seconds: connections that were used more recently than this are not checked before use.
IDLE_CHECK_AFTER = 1.0
# A host that vanishes says nothing: without these settings a connection to it would wait for many minutes. With them it is
# noticed within some ten seconds, whether it owes an answer (keepalives) or has not even acknowledged data (user timeout).
_TCP = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_TCP_OF_SERVER = (
    f"tcp_keepalives_idle = {_TCP['keepalives_idle']}",
    f"tcp_keepalives_interval = {_TCP['keepalives_interval']}",
    f"tcp_keepalives_count = {_TCP['keepalives_count']}",
    f"tcp_user_timeout = {_TCP['tcp_user_timeout']}",
)


def create_engine(
    url: str, *, pool_size: int = 5, max_overflow: int = 10, anchor: Anchor | None = None
) -> Engine:
    """The engine for `sqlite:///file` or `postgresql://…`. Connects when first used.

    `anchor` gets PostgreSQL's time with the first connection, and then about once a minute, before a transaction begins.

    Raises ValueError for other URLs.
    """
    try:
        parsed = make_url(url)
    except sqlalchemy.exc.ArgumentError:
        raise ValueError("The database URL cannot be read.") from None
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    # Otherwise errors would show what was stored: customers' addresses, and answers kept for repeated requests.
    options: dict[str, Any] = {
        "hide_parameters": True,
        "pool_size": pool_size,
        "max_overflow": max_overflow,
        "pool_timeout": LOCK_TIMEOUT,
    }
    if parsed.drivername == "postgresql+psycopg":
        driver = _TCP | {"cursor_factory": CachedDescriptionCursor}
        engine = sqlalchemy.create_engine(parsed, connect_args=driver, **options)
        event.listen(engine, "connect", _set_up_postgresql)
        event.listen(engine, "checkin", _mark_idle)
        event.listen(engine, "checkout", _ping_if_idle)
        if anchor is not None:
            event.listen(engine, "checkout", _measuring(anchor))
        return engine
    if parsed.drivername == "sqlite" and parsed.database not in (None, "", ":memory:"):
        engine = sqlalchemy.create_engine(parsed, connect_args={"timeout": LOCK_TIMEOUT}, **options)
        event.listen(engine, "do_connect", _close_to_others)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    raise ValueError("The database URL must be sqlite:///path/to/file or postgresql://user@host/name.")


def reading(engine: Engine) -> Engine:
    """The same engine and pool, for transactions that see a single state and cannot write."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine.execution_options(read_only=True)


def autocommit(engine: Engine) -> Engine:
    """The same engine and pool, for reads with one statement, which take less time than beginning and ending a transaction."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="AUTOCOMMIT")
    return reading(engine)


def _mark_idle(_connection: Any, record: Any) -> None:
    record.info[_IDLE_SINCE] = time.monotonic()


def _ping_if_idle(connection: Any, record: Any, _proxy: Any) -> None:
    """Check an idle connection before it is used. One that was used just now is not checked, as that costs a round trip.

    Raises DisconnectionError, after which the pool makes a new one.
    """
    if time.monotonic() - record.info.get(_IDLE_SINCE, -math.inf) < IDLE_CHECK_AFTER:
        return
    try:
        connection.execute("SELECT 1")
        # Not by a ROLLBACK, after which the driver prepares every statement anew.
        connection.commit()
    except psycopg.Error:
        raise DisconnectionError from None


def _measuring(anchor: Anchor) -> Callable[[Any, Any, Any], None]:
    def measure_if_due(connection: Any, _record: Any, _proxy: Any) -> None:
        if not anchor.is_measurement_due():
            return
        try:
            # So that the round trip that begins the transaction is not measured.
            connection.execute("SELECT 1")
            anchor.measure(lambda: connection.execute("SELECT clock_timestamp()").fetchone()[0])
            connection.commit()
        except psycopg.Error:
            raise DisconnectionError from None

    return measure_if_due


@contextmanager
def short_lock_timeout(engine: Engine) -> Iterator[Connection]:
    """A transaction that does not wait long for locks, since a caller is waiting for its result."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{SHORT_LOCK_TIMEOUT}s'")
            yield connection
            return
        driver: Any = connection.connection.dbapi_connection
        driver.execute(f"PRAGMA busy_timeout = {SHORT_LOCK_TIMEOUT * 1000}").close()
        try:
            yield connection
        finally:
            driver.execute(f"PRAGMA busy_timeout = {LOCK_TIMEOUT * 1000}").close()


def without_time_limit(connection: Connection) -> None:
    """Lift the time limit for the rest of the transaction: a migration takes as long as it takes."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")


def _set_up_postgresql(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        # The earliest and latest times, which some programs send in place of none, cannot be expressed in any other zone.
        cursor.execute("SET timezone = 'UTC'")
        cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}s'")
        cursor.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT}s'")
        # If a process is suspended in a transaction, its locks are released for others.
        cursor.execute(f"SET idle_in_transaction_session_timeout = '{STATEMENT_TIMEOUT}s'")
        # If its host vanishes there, the server notices as soon as it would notice the server's end.
        for setting in _TCP_OF_SERVER:
            cursor.execute(f"SET {setting}")
    connection.commit()


def _close_to_others(_dialect: Any, _record: Any, arguments: Any, _options: Any) -> None:
    """Only we may read the file, and so the others that SQLite makes beside it, with the same permissions."""
    # Not by opening it: closing a file again would drop the locks that this process has on it.
    with contextlib.suppress(OSError):
        os.mknod(arguments[0], 0o600 | stat.S_IFREG)
    with contextlib.suppress(OSError):
        # If it is not ours, or its folder is missing, connecting says so.
        os.chmod(arguments[0], 0o600)


def _set_up_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # Otherwise the driver would begin transactions itself, and only before the first write.
    connection.isolation_level = None
    for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {setting}").close()


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql(f"PRAGMA query_only = {int(read_only)}")
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


Columns = list[psycopg.Column]
# By names and types; there are as many as there are different column lists in statements.
_DESCRIPTIONS: dict[tuple[tuple[bytes | None, int], ...], Columns] = {}


class CachedDescriptionCursor(psycopg.Cursor[Any]):
    """Describes columns only once. SQLAlchemy asks for them after each statement, a quarter of the time to read an invoice."""

    @property
    def description(self) -> Columns | None:
        result = self.pgresult
        if result is None or result.status != ExecStatus.TUPLES_OK:
            return super().description
        shape = tuple([(result.fname(place), result.ftype(place)) for place in range(result.nfields)])
        description = _DESCRIPTIONS.get(shape)
        if description is None:
            description = _DESCRIPTIONS[shape] = super().description or []
        return description
