"""Where webhooks come in: the events of simultaneous requests are committed together.

A commit costs one disk flush, however much is in it. So while one batch is being flushed, the next one fills. No request
waits for others longer than a few turns of the event loop: a single request commits at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy import Engine

from stripe_bridge.adapters.database.ingest.batch import BatchInsert, key_of
from stripe_bridge.adapters.database.ingest.postgresql import PostgresqlBatchInsert
from stripe_bridge.adapters.database.ingest.sqlite import SqliteBatchInsert
from stripe_bridge.domain.webhook_event import WebhookEvent
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable

# Events per statement; more wait for the next one.
MAX_BATCH = 32
# Turns of the event loop before a batch is stored, so that requests that are just being read join it and share its cost.
LOOP_TURNS = 3

_Pending = tuple[WebhookEvent, asyncio.Future[bool]]


class GroupCommit:
    """Everything happens in the event loop in which it is first used."""

    def __init__(self, engine: Engine) -> None:
        of_kind = PostgresqlBatchInsert if engine.dialect.name == "postgresql" else SqliteBatchInsert
        self._storage: BatchInsert = of_kind(engine)
        self._waiting: list[_Pending] = []
        self._storing: asyncio.Task[None] | None = None

    async def receive(self, event: WebhookEvent) -> bool:
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[bool] = loop.create_future()
        self._waiting.append((event, outcome))
        if self._storing is None:
            self._storing = loop.create_task(self._store_all())
        return await outcome

    def close(self) -> None:
        self._storage.close()

    async def _store_all(self) -> None:
        """Store one batch after the other, until none is waiting."""
        try:
            while self._waiting:
                for _ in range(LOOP_TURNS):
                    await asyncio.sleep(0)
                batch = self._waiting[:MAX_BATCH]
                del self._waiting[:MAX_BATCH]
                await self._store(batch)
        finally:
            self._storing = None

    async def _store(self, batch: Sequence[_Pending]) -> None:
        """Store a batch, and resolve each request's outcome. One that cannot be stored does not fail the others.

        Events are always stored in the same order, so that two processes with the same events cannot deadlock.
        """
        try:
            new = await self._storage.store(sorted((event for event, _ in batch), key=key_of))
        except StoreUnavailable as error:
            # Those that arrived in the meantime would have to wait as long again, batch after batch.
            late, self._waiting = self._waiting, []
            for _, outcome in [*batch, *late]:
                _fail(outcome, error)
        except Exception as error:
            if len(batch) == 1:
                _fail(batch[0][1], error)
                return
            for pending in batch:
                await self._store([pending])
        else:
            for event, outcome in batch:
                key = key_of(event)
                # The request that brought it may be gone.
                if not outcome.done():
                    outcome.set_result(key in new)
                # If an event is in the batch twice, one of the two is new.
                new.discard(key)


def _fail(outcome: asyncio.Future[bool], error: Exception) -> None:
    if not outcome.done():
        outcome.set_exception(error)
