"""Where webhooks come in: the events of simultaneous requests are committed together.

A commit costs the disk a turn, however much is in it. So one of the requests that wait leads: it commits what has gathered,
its own event included, hands the lead to the first of those that came meanwhile, and wakes those whose events were in it.
Nobody waits for company: a request that comes alone commits at once.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    Connection,
    DateTime,
    Engine,
    LargeBinary,
    Text,
    bindparam,
    case,
    column,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from stripe_bridge.adapters.database.accounts import LAST_CONNECTED
from stripe_bridge.adapters.database.inbox import EVENTS, STORE, values_to_store
from stripe_bridge.adapters.database.mapping import table_of
from stripe_bridge.adapters.database.rows import IntegrationRow
from stripe_bridge.adapters.database.transaction import telling_unavailable
from stripe_bridge.domain.webhook_event import EventStatus, WebhookEvent
from stripe_bridge.ports.unit_of_work import StoreUnavailable

# As many as one statement may hold up; more wait for the next one.
_MOST = 64
_COLUMNS: dict[str, Any] = {
    "stripe_event_id": Text,
    "event_type": Text,
    "account_id": Text,
    "livemode": Boolean,
    "related_object_id": Text,
    "event_created_at": DateTime(timezone=True),
    "created_at": DateTime(timezone=True),
    "status": Text,
    "skip_reason": Text,
    "payload": LargeBinary,
}
_KEY = ("account_id", "livemode", "stripe_event_id")
Key = tuple[str, bool, str]


def _store_many() -> Any:
    """As the inbox's own statement, for arrays of events: one for any number of them, so that it is prepared once."""
    arrays = [bindparam(name, type_=ARRAY(type_)) for name, type_ in _COLUMNS.items()]
    incoming = (
        func.unnest(*arrays)
        .table_valued(*(column(name, type_) for name, type_ in _COLUMNS.items()))
        .render_derived(name="incoming")
    )
    given, integration = incoming.c, table_of(IntegrationRow).c
    owner = (
        select(integration.tenant_id, integration.id)
        .where(integration.account_id == given.account_id)
        .order_by(*LAST_CONNECTED)
        .limit(1)
        .lateral("owner")
    )
    values = {
        **{name: given[name] for name in _COLUMNS},
        "tenant_id": owner.c.tenant_id,
        "integration_id": owner.c.id,
        "updated_at": given.created_at,
        "due_at": given.created_at,
        "processed_at": case((given.status == EventStatus.SKIPPED, given.created_at)),
        "attempts": literal(0),
    }
    rows = select(*values.values()).select_from(incoming.outerjoin(owner, true()))
    table = EVENTS.table
    return (
        insert(table)
        .from_select(list(values), rows)
        .on_conflict_do_nothing(index_elements=[table.c[name] for name in _KEY])
        .returning(*(table.c[name] for name in _KEY))
    )


_STORE_MANY = _store_many()


class _Arrival:
    """One event that wants to be stored, and what became of it. Whoever brings it sleeps until it is woken."""

    __slots__ = ("_asleep", "error", "event", "is_leader", "is_new")

    def __init__(self, event: WebhookEvent) -> None:
        self.event = event
        self.is_new = self.is_leader = False
        self.error: Exception | None = None
        # A bare lock: the hottest path has no use for what an Event can do beside.
        self._asleep = threading.Lock()
        self._asleep.acquire()

    def sleep(self) -> None:
        self._asleep.acquire()

    def wake(self) -> None:
        self._asleep.release()


class Intake:
    """Commits one batch at a time, over a connection of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stores_arrays = engine.dialect.name == "postgresql"
        self._connection: Connection | None = None
        self._mutex = threading.Lock()
        self._waiting: list[_Arrival] = []
        self._is_led = False

    def receive(self, event: WebhookEvent) -> bool:
        """Whether it is new. Raises StoreUnavailable."""
        arrival = _Arrival(event)
        with self._mutex:
            self._waiting.append(arrival)
            arrival.is_leader, self._is_led = not self._is_led, True
        if not arrival.is_leader:
            arrival.sleep()
        if arrival.is_leader:
            self._lead(arrival)
        if arrival.error is not None:
            raise arrival.error
        return arrival.is_new

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _lead(self, leader: _Arrival) -> None:
        """Store one batch. The leader is in it, as the first of those that wait."""
        with self._mutex:
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        try:
            self._store(batch)
        finally:
            with self._mutex:
                heir = self._waiting[0] if self._waiting else None
                self._is_led = heir is not None
            if heir is not None:
                heir.is_leader = True
                heir.wake()
            for arrival in batch:
                if arrival is not leader:
                    arrival.wake()

    def _store(self, batch: Sequence[_Arrival]) -> None:
        """Tell each what became of it. What cannot be stored is no fault of those that came with it."""
        try:
            new = self._commit_in_order([arrival.event for arrival in batch])
        except StoreUnavailable as error:
            for arrival in batch:
                arrival.error = error
        except Exception as error:
            if len(batch) == 1:
                batch[0].error = error
                return
            for arrival in batch:
                self._store([arrival])
        else:
            for arrival in batch:
                key = _key(arrival.event)
                arrival.is_new = key in new
                # Of the same event twice in a batch one is new.
                new.discard(key)

    def _commit_in_order(self, events: list[WebhookEvent]) -> set[Key]:
        """Always in the same order, so that two processes with the same events wait for each other, and not both."""
        events.sort(key=_key)
        had_connection = self._connection is not None
        try:
            return self._commit(events)
        except StoreUnavailable:
            if not had_connection:
                raise
        # The connection may have died of old age. Storing again what was stored after all does nothing.
        return self._commit(events)

    def _commit(self, events: Sequence[WebhookEvent]) -> set[Key]:
        try:
            with telling_unavailable():
                if self._connection is None:
                    self._connection = self._connect()
                return self._execute(self._connection, events)
        except Exception:
            with suppress(SQLAlchemyError):
                self.close()
            raise

    def _connect(self) -> Connection:
        connection = self._engine.connect()
        # One statement is a transaction by itself: the turns to begin and to commit are saved.
        return (
            connection.execution_options(isolation_level="AUTOCOMMIT") if self._stores_arrays else connection
        )

    def _execute(self, connection: Connection, events: Sequence[WebhookEvent]) -> set[Key]:
        if self._stores_arrays:
            arrays = {name: [getattr(event, name) for event in events] for name in _COLUMNS}
            return {tuple(row) for row in connection.execute(_STORE_MANY, arrays)}
        with connection.begin():
            return {
                _key(event)
                for event in events
                if connection.execute(STORE, values_to_store(event)).first() is not None
            }


def _key(event: WebhookEvent) -> Key:
    return event.account_id, event.livemode, event.stripe_event_id
