"""Subscribers and their deliveries, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)

from stripe_bridge.adapters.database.mapping import AggregateMapper, Mapper, UniqueRule, table_of, with_lock
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.changes import ChangeHeadRow, ChangeRow
from stripe_bridge.adapters.database.tables.subscribers import IS_ENABLED, DeliveryRow, SubscriberRow
from stripe_bridge.domain.errors.base import SubscriberNotFound
from stripe_bridge.domain.errors.conflicts import Conflict
from stripe_bridge.domain.errors.rules import TooManySubscribers
from stripe_bridge.domain.subscriber import KEPT_DELIVERIES, MAX_SUBSCRIBERS, Delivery, Subscriber
from stripe_bridge.ports.metrics import SubscribersBacklog
from stripe_bridge.ports.storage.subscribers import Due


class _SlotTaken(Conflict):
    """Never leaves this module."""

    message = "The slot is taken."


_SUBSCRIBERS = AggregateMapper(
    Subscriber,
    SubscriberRow,
    rule=UniqueRule.of(SubscriberRow, "uq_subscribers_slot", _SlotTaken),
    fixed=frozenset({"tenant_id", "slot", "created_at"}),
)
_DELIVERIES = Mapper(Delivery, DeliveryRow)
_TABLE, _ONE = _SUBSCRIBERS.table, _SUBSCRIBERS.table.c
_DELIVERY = _DELIVERIES.table.c
_HEAD, _ENTRY = table_of(ChangeHeadRow).c, table_of(ChangeRow).c

_BY_ID = with_lock(_SUBSCRIBERS.select.where(_ONE.id == bindparam("id")))
_OF_TENANT = _SUBSCRIBERS.select.where(_ONE.tenant_id == bindparam("tenant_id")).order_by(_ONE.id)
_ALL = _SUBSCRIBERS.select.order_by(_ONE.id)
_IS_FREE = or_(_ONE.leased_until.is_(None), _ONE.leased_until <= bindparam("now"))
_IS_DUE = and_(IS_ENABLED, _ONE.next_attempt_at <= bindparam("now"), _IS_FREE)
_IS_FAILING = _ONE.failures > 0
_DUE_NOW = (
    select(_ONE.id, _IS_FAILING.label("is_failing"))
    .join(table_of(ChangeHeadRow), _HEAD.tenant_id == _ONE.tenant_id)
    .where(_IS_DUE, _HEAD.sequence > _ONE.examined)
    .order_by(_IS_FAILING, _ONE.next_attempt_at, _ONE.id)
    .limit(bindparam("limit"))
    .subquery("due")
)
_ANY_ENABLED = exists(select(literal(1)).select_from(_TABLE).where(IS_ENABLED))
# One row even if nothing is due, which says whether it is worth asking again soon.
_DUE = select(_ANY_ENABLED.label("is_polled"), _DUE_NOW.c.id, _DUE_NOW.c.is_failing).select_from(
    select(literal(1).label("one")).subquery("one").outerjoin(_DUE_NOW, true())
)
_CLAIM = (
    update(_TABLE)
    .where(_ONE.id == bindparam("own_id"), _IS_DUE)
    .values(lease=bindparam("new_lease"), leased_until=bindparam("until"), version=_ONE.version + 1)
    .returning(*_SUBSCRIBERS.columns)
)
_ADD_DELIVERY = insert(_DELIVERIES.table)
_OF_SUBSCRIBER = _DELIVERIES.select.where(_DELIVERY.subscriber_id == bindparam("subscriber_id")).order_by(
    _DELIVERY.id.desc()
)
_OLDER = (
    select(_DELIVERY.id)
    .where(_DELIVERY.subscriber_id == bindparam("of_subscriber"))
    .order_by(_DELIVERY.id.desc())
    .offset(KEPT_DELIVERIES)
    .limit(1)
    .scalar_subquery()
)
_REMOVE_OLDER = delete(_DELIVERIES.table).where(
    _DELIVERY.subscriber_id == bindparam("of_subscriber"), _DELIVERY.id <= _OLDER
)
_STATE = case((_ONE.enabled, "enabled"), else_=_ONE.disabled_reason)
_STATES = select(_STATE, func.count()).group_by(_STATE)
_BEHIND = (
    select(func.coalesce(func.sum(_HEAD.sequence - _ONE.examined), 0), func.min(_ENTRY.occurred_at))
    .select_from(_TABLE)
    .join(table_of(ChangeHeadRow), _HEAD.tenant_id == _ONE.tenant_id)
    .outerjoin(
        table_of(ChangeRow),
        and_(_ENTRY.tenant_id == _ONE.tenant_id, _ENTRY.sequence == _ONE.examined + 1),
    )
    .where(IS_ENABLED, _HEAD.sequence > _ONE.examined)
)


class SqlSubscribers:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, subscriber: Subscriber) -> Subscriber:
        for slot in range(1, MAX_SUBSCRIBERS + 1):
            placed = replace(subscriber, slot=slot)
            try:
                return replace(placed, id=self._transaction.add(_SUBSCRIBERS, placed))
            except _SlotTaken:
                continue
        raise TooManySubscribers(MAX_SUBSCRIBERS)

    def get(self, tenant_id: str, subscriber_id: int, *, lock: bool = False) -> Subscriber:
        found = self.find(subscriber_id, lock=lock)
        if found is None or found.tenant_id != tenant_id:
            raise SubscriberNotFound
        return found

    def find(self, subscriber_id: int, *, lock: bool = False) -> Subscriber | None:
        return self._transaction.find(_SUBSCRIBERS, _BY_ID[lock], id=subscriber_id)

    def of_tenant(self, tenant_id: str) -> Sequence[Subscriber]:
        return self._transaction.list(_SUBSCRIBERS, _OF_TENANT, tenant_id=tenant_id)

    def all(self) -> Sequence[Subscriber]:
        return self._transaction.list(_SUBSCRIBERS, _ALL)

    def save(self, subscriber: Subscriber) -> Subscriber:
        return self._transaction.save(_SUBSCRIBERS, subscriber)

    def remove(self, subscriber_id: int) -> None:
        self._transaction.execute(delete(_DELIVERIES.table).where(_DELIVERY.subscriber_id == subscriber_id))
        self._transaction.execute(delete(_TABLE).where(_ONE.id == subscriber_id))

    def due(self, now: datetime, limit: int) -> Due:
        rows = self._transaction.execute(_DUE, {"now": now, "limit": limit}).all()
        found = [row for row in rows if row.id is not None]
        return Due(
            is_polled=bool(rows[0].is_polled),
            healthy=[row.id for row in found if not row.is_failing],
            failing=[row.id for row in found if row.is_failing],
        )

    def claim(self, subscriber_id: int, lease: str, now: datetime, until: datetime) -> Subscriber | None:
        given = {"own_id": subscriber_id, "new_lease": lease, "now": now, "until": until}
        row = self._transaction.execute(_CLAIM, given).first()
        return None if row is None else _SUBSCRIBERS.read(row)

    def add_delivery(self, delivery: Delivery) -> None:
        self._transaction.execute(_ADD_DELIVERY, _DELIVERIES.values(delivery, without=frozenset({"id"})))
        self._transaction.execute(_REMOVE_OLDER, {"of_subscriber": delivery.subscriber_id})

    def deliveries(self, subscriber_id: int) -> Sequence[Delivery]:
        return self._transaction.list(_DELIVERIES, _OF_SUBSCRIBER, subscriber_id=subscriber_id)

    def backlog(self, tenant_id: str | None = None) -> SubscribersBacklog:
        theirs = () if tenant_id is None else (_ONE.tenant_id == tenant_id,)
        states: Sequence[Any] = self._transaction.execute(_STATES.where(*theirs)).all()
        behind: Any = self._transaction.execute(_BEHIND.where(*theirs)).one()
        return SubscribersBacklog(
            by_state={str(row[0]): int(row[1]) for row in states},
            behind=int(behind[0]),
            oldest_at=behind[1],
        )
