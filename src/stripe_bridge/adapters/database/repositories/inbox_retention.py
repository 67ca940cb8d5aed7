"""Deleting payloads, without ever scanning all events for those that still have one.

Events are passed once, in the order in which they arrived, and how far that has got is stored. Events that were not finished
when they were passed are noted down. There are few of them, and they are checked again later, as they may be replayed at any
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
_LEFT = table_of(RetentionPendingRow)
_IS_DONE = _EVENT.status.in_([EventStatus.PROCESSED, EventStatus.SKIPPED])
_PASSED = with_lock(select(table_of(RetentionCursorRow).c.up_to_event_id))[True]
_PASS_UP_TO = update(table_of(RetentionCursorRow)).values(up_to_event_id=bindparam("last"))
_NEXT = (
    select(_EVENT.id, _EVENT.created_at)
    .where(_EVENT.id > bindparam("up_to"))
    .order_by(_EVENT.id)
    .limit(bindparam("most"))
)
_ARE_PASSED = (_EVENT.id > bindparam("up_to"), _EVENT.id <= bindparam("last"))
_FORGET_PASSED = update(EVENTS.table).where(*_ARE_PASSED, _IS_DONE).values(payload=b"")
# Judged by whether they still have a payload and not by status, so that one that another transaction is finishing counts, too.
_LEAVE = insert(_LEFT).from_select(["event_id"], select(_EVENT.id).where(*_ARE_PASSED, HAS_PAYLOAD))
_DONE_SINCE = (
    select(_EVENT.id)
    .join_from(_LEFT, EVENTS.table, _LEFT.c.event_id == _EVENT.id)
    .where(_IS_DONE, _EVENT.created_at < bindparam("stored_before"))
    .order_by(_LEFT.c.event_id)
    .limit(bindparam("most"))
)
_FORGET_LEFT = (
    update(EVENTS.table).where(any_of(_EVENT.id, "ids"), _IS_DONE).values(payload=b"").returning(_EVENT.id)
)
_LEAVE_NO_MORE = delete(_LEFT).where(any_of(_LEFT.c.event_id, "ids"))


def forget_payloads(transaction: Transaction, stored_before: datetime, limit: int) -> int:
    """Returns how many events were looked at. Those noted down get their turn only if fewer than `limit` were passed."""
    # Locked, so that several workers pass different events.
    up_to: int = transaction.execute(_PASSED).scalar_one()
    last, number = up_to, 0
    for row in transaction.execute(_NEXT, {"up_to": up_to, "most": limit}):
        if row.created_at >= stored_before:
            break
        last, number = row.id, number + 1
    if number:
        passed = {"up_to": up_to, "last": last}
        for statement in (_FORGET_PASSED, _LEAVE):
            transaction.execute(statement, passed)
        transaction.execute(_PASS_UP_TO, {"last": last})
    return number if number == limit else number + _forget_left(transaction, stored_before, limit - number)


def _forget_left(transaction: Transaction, stored_before: datetime, limit: int) -> int:
    given: dict[str, Any] = {"stored_before": stored_before, "most": limit}
    done = transaction.execute(_DONE_SINCE, given).scalars().all()
    if not done:
        return 0
    # One that is being replayed keeps its payload, and stays noted down.
    forgotten = transaction.execute(_FORGET_LEFT, {"ids": done}).scalars().all()
    transaction.execute(_LEAVE_NO_MORE, {"ids": forgotten})
    return len(forgotten)
