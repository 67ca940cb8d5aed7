"""Taking objects and salts out of the change log's entries.

A log's head is locked first: whoever purges or records in it waits, and nobody who has locked an entry or an event then waits
for it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, and_, bindparam, func, select, type_coerce, update

from stripe_bridge.adapters.database.any_of import any_of
from stripe_bridge.adapters.database.change_log import ENTRIES, HEADS
from stripe_bridge.adapters.database.identity_map import INVOICES
from stripe_bridge.adapters.database.mapping import table_of
from stripe_bridge.adapters.database.repositories.inbox_insert import EVENTS, HAS_PAYLOAD
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.inbox import IS_DONE
from stripe_bridge.adapters.database.tables.invoicing import BilledCustomerRow, SalesOrderRow
from stripe_bridge.adapters.database.tables.payments import LinkRow
from stripe_bridge.domain.changes.entry import Head
from stripe_bridge.domain.changes.purging import Purge, last_to_purge
from stripe_bridge.ports.storage.audit import OrderKey

_HEAD, _ENTRY, _EVENT = HEADS.table.c, ENTRIES.table.c, EVENTS.table.c
_ORDER, _INVOICE = table_of(SalesOrderRow).c, INVOICES.table.c
_CUSTOMER, _LINK = table_of(BilledCustomerRow).c, table_of(LinkRow).c
_LOCK_HEAD = HEADS.select.where(_HEAD.tenant_id == bindparam("tenant_id")).with_for_update()
_MOVE_OLDEST = (
    update(HEADS.table).where(_HEAD.tenant_id == bindparam("own_tenant_id")).values(oldest=bindparam("first"))
)
_OWN = _ENTRY.tenant_id == bindparam("own_tenant_id")
_HAS_OBJECT = _ENTRY.content.is_not(None)
_OLDEST = (
    select(_ENTRY.sequence, _ENTRY.occurred_at, _ENTRY.type)
    .where(_OWN, _ENTRY.sequence >= bindparam("oldest"))
    .order_by(_ENTRY.sequence)
    .limit(bindparam("limit"))
)
_IN_RANGE = _ENTRY.sequence.between(bindparam("first"), bindparam("last"))
# Said as the index has it, or SQLite does not see that it fits.
_OF_ORDERS = and_(_ENTRY.sales_order_id.is_not(None), any_of(_ENTRY.sales_order_id, "order_ids"))
_EMPTY = update(ENTRIES.table).values(content=None, salt=None)
_EMPTY_RANGE = _EMPTY.where(_OWN, _IN_RANGE, _HAS_OBJECT)
_EMPTY_ORDERS = _EMPTY.where(_OWN, _OF_ORDERS, _HAS_OBJECT)
_EXTENT = select(func.min(_ENTRY.sequence).label("first"), func.max(_ENTRY.sequence).label("last")).where(
    _OWN, _OF_ORDERS, _HAS_OBJECT
)
_STRIPE_IDS = (
    select(_LINK.stripe_id)
    .join(INVOICES.table, _INVOICE.id == _LINK.invoice_id)
    .where(_INVOICE.tenant_id == bindparam("own_tenant_id"), any_of(_INVOICE.sales_order_id, "order_ids"))
)
# Those that are not done with still need theirs.
_EMPTY_PAYLOADS = (
    update(EVENTS.table)
    .where(
        _EVENT.tenant_id == bindparam("own_tenant_id"),
        _EVENT.related_object_id.in_(_STRIPE_IDS),
        IS_DONE,
        HAS_PAYLOAD,
    )
    .values(payload=b"")
)
_HIS = select(_ORDER.tenant_id, _ORDER.id.label("order_id")).where(
    type_coerce(_ORDER.customer, JSON)["id"].as_integer() == bindparam("customer_id")
)
_BILLED_TO_HIM = (
    select(_INVOICE.tenant_id, _INVOICE.sales_order_id.label("order_id"))
    .join(table_of(BilledCustomerRow), _CUSTOMER.id == _INVOICE.customer_id)
    .where(_CUSTOMER.erp_customer_id == bindparam("customer_id"))
)


class SqlPurging:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def purge_before(self, tenant_id: str, moment: datetime, limit: int) -> Purge | None:
        head = self._locked(tenant_id)
        if head is None:
            return None
        given: dict[str, Any] = {"own_tenant_id": tenant_id, "oldest": head.oldest, "limit": limit}
        old = [row for row in self._transaction.execute(_OLDEST, given) if row.occurred_at < moment]
        last = last_to_purge([(row.sequence, row.type) for row in old], limit)
        if last is None:
            return None
        in_range = {"own_tenant_id": tenant_id, "first": head.oldest, "last": last}
        count = self._transaction.execute(_EMPTY_RANGE, in_range).rowcount
        self._transaction.execute(_MOVE_OLDEST, {"own_tenant_id": tenant_id, "first": last + 1})
        return Purge(count=count, first=head.oldest, last=last)

    def purge_orders(self, tenant_id: str, order_ids: Collection[int]) -> Purge | None:
        self._locked(tenant_id)
        given = {"own_tenant_id": tenant_id, "order_ids": sorted(order_ids)}
        extent = self._transaction.execute(_EXTENT, given).one()
        if extent.first is None:
            return None
        count = self._transaction.execute(_EMPTY_ORDERS, given).rowcount
        return Purge(count=count, first=extent.first, last=extent.last, order_ids=frozenset(order_ids))

    def orders_of_customer(self, customer_id: int, tenant_id: str | None) -> Sequence[OrderKey]:
        found: set[OrderKey] = set()
        for statement in (_HIS, _BILLED_TO_HIM):
            for row in self._transaction.execute(statement, {"customer_id": customer_id}):
                if tenant_id in (None, row.tenant_id):
                    found.add((row.tenant_id, row.order_id))
        return sorted(found)

    def empty_payloads(self, tenant_id: str, order_ids: Collection[int]) -> int:
        given = {"own_tenant_id": tenant_id, "order_ids": sorted(order_ids)}
        return self._transaction.execute(_EMPTY_PAYLOADS, given).rowcount

    def _locked(self, tenant_id: str) -> Head | None:
        return self._transaction.find(HEADS, _LOCK_HEAD, tenant_id=tenant_id)
