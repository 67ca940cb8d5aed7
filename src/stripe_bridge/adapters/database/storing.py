"""Storing a batch of events in one transaction, by the driver itself: on this path a layer's cost is that of the whole.

What is stored, and in which form, comes from the same table and types as everywhere else.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import psycopg
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
    """One statement, which is a transaction by itself: the turns to begin and to commit are saved."""

    def __init__(self, dialect: Dialect) -> None:
        self._forms = _forms(dialect, _GIVEN)
        types = [EVENTS.table.c[name].type.compile(dialect) for name in _GIVEN]
        # Bytes as they are, not as text.
        self._row = ", ".join(
            f"%{'b' if name == 'payload' else 's'}::{type_}"
            for name, type_ in zip(_GIVEN, types, strict=True)
        )
        self._statement = lru_cache(maxsize=None)(self._statement_for)

    def store(self, connection: psycopg.Connection[Any], events: Sequence[WebhookEvent]) -> set[Key]:
        if not connection.autocommit:
            connection.autocommit = True
        values = [form(getattr(event, name)) for event in events for name, form in self._forms]
        with connection.cursor() as cursor:
            cursor.execute(self._statement(len(events)), values, prepare=True)
            return set(cursor)

    def _statement_for(self, number: int) -> bytes:
        """Made of names in this file alone."""
        names, key = ", ".join(_GIVEN), ", ".join(_KEY)
        return _POSTGRESQL.format(names=names, key=key, rows=", ".join([f"({self._row})"] * number)).encode()


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
