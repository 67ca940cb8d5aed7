"""The inbox, stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select, update

from stripe_bridge.adapters.database.any_of import any_of
from stripe_bridge.adapters.database.mapping import with_lock
from stripe_bridge.adapters.database.repositories.inbox_claims import (
    CLAIM,
    LOCK_CLAIMED,
    LOCK_DUE,
    SETTLE,
    SETTLE_LOCKED,
    group_by_outcome,
)
from stripe_bridge.adapters.database.repositories.inbox_insert import (
    EVENTS,
    HAS_PAYLOAD,
    STORE,
    owner_columns,
    values_to_store,
)
from stripe_bridge.adapters.database.repositories.inbox_retention import purge_payloads
from stripe_bridge.adapters.database.repositories.totals import EVENT_TOTALS
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.inbox import IS_AWAITING, IS_FAILED
from stripe_bridge.domain.errors.base import WebhookEventNotFound
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.webhook_event import EventStatus, SkipReason, WebhookEvent
from stripe_bridge.ports.metrics import QueueDepth
from stripe_bridge.ports.storage.inbox import EventFilter

_EVENT = EVENTS.table.c
_REQUEUEABLE = [
    _EVENT.skip_reason.in_([SkipReason.DISCONNECTED, SkipReason.NO_INTEGRATION]),
    HAS_PAYLOAD,
]
_BY_ID = with_lock(EVENTS.select.where(_EVENT.id == bindparam("id")))
_OF_TENANT = {
    lock: statement.where(_EVENT.tenant_id == bindparam("tenant_id")) for lock, statement in _BY_ID.items()
}
_NEWEST_ID = select(func.coalesce(func.max(_EVENT.id), 0))
_DEPTH = select(_EVENT.status, func.count(), func.min(_EVENT.created_at)).where(IS_AWAITING)
# SQLite would otherwise take a larger index; every id is greater.
_FAILED = select(func.count()).select_from(EVENTS.table).where(IS_FAILED, _EVENT.id > 0)
_PAYLOADS = select(_EVENT.id, _EVENT.payload).where(any_of(_EVENT.id, "ids"))
_STATUSES = (
    select(_EVENT.status, func.count().label("number"))
    .where(any_of(_EVENT.id, "ids"))
    .group_by(_EVENT.status)
)
_PAYLOAD = select(_EVENT.payload).where(_EVENT.id == bindparam("id"))


class SqlInbox:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def store(self, event: WebhookEvent) -> bool:
        return self._transaction.execute(STORE, values_to_store(event)).first() is not None

    def claim(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[WebhookEvent]:
        given = {"now": now, "lease_until": lease_until, "limit": limit}
        claimed = [EVENTS.read(row) for row in self._transaction.execute(CLAIM, given)]
        return sorted(claimed, key=lambda event: event.id)

    def lock_due(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[WebhookEvent]:
        given = {"now": now, "lease_until": lease_until, "limit": limit}
        return sorted(self._transaction.list(EVENTS, LOCK_DUE, **given), key=lambda event: event.id)

    def settle_locked(self, events: Sequence[WebhookEvent]) -> None:
        for given in group_by_outcome(events):
            self._transaction.execute(SETTLE_LOCKED, given)

    def lock_claimed(self, claimed_until: datetime, events: Sequence[WebhookEvent]) -> None:
        given = {"ids": [event.id for event in events], "claimed_until": claimed_until}
        self._transaction.execute(LOCK_CLAIMED, given).all()

    def settle(self, claimed_until: datetime, events: Sequence[WebhookEvent]) -> Set[int]:
        settled: set[int] = set()
        for given in group_by_outcome(events):
            given["claimed_until"] = claimed_until
            settled.update(self._transaction.execute(SETTLE, given).scalars())
        return settled

    def get(self, tenant_id: str | None, event_id: int, *, lock: bool = False) -> WebhookEvent:
        if tenant_id is None:
            found = self._transaction.find(EVENTS, _BY_ID[lock], id=event_id)
        else:
            found = self._transaction.find(EVENTS, _OF_TENANT[lock], id=event_id, tenant_id=tenant_id)
        if found is None:
            raise WebhookEventNotFound
        return found

    def payload(self, tenant_id: str | None, event_id: int) -> bytes:
        statement = _PAYLOAD if tenant_id is None else _PAYLOAD.where(_EVENT.tenant_id == tenant_id)
        found: bytes | None = self._transaction.execute(statement, {"id": event_id}).scalar()
        if found is None:
            raise WebhookEventNotFound
        return found

    def payloads(self, event_ids: Sequence[int]) -> Mapping[int, bytes]:
        rows = self._transaction.execute(_PAYLOADS, {"ids": list(event_ids)})
        return {row.id: row.payload for row in rows}

    def count_by_status(self, event_ids: Sequence[int]) -> Mapping[EventStatus, int]:
        rows = self._transaction.execute(_STATUSES, {"ids": list(event_ids)})
        return {row.status: row.number for row in rows}

    def purge_payloads(self, stored_before: datetime, limit: int) -> int:
        return purge_payloads(self._transaction, stored_before, limit)

    def requeue(self, event_id: int, now: datetime) -> None:
        statement = update(EVENTS.table).where(_EVENT.id == event_id).values(_as_received(now))
        if self._transaction.execute(statement).rowcount == 0:
            raise WebhookEventNotFound

    def requeue_skipped(self, account_id: str, now: datetime, *, waiting: bool) -> int:
        of_account = select(_EVENT.id).where(_EVENT.account_id == account_id)
        locked = of_account.order_by(_EVENT.id).with_for_update(skip_locked=not waiting, key_share=True)
        requeued = update(EVENTS.table).where(any_of(_EVENT.id, "ids")).values(_as_received(now))
        number = 0
        # Waiting events first: one that a worker is skipping at this moment is then among the skipped ones.
        for matching in (locked.where(IS_AWAITING), locked.where(*_REQUEUEABLE)):
            ids = self._transaction.execute(matching).scalars().all()
            number += self._transaction.execute(requeued, {"ids": ids}).rowcount
        return number

    def page(self, tenant_id: str | None, matching: EventFilter, request: PageRequest) -> Page[WebhookEvent]:
        statement = EVENTS.select.where(*_conditions(tenant_id, matching))
        return self._transaction.page(EVENTS, statement, request, _total_statements(tenant_id, matching))

    def oldest(self, tenant_id: str | None, matching: EventFilter, limit: int) -> Sequence[WebhookEvent]:
        statement = EVENTS.select.where(*_conditions(tenant_id, matching)).order_by(_EVENT.id).limit(limit)
        return self._transaction.list(EVENTS, statement)

    def count(self, tenant_id: str | None, matching: EventFilter, *, up_to: int | None = None) -> int:
        found = select(_EVENT.id).where(*_conditions(tenant_id, matching)).limit(up_to).subquery()
        statement = select(func.count()).select_from(found)
        number: int = self._transaction.execute(statement).scalar_one()
        return number

    def newest_id(self) -> int:
        newest: int = self._transaction.execute(_NEWEST_ID).scalar_one()
        return newest

    def backlog(self, tenant_id: str | None = None) -> QueueDepth:
        theirs = () if tenant_id is None else (_EVENT.tenant_id == tenant_id,)
        depth = _DEPTH.where(*theirs).group_by(_EVENT.status)
        waiting: Sequence[Any] = self._transaction.execute(depth).all()
        failed: int = self._transaction.execute(_FAILED.where(*theirs)).scalar_one()
        return QueueDepth(
            by_status={status: number for status, number, _ in waiting} | {EventStatus.FAILED: failed},
            oldest_at=min((row[2] for row in waiting), default=None),
        )

    def for_objects(self, tenant_id: str, stripe_ids: Sequence[str]) -> Sequence[WebhookEvent]:
        statement = EVENTS.select.where(
            _EVENT.tenant_id == tenant_id, _EVENT.related_object_id.in_(stripe_ids)
        )
        return self._transaction.list(EVENTS, statement.order_by(_EVENT.event_created_at, _EVENT.id))


def _total_statements(tenant_id: str | None, matching: EventFilter) -> list[Select[Any]] | None:
    """Statements that count finished events by the totals, and others by their own small index; None if the totals
    do not distinguish what is asked for."""
    countable = EventFilter(
        integration_id=matching.integration_id, status=matching.status, event_type=matching.event_type
    )
    if matching != countable:
        return None
    wanted = {
        "tenant_id": tenant_id,
        "integration_id": matching.integration_id,
        "event_type": matching.event_type,
        "status": None if matching.status is None else matching.status.value,
    }
    waiting = select(func.count()).select_from(EVENTS.table).where(IS_AWAITING)
    return [
        EVENT_TOTALS.where(**{name: value for name, value in wanted.items() if value is not None}),
        waiting.where(*_conditions(tenant_id, matching)),
    ]


def _conditions(tenant_id: str | None, matching: EventFilter) -> list[ColumnElement[bool]]:
    equal = {
        _EVENT.tenant_id: tenant_id,
        _EVENT.integration_id: matching.integration_id,
        _EVENT.status: matching.status,
        _EVENT.event_type: matching.event_type,
        _EVENT.related_object_id: matching.related_object_id,
        _EVENT.account_id: matching.account_id,
    }
    conditions = [column == wanted for column, wanted in equal.items() if wanted is not None]
    if matching.with_payload:
        conditions.append(HAS_PAYLOAD)
    if matching.ids is not None:
        conditions.append(_EVENT.id.in_(matching.ids))
    if matching.since is not None:
        conditions.append(_EVENT.created_at >= matching.since)
    if matching.until is not None:
        conditions.append(_EVENT.created_at < matching.until)
    return conditions


def _as_received(now: datetime) -> dict[str, Any]:
    """As if it had just arrived: one that belonged to no integration may belong to one now."""
    return {
        name: func.coalesce(_EVENT[name], owner) for name, owner in owner_columns(_EVENT.account_id).items()
    } | {
        "status": EventStatus.RECEIVED,
        "attempts": 0,
        "last_error": None,
        "skip_reason": None,
        "processed_at": None,
        "due_at": now,
        "updated_at": now,
    }
