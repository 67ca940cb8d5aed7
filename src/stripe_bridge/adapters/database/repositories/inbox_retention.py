"""Deleting payloads, without ever scanning all events for those that still have one.

Events are passed once, in the order in which they arrived, and how far that has got is stored. Events that were not finished
when they were passed become pending. There are few of them, and they are checked again later, as they may be replayed at any
time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from stripe_bridge.adapters.database.any_of import any_of
from stripe_bridge.adapters.database.mapping import table_of, with_lock
from stripe_bridge.adapters.database.repositories.inbox_insert import EVENTS, HAS_PAYLOAD
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.inbox import RetentionCursorRow, RetentionPendingRow
from stripe_bridge.domain.webhook_event import EventStatus

_EVENT = EVENTS.table.c
_PENDING = table_of(RetentionPendingRow)
_IS_DONE = _EVENT.status.in_([EventStatus.PROCESSED, EventStatus.SKIPPED])
_CURSOR = with_lock(select(table_of(RetentionCursorRow).c.up_to_event_id))[True]
_MOVE_CURSOR = update(table_of(RetentionCursorRow)).values(up_to_event_id=bindparam("last"))
_NEXT = (
    select(_EVENT.id, _EVENT.created_at)
    .where(_EVENT.id > bindparam("up_to"))
    .order_by(_EVENT.id)
    .limit(bindparam("limit"))
)
_IN_RANGE = (_EVENT.id > bindparam("up_to"), _EVENT.id <= bindparam("last"))
_PURGE_RANGE = update(EVENTS.table).where(*_IN_RANGE, _IS_DONE).values(payload=b"")
# By whether they still have a payload and not by status, so that one that another transaction is finishing counts, too.
_ADD_PENDING = insert(_PENDING).from_select(["event_id"], select(_EVENT.id).where(*_IN_RANGE, HAS_PAYLOAD))
_PENDING_DONE = (
    select(_EVENT.id)
    .join_from(_PENDING, EVENTS.table, _PENDING.c.event_id == _EVENT.id)
    .where(_IS_DONE, _EVENT.created_at < bindparam("stored_before"))
    .order_by(_PENDING.c.event_id)
    .limit(bindparam("limit"))
)
_PURGE_PENDING = (
    update(EVENTS.table).where(any_of(_EVENT.id, "ids"), _IS_DONE).values(payload=b"").returning(_EVENT.id)
)
_REMOVE_PENDING = delete(_PENDING).where(any_of(_PENDING.c.event_id, "ids"))


def purge_payloads(transaction: Transaction, stored_before: datetime, limit: int) -> int:
    """Returns how many events were checked. Pending ones get their turn only if fewer than `limit` were passed."""
    # Locked, so that several workers pass different events.
    up_to: int = transaction.execute(_CURSOR).scalar_one()
    last, number = up_to, 0
    for row in transaction.execute(_NEXT, {"up_to": up_to, "limit": limit}):
        if row.created_at >= stored_before:
            break
        last, number = row.id, number + 1
    if number:
        in_range = {"up_to": up_to, "last": last}
        for statement in (_PURGE_RANGE, _ADD_PENDING):
            transaction.execute(statement, in_range)
        transaction.execute(_MOVE_CURSOR, {"last": last})
    return number if number == limit else number + _purge_pending(transaction, stored_before, limit - number)


def _purge_pending(transaction: Transaction, stored_before: datetime, limit: int) -> int:
    given: dict[str, Any] = {"stored_before": stored_before, "limit": limit}
    done = transaction.execute(_PENDING_DONE, given).scalars().all()
    if not done:
        return 0
    # One that is being replayed keeps its payload, and stays pending.
    purged = transaction.execute(_PURGE_PENDING, {"ids": done}).scalars().all()
    transaction.execute(_REMOVE_PENDING, {"ids": purged})
    return len(purged)
