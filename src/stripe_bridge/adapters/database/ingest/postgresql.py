"""Storing a batch of events in one transaction, with the bare driver: here a layer in between would cost as much as the rest.

Columns and types come from the same table as everywhere else. It runs in an event loop.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime

from psycopg import pq
from sqlalchemy import Engine

from stripe_bridge.adapters.database.compression import compressed
from stripe_bridge.adapters.database.ingest.batch import Key, key_of, statement
from stripe_bridge.adapters.database.ingest.libpq import AsyncConnection
from stripe_bridge.adapters.database.repositories.inbox_insert import COLUMNS, EVENTS, KEY
from stripe_bridge.adapters.database.statements import translate_driver_errors
from stripe_bridge.domain.webhook_event import WebhookEvent
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable

_INSERT = """
INSERT INTO webhook_events (tenant_id, integration_id, {columns})
SELECT owner.tenant_id, owner.id, incoming.* FROM (VALUES {rows}) AS incoming ({columns})
LEFT JOIN LATERAL ({owner}) AS owner ON true
ON CONFLICT ({key}) DO NOTHING RETURNING {key}
"""


class PostgresqlBatchInsert:
    """One prepared statement that is a transaction of its own, which saves the round trips to begin and to commit.

    It goes through libpq, because psycopg's cursors parse a statement as long as this one gets anew every time.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._types = [EVENTS.table.c[name].type.compile(engine.dialect) for name in COLUMNS]
        # Bytes are sent as they are, everything else as text.
        self._formats = [int(name == "payload") for name in COLUMNS]
        self._connection: AsyncConnection | None = None

    async def store(self, events: Sequence[WebhookEvent]) -> set[Key]:
        had_connection = self._connection is not None
        try:
            return await self._store(events)
        except StoreUnavailable:
            if not had_connection:
                raise
        # The connection may have died while it was idle. If the events were stored after all, storing them again is harmless.
        return await self._store(events)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def _store(self, events: Sequence[WebhookEvent]) -> set[Key]:
        number = len(events)
        values = [value for event in events for value in _as_libpq(event)]
        try:
            with translate_driver_errors():
                if self._connection is None:
                    self._connection = await AsyncConnection.of(self._engine)
                result = await self._connection.execute(
                    b"receive_%d" % number, lambda: self._statement(number), values, self._formats * number
                )
        except Exception:
            self.close()
            raise
        if result.ntuples == number:
            return set(map(key_of, events))
        return {_key_in(result, row) for row in range(result.ntuples)}

    def _statement(self, number: int) -> bytes:
        parameters = itertools.count(1)
        rows = [", ".join(f"${next(parameters)}::{type_}" for type_ in self._types) for _ in range(number)]
        return statement(_INSERT, ", ".join(f"({row})" for row in rows)).encode()


def _as_libpq(event: WebhookEvent) -> tuple[bytes | None, ...]:
    """The values of an event in the order of `COLUMNS`, as libpq takes them."""
    created_at = _moment(event.created_at)
    return (
        event.account_id.encode(),
        b"t" if event.livemode else b"f",
        event.stripe_event_id.encode(),
        event.event_type.encode(),
        None if event.related_object_id is None else event.related_object_id.encode(),
        _moment(event.event_created_at),
        created_at,
        # Formatting a time is what takes longest here, and most are the same.
        created_at if event.updated_at is event.created_at else _moment(event.updated_at),
        created_at if event.due_at is event.created_at else _moment(event.due_at),
        event.status.value.encode(),
        None if event.skip_reason is None else event.skip_reason.value.encode(),
        None if event.processed_at is None else _moment(event.processed_at),
        b"%d" % event.attempts,
        None if event.payload is None else compressed(event.payload),
    )


def _moment(value: datetime) -> bytes:
    return value.isoformat().encode()


def _key_in(result: pq.abc.PGresult, row: int) -> Key:
    account_id, livemode, event_id = (result.get_value(row, column) or b"" for column in range(len(KEY)))
    return account_id.decode(), livemode == b"t", event_id.decode()
