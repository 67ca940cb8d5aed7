"""Storing a batch of events on SQLite: in a thread, as its driver waits for the disk."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any

from sqlalchemy import Dialect, Engine, PoolProxiedConnection

from stripe_bridge.adapters.database.engine import LONGEST_WAIT
from stripe_bridge.adapters.database.events import EVENTS
from stripe_bridge.adapters.database.storing import GIVEN, KEY, Key, key_of
from stripe_bridge.adapters.database.transaction import telling_unavailable
from stripe_bridge.adapters.database.types import UtcDateTime
from stripe_bridge.domain.webhook_event import WebhookEvent

# Between two looks for the write lock.
_LOOK_SECONDS = 0.001
# The driver counts rows of what begins with INSERT. Without WHERE the conflict would be taken for the join's.
_STORE = """
INSERT INTO webhook_events (tenant_id, integration_id, {names})
WITH incoming ({names}) AS (VALUES {rows})
SELECT owner.tenant_id, owner.id, incoming.* FROM incoming LEFT JOIN integrations AS owner ON owner.id = (
    SELECT id FROM integrations WHERE account_id = incoming.account_id
    ORDER BY connected DESC, disconnected_at DESC, id DESC LIMIT 1
)
WHERE true ON CONFLICT ({key}) DO NOTHING
"""


class SqliteStorage:
    """One statement for all: with each the driver gives up the interpreter's lock, and has to get it back from a busy loop.

    How many rows it stored tells whether all are new. Where they are not, it is taken back, and each has its own.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._values_of = _binding(engine.dialect)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="intake")
        self._connection: PoolProxiedConnection | None = None

    async def store(self, events: Sequence[WebhookEvent]) -> set[Key]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._store, events)

    def close(self) -> None:
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()

    def _store(self, events: Sequence[WebhookEvent]) -> set[Key]:
        try:
            with telling_unavailable():
                if self._connection is None:
                    self._connection = self._connect()
                return self._commit(self._connection.dbapi_connection, events)
        except Exception:
            connection, self._connection = self._connection, None
            if connection is not None:
                # What is not committed ends with it.
                connection.close()
            raise

    def _connect(self) -> PoolProxiedConnection:
        connection = self._engine.raw_connection()
        # Kept out of the pool from now on: this connection is no longer as others expect it.
        connection.detach()
        driver: Any = connection.dbapi_connection
        # It may have been a reader's before; and it waits for the write lock by itself.
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
        """How many are new."""
        values = [value for event in events for value in self._values_of(event)]
        return connection.execute(_statement(len(events)), values).rowcount


def _begin(connection: sqlite3.Connection) -> None:
    """Take the write lock. SQLite itself looks for it less and less often, up to a tenth of a second apart: whoever waits for
    one that applies events would wait much longer than it takes.

    Raises sqlite3.OperationalError when others have it for too long.
    """
    deadline = time.monotonic() + LONGEST_WAIT
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            # Why it is busy is told in the upper bits.
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() >= deadline:
                raise
            time.sleep(_LOOK_SECONDS)
        else:
            return


@lru_cache
def _statement(number: int) -> str:
    """Made of names in this file alone."""
    row = f"({', '.join('?' * len(GIVEN))})"
    return _STORE.format(names=", ".join(GIVEN), key=", ".join(KEY), rows=", ".join([row] * number))


def _binding(dialect: Dialect) -> Callable[[WebhookEvent], list[Any]]:
    """The values of an event in the order of `GIVEN`, as the driver takes them."""
    moment = UtcDateTime().dialect_impl(dialect).bind_processor(dialect)
    # The same one stands in several columns.
    kept_moment = lru_cache(moment) if moment else None
    forms: list[Callable[[WebhookEvent], Any]] = []
    for name in GIVEN:
        type_, value = EVENTS.table.c[name].type, attrgetter(name)
        is_moment = isinstance(type_, UtcDateTime)
        form = kept_moment if is_moment else type_.dialect_impl(dialect).bind_processor(dialect)
        forms.append(partial(_formed, form, value) if form else value)
    return lambda event: [form(event) for form in forms]


def _formed(form: Callable[[Any], Any], value: Callable[[WebhookEvent], Any], event: WebhookEvent) -> Any:
    return form(value(event))
