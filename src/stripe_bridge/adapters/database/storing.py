"""Storing a batch of events in one transaction, by the driver itself: on this path a layer's cost is that of the whole.

What is stored, and in which form, comes from the same table and types as everywhere else.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

import psycopg
from psycopg import pq
from sqlalchemy import Dialect, Engine

from stripe_bridge.adapters.database.events import EVENTS, STORE
from stripe_bridge.domain.webhook_event import WebhookEvent

Key = tuple[str, bool, str]
_KEY = ("account_id", "livemode", "stripe_event_id")
# Known when an event comes in; what is left out is null.
_GIVEN = (
    *_KEY,
    "event_type",
    "related_object_id",
    "event_created_at",
    "created_at",
    "updated_at",
    "due_at",
    "status",
    "skip_reason",
    "processed_at",
    "attempts",
    "payload",
)

_POSTGRESQL = """
INSERT INTO webhook_events (tenant_id, integration_id, {names})
SELECT owner.tenant_id, owner.id, incoming.* FROM (VALUES {rows}) AS incoming ({names})
LEFT JOIN LATERAL (
    SELECT tenant_id, id FROM integrations WHERE account_id = incoming.account_id
    ORDER BY connected DESC, disconnected_at DESC, id DESC LIMIT 1
) AS owner ON true
ON CONFLICT ({key}) DO NOTHING RETURNING {key}
"""


class Storage(Protocol):
    def store(self, connection: Any, events: Sequence[WebhookEvent]) -> set[Key]:
        """Those that are new, committed."""
        ...


def storage_for(engine: Engine) -> Storage:
    return (PostgresqlStorage if engine.dialect.name == "postgresql" else SqliteStorage)(engine.dialect)


def key_of(event: WebhookEvent) -> Key:
    return event.account_id, event.livemode, event.stripe_event_id


class PostgresqlStorage:
    """One prepared statement, which is a transaction by itself: the turns to begin and to commit are saved.

    Through libpq: psycopg's cursors read the whole statement anew each time once it is as long as this one gets.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._types = [EVENTS.table.c[name].type.compile(dialect) for name in _GIVEN]
        # Bytes as they are; all else as text.
        self._formats = [int(name == "payload") for name in _GIVEN]
        self._connection: psycopg.Connection[Any] | None = None
        self._prepared: set[int] = set()

    def store(self, connection: psycopg.Connection[Any], events: Sequence[WebhookEvent]) -> set[Key]:
        number, server = len(events), connection.pgconn
        if connection is not self._connection:
            connection.autocommit = True
            self._connection, self._prepared = connection, set()
        if number not in self._prepared:
            _check(connection, server.prepare(b"receive_%d" % number, self._statement(number)))
            self._prepared.add(number)
        values = [_as_libpq(getattr(event, name)) for event in events for name in _GIVEN]
        result = server.exec_prepared(b"receive_%d" % number, values, self._formats * number)  # type: ignore[arg-type]  # its types know no null
        _check(connection, result)
        return {_key_in(result, row) for row in range(result.ntuples)}

    def _statement(self, number: int) -> bytes:
        """Made of names in this file alone."""
        parameters = itertools.count(1)
        rows = [", ".join(f"${next(parameters)}::{type_}" for type_ in self._types) for _ in range(number)]
        names, key = ", ".join(_GIVEN), ", ".join(_KEY)
        return _POSTGRESQL.format(names=names, key=key, rows=", ".join(f"({row})" for row in rows)).encode()


def _as_libpq(value: Any) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    return (value.isoformat() if isinstance(value, datetime) else str(value)).encode()


def _check(connection: psycopg.Connection[Any], result: pq.abc.PGresult) -> None:
    if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        return
    if connection.closed or connection.broken:
        raise psycopg.OperationalError(result.get_error_message())
    raise psycopg.errors.error_from_result(result)


def _key_in(result: pq.abc.PGresult, row: int) -> Key:
    account_id, livemode, event_id = (result.get_value(row, column) or b"" for column in range(len(_KEY)))
    return account_id.decode(), livemode == b"t", event_id.decode()


class SqliteStorage:
    """The inbox's own statement, once for each event."""

    def __init__(self, dialect: Dialect) -> None:
        compiled = STORE.compile(dialect=dialect)
        self._sql = str(compiled)
        self._constants = compiled.params
        self._names = compiled.positiontup or []
        self._forms = dict(_forms(dialect, [name for name in self._names if name in EVENTS.table.c]))

    def store(self, connection: sqlite3.Connection, events: Sequence[WebhookEvent]) -> set[Key]:
        # It may have been a reader's before.
        connection.execute("PRAGMA query_only = 0")
        connection.execute("BEGIN IMMEDIATE")
        try:
            new = {key_of(event) for event in events if self._is_new(connection, event)}
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return new

    def _is_new(self, connection: sqlite3.Connection, event: WebhookEvent) -> bool:
        values = self._constants | {name: form(getattr(event, name)) for name, form in self._forms.items()}
        return connection.execute(self._sql, [values[name] for name in self._names]).fetchone() is not None


def _forms(dialect: Dialect, names: Iterable[str]) -> list[tuple[str, Callable[[Any], Any]]]:
    """How the driver takes the values of each column."""
    columns = EVENTS.table.c
    return [
        (name, columns[name].type.dialect_impl(dialect).bind_processor(dialect) or _as_it_is)
        for name in names
    ]


def _as_it_is(value: Any) -> Any:
    return value
