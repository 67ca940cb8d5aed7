"""Where webhooks come in: the events of simultaneous requests are committed together.

A commit costs the disk a turn, however much is in it. So while one batch is on its way there, the next one gathers. Nobody
waits for company for longer than the event loop takes to look around: a request that comes alone commits at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy import Engine

from stripe_bridge.adapters.database.storing import PostgresqlStorage, Storage, key_of
from stripe_bridge.adapters.database.storing_on_sqlite import SqliteStorage
from stripe_bridge.domain.webhook_event import WebhookEvent
from stripe_bridge.ports.unit_of_work import StoreUnavailable

# As many as are stored by one statement; more wait for the next one.
_MOST = 32
# Of the loop, before a batch goes: those whose requests are just being read are in it, too, and share what a statement costs.
_TURNS = 3

_Arrival = tuple[WebhookEvent, asyncio.Future[bool]]


class SqlIntake:
    """All of it happens in the event loop that it is first used in."""

    def __init__(self, engine: Engine) -> None:
        of_kind = PostgresqlStorage if engine.dialect.name == "postgresql" else SqliteStorage
        self._storage: Storage = of_kind(engine)
        self._waiting: list[_Arrival] = []
        self._storing: asyncio.Task[None] | None = None

    async def receive(self, event: WebhookEvent) -> bool:
        loop = asyncio.get_running_loop()
        told: asyncio.Future[bool] = loop.create_future()
        self._waiting.append((event, told))
        if self._storing is None:
            self._storing = loop.create_task(self._store_all())
        return await told

    def close(self) -> None:
        self._storage.close()

    async def _store_all(self) -> None:
        """One batch after the other, until nobody waits."""
        try:
            while self._waiting:
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
                batch = self._waiting[:_MOST]
                del self._waiting[:_MOST]
                await self._store(batch)
        finally:
            self._storing = None

    async def _store(self, batch: Sequence[_Arrival]) -> None:
        """Tell each what became of it. What cannot be stored is no fault of those that came with it.

        Always in the same order, so that two processes with the same events wait for each other, and not both for ever.
        """
        try:
            new = await self._storage.store(sorted((event for event, _ in batch), key=key_of))
        except StoreUnavailable as error:
            # Whoever has come meanwhile would wait as long again, one batch after the other.
            late, self._waiting = self._waiting, []
            for _, told in [*batch, *late]:
                _fail(told, error)
        except Exception as error:
            if len(batch) == 1:
                _fail(batch[0][1], error)
                return
            for arrival in batch:
                await self._store([arrival])
        else:
            for event, told in batch:
                key = key_of(event)
                # Whoever brought it may be gone.
                if not told.done():
                    told.set_result(key in new)
                # Of the same event twice in a batch one is new.
                new.discard(key)


def _fail(told: asyncio.Future[bool], error: Exception) -> None:
    if not told.done():
        told.set_exception(error)
