"""Storing a batch of events on SQLite: in a thread, because its driver blocks on the disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import Dialect, Engine, PoolProxiedConnection

from stripe_bridge.adapters.database.engine import LOCK_TIMEOUT
from stripe_bridge.adapters.database.ingest.batch import Key, key_of, statement
from stripe_bridge.adapters.database.outages import SqliteCode, sqlite_code
from stripe_bridge.adapters.database.repositories.inbox_insert import COLUMNS, EVENTS
from stripe_bridge.adapters.database.statements import translate_driver_errors
from stripe_bridge.adapters.database.types import UtcDateTime
from stripe_bridge.domain.webhook_event import WebhookEvent

if TYPE_CHECKING:
    import sqlite3

# Between two attempts to get the write lock.
LOCK_POLL_INTERVAL = 0.001
# The driver counts rows only for statements that begin with INSERT. Without WHERE, ON CONFLICT would be parsed as the join's.
_INSERT = """
INSERT INTO webhook_events (tenant_id, integration_id, {columns})
WITH incoming ({columns}) AS (VALUES {rows})
SELECT owner.tenant_id, owner.id, incoming.* FROM incoming
LEFT JOIN integrations AS owner ON owner.id = (SELECT id FROM ({owner}))
WHERE true ON CONFLICT ({key}) DO NOTHING
"""


class SqliteBatchInsert:
    """One statement for all events: with each statement the driver releases the GIL, and has to get it back from a busy loop.

    The number of stored rows shows whether all are new. If not, it is rolled back, and each event gets its own statement.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._values_of = _binding(engine.dialect)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="event-ingest")
        self._connection: PoolProxiedConnection | None = None

    async def store(self, events: Sequence[WebhookEvent]) -> set[Key]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._store, events)

    def close(self) -> None:
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()

    def _store(self, events: Sequence[WebhookEvent]) -> set[Key]:
        try:
            with translate_driver_errors():
                if self._connection is None:
                    self._connection = self._connect()
                return self._commit(self._connection.dbapi_connection, events)
        except Exception:
            connection, self._connection = self._connection, None
            if connection is not None:
                # This rolls back what is not committed.
                connection.close()
            raise

    def _connect(self) -> PoolProxiedConnection:
        connection = self._engine.raw_connection()
        # It must not go back to the pool: it is no longer in the state that others expect.
        connection.detach()
        driver: Any = connection.dbapi_connection
        # It may have been read-only before; and we do the waiting for the write lock ourselves.
        for setting in ("query_only = 0", "busy_timeout = 0"):
            driver.execute(f"PRAGMA {setting}").close()
        return connection

    def _commit(self, connection: Any, events: Sequence[WebhookEvent]) -> set[Key]:
        _begin(connection)
        if self._insert(connection, events) == len(events):
            new = set(map(key_of, events))
        else:
            connection.execute("ROLLBACK")
            _begin(connection)
            new = {key_of(event) for event in events if self._insert(connection, [event])}
        connection.execute("COMMIT")
        return new

    def _insert(self, connection: sqlite3.Connection, events: Sequence[WebhookEvent]) -> int:
        """Returns how many are new."""
        values = [value for event in events for value in self._values_of(event)]
        return connection.execute(_statement(len(events)), values).rowcount


def _begin(connection: sqlite3.Connection) -> None:
    """Get the write lock. SQLite itself retries less and less often, up to a tenth of a second apart, and so would wait much
    longer than a batch of events takes to be applied.

    Raises sqlite3.OperationalError if others hold it for too long.
    """
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except Exception as error:
            if sqlite_code(error) != SqliteCode.BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(LOCK_POLL_INTERVAL)
        else:
            return


@lru_cache
def _statement(number: int) -> str:
    row = f"({', '.join('?' * len(COLUMNS))})"
    return statement(_INSERT, ", ".join([row] * number))


def _binding(dialect: Dialect) -> Callable[[WebhookEvent], list[Any]]:
    """The values of an event in the order of `COLUMNS`, as the driver takes them."""
    moment = UtcDateTime().dialect_impl(dialect).bind_processor(dialect)
    # The same time is used in several columns.
    kept_moment = lru_cache(moment) if moment else None
    forms: list[Callable[[WebhookEvent], Any]] = []
    for name in COLUMNS:
        type_, value = EVENTS.table.c[name].type, attrgetter(name)
        is_moment = isinstance(type_, UtcDateTime)
        form = kept_moment if is_moment else type_.dialect_impl(dialect).bind_processor(dialect)
        forms.append(partial(_formed, form, value) if form else value)
    return lambda event: [form(event) for form in forms]


def _formed(form: Callable[[Any], Any], value: Callable[[WebhookEvent], Any], event: WebhookEvent) -> Any:
    return form(value(event))
