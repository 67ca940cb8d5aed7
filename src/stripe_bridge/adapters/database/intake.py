"""Where webhooks come in: the events of simultaneous requests are committed together.

A commit costs the disk a turn, however much is in it. So one of the requests that wait leads: it commits what has gathered,
its own event included, hands its lane to the first of those that came meanwhile, and wakes those whose events were in it.
Nobody waits for company: a request that comes alone commits at once.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import SQLAlchemyError

from stripe_bridge.adapters.database.storing import Key, key_of, storage_for
from stripe_bridge.adapters.database.transaction import telling_unavailable
from stripe_bridge.domain.webhook_event import WebhookEvent
from stripe_bridge.ports.unit_of_work import StoreUnavailable

# As many as a leader takes along; more wait for the next one.
_MOST = 31
# Batches under way at once: while one waits for the disk, the next one is on its way there.
_LANES = 2


class _Arrival:
    """One event that wants to be stored, and what became of it. Whoever brings it sleeps until it is woken."""

    __slots__ = ("_asleep", "error", "event", "is_new", "lane")

    def __init__(self, event: WebhookEvent) -> None:
        self.event = event
        self.is_new = False
        self.lane: _Lane | None = None
        self.error: Exception | None = None
        # A bare lock: the hottest path has no use for what an Event can do beside.
        self._asleep = threading.Lock()
        self._asleep.acquire()

    def sleep(self) -> None:
        self._asleep.acquire()

    def wake(self) -> None:
        self._asleep.release()


class Intake:
    """Commits a batch in each of its lanes at a time."""

    def __init__(self, engine: Engine) -> None:
        lanes = _LANES if engine.dialect.name == "postgresql" else 1
        self._free = [_Lane(engine) for _ in range(lanes)]
        self._lanes = tuple(self._free)
        self._mutex = threading.Lock()
        self._waiting: list[_Arrival] = []

    def receive(self, event: WebhookEvent) -> bool:
        """Whether it is new. Raises StoreUnavailable."""
        arrival = _Arrival(event)
        with self._mutex:
            if self._free:
                arrival.lane = self._free.pop()
            else:
                self._waiting.append(arrival)
        if arrival.lane is None:
            arrival.sleep()
        if arrival.lane is not None:
            self._lead(arrival, arrival.lane)
        if arrival.error is not None:
            raise arrival.error
        return arrival.is_new

    def close(self) -> None:
        for lane in self._lanes:
            lane.close()

    def _lead(self, leader: _Arrival, lane: _Lane) -> None:
        """Store one batch: the leader's event, and those of all who wait."""
        with self._mutex:
            batch = [leader, *self._waiting[:_MOST]]
            del self._waiting[:_MOST]
        try:
            lane.store(batch)
        finally:
            with self._mutex:
                heir = self._waiting.pop(0) if self._waiting else None
                if heir is None:
                    self._free.append(lane)
            if heir is not None:
                heir.lane = lane
                heir.wake()
            for arrival in batch:
                if arrival is not leader:
                    arrival.wake()


class _Lane:
    """A connection on which one batch after the other is committed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._storage = storage_for(engine)
        self._connection: PoolProxiedConnection | None = None

    def store(self, batch: Sequence[_Arrival]) -> None:
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
                self.store([arrival])
        else:
            for arrival in batch:
                key = key_of(arrival.event)
                arrival.is_new = key in new
                # Of the same event twice in a batch one is new.
                new.discard(key)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _commit_in_order(self, events: list[WebhookEvent]) -> set[Key]:
        """Always in the same order, so that two batches of the same events wait for each other, and not both."""
        events.sort(key=key_of)
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
                    self._connection = self._engine.raw_connection()
                    # Kept out of the pool from now on: this connection is no longer as others expect it.
                    self._connection.detach()
                return self._storage.store(self._connection.dbapi_connection, events)
        except Exception:
            with suppress(SQLAlchemyError, StoreUnavailable), telling_unavailable():
                self.close()
            raise
