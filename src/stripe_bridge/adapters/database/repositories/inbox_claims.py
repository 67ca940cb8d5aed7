"""The statements by which events are claimed or locked, and settled."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import bindparam, literal, select, update

from stripe_bridge.adapters.database.any_of import any_of
from stripe_bridge.adapters.database.repositories.inbox_insert import EVENTS
from stripe_bridge.adapters.database.tables.inbox import IS_AWAITING
from stripe_bridge.domain.webhook_event import EventStatus, WebhookEvent

_EVENT = EVENTS.table.c
# The state of events once they are claimed.
_CLAIMED = {
    "status": literal(EventStatus.PROCESSING, _EVENT.status.type),
    "attempts": _EVENT.attempts + 1,
    "due_at": bindparam("lease_until", type_=_EVENT.due_at.type),
    "updated_at": bindparam("now", type_=_EVENT.updated_at.type),
}
# A common table expression is evaluated once; a subquery might be run, and lock, again and again.
_DUE = (
    select(_EVENT.id)
    .where(IS_AWAITING, _EVENT.due_at <= bindparam("now"))
    .order_by(_EVENT.due_at, _EVENT.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True, key_share=True)
    .cte("due")
)
CLAIM = (
    update(EVENTS.table)
    .where(_EVENT.id.in_(select(_DUE.c.id)))
    .values(_CLAIMED)
    .returning(*EVENTS.columns, _EVENT.payload)
)
LOCK_DUE = (
    select(
        *(
            _CLAIMED[column.name].label(column.name) if column.name in _CLAIMED else column
            for column in EVENTS.columns
        ),
        _EVENT.payload,
    )
    .where(IS_AWAITING, _EVENT.due_at <= bindparam("now"), _EVENT.status == EventStatus.RECEIVED)
    .order_by(_EVENT.due_at, _EVENT.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True, key_share=True)
)
_SETTLED = ("status", "attempts", "last_error", "skip_reason", "processed_at", "due_at", "updated_at")
_OUTCOME = attrgetter(*_SETTLED)
SETTLE_LOCKED = (
    update(EVENTS.table).where(any_of(_EVENT.id, "ids")).values({name: bindparam(name) for name in _SETTLED})
)
_IS_STILL_CLAIMED = (_EVENT.status == EventStatus.PROCESSING, _EVENT.due_at == bindparam("claimed_until"))
SETTLE = SETTLE_LOCKED.where(*_IS_STILL_CLAIMED).returning(_EVENT.id)
LOCK_CLAIMED = (
    select(_EVENT.id)
    .where(any_of(_EVENT.id, "ids"), *_IS_STILL_CLAIMED)
    .order_by(_EVENT.id)
    .with_for_update(key_share=True)
)


def group_by_outcome(events: Sequence[WebhookEvent]) -> list[dict[str, Any]]:
    """One statement's values for all events with the same outcome, which in a batch are nearly all of them."""
    ids: dict[tuple[Any, ...], list[int]] = {}
    for event in events:
        ids.setdefault(_OUTCOME(event), []).append(event.id)
    return [dict(zip(_SETTLED, values, strict=True)) | {"ids": ids[values]} for values in ids]
