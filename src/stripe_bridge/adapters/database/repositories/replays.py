"""Replays of webhook events, in SQL."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import bindparam

from stripe_bridge.adapters.database.mapping import AggregateMapper, UniqueRule, with_lock
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.replays import IS_RUNNING, ReplayRow
from stripe_bridge.domain.errors.base import ReplayNotFound
from stripe_bridge.domain.errors.conflicts import ReplayPlanOutdated
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.replay import Replay

_REPLAYS = AggregateMapper(
    Replay,
    ReplayRow,
    rule=UniqueRule.of(ReplayRow, "uq_replays_running", ReplayPlanOutdated),
    fixed=frozenset("tenant_id origin filter limit digest event_ids planned created_at".split()),
)
_REPLAY = _REPLAYS.table.c
_BY_ID = with_lock(_REPLAYS.select.where(_REPLAY.id == bindparam("id")))
_NEXT = (
    _REPLAYS.select.where(IS_RUNNING)
    .order_by(_REPLAY.id)
    .limit(1)
    .with_for_update(skip_locked=True, key_share=True)
)


class SqlReplays:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, replay: Replay) -> Replay:
        return replace(replay, id=self._transaction.add(_REPLAYS, replay))

    def get(self, tenant_id: str | None, replay_id: int, *, lock: bool = False) -> Replay:
        found = self._transaction.find(_REPLAYS, _BY_ID[lock], id=replay_id)
        if found is None or tenant_id not in (None, found.tenant_id):
            raise ReplayNotFound
        return found

    def page(self, tenant_id: str | None, request: PageRequest) -> Page[Replay]:
        statement = _REPLAYS.select
        if tenant_id is not None:
            statement = statement.where(_REPLAY.tenant_id == tenant_id)
        return self._transaction.page(_REPLAYS, statement, request)

    def lock_next(self) -> Replay | None:
        return self._transaction.find(_REPLAYS, _NEXT)

    def save(self, replay: Replay) -> Replay:
        self._transaction.save(_REPLAYS, replay)
        return replace(replay, version=replay.version + 1)
