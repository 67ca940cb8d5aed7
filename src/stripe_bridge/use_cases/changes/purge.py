"""Purging: objects that are old, and everything personal of one customer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from stripe_bridge.domain.changes.change import SubjectType
from stripe_bridge.domain.changes.purging import purged
from stripe_bridge.domain.changes.verification import StoredEntry
from stripe_bridge.ports.storage.audit import OrderKey
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.changes.browse import ExportChanges

# Per transaction, in which the log's writers wait.
_ENTRIES_A_BATCH = 500
_ORDERS_A_BATCH = 50


class PurgeOldObjects:
    """Take the objects out of a batch of entries of each log that were recorded longer than `after` ago. Returns whether
    there may be more. An `after` of zero keeps them for ever.

    A day's are purged together, so that the log gets few entries that say so.
    """

    def __init__(self, store: Store, clock: Clock, after: timedelta) -> None:
        self._store, self._clock, self._after = store, clock, after

    def __call__(self) -> bool:
        if not self._after:
            return False
        with self._store.reading() as work:
            heads = work.changes.all_heads()
        more = [self._purge(head.tenant_id) for head in heads if head.oldest <= head.sequence]
        return any(more)

    def _purge(self, tenant_id: str) -> bool:
        day = (self._clock.now() - self._after).replace(hour=0, minute=0, second=0, microsecond=0)
        with self._store.reading() as work:
            head = work.changes.head(tenant_id)
            oldest = work.changes.find(tenant_id, head.oldest) if head is not None else None
        if oldest is None or oldest.occurred_at >= day:
            return False
        with self._store.writing() as work:
            purge = work.purging.purge_before(tenant_id, day, _ENTRIES_A_BATCH)
            if purge is None:
                return False
            work.acts.add(purged(tenant_id, purge, work.origin))
            work.commit()
        # The batch may have ended with what waits.
        return purge.count >= _ENTRIES_A_BATCH // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgedOrders:
    """`entries` lost their objects, and `events` their payloads."""

    entries: int
    events: int


class FindOrdersOfCustomer:
    """All orders that are a customer's, were billed to him, or were recorded as his. `customer_id` is the ERP's."""

    def __init__(self, store: Store) -> None:
        self._store, self._entries = store, ExportChanges(store)

    def __call__(self, customer_id: int, tenant_id: str | None = None) -> Sequence[OrderKey]:
        with self._store.reading() as work:
            found = set(work.purging.orders_of_customer(customer_id, tenant_id))
            tenants = [tenant_id] if tenant_id is not None else work.audit.tenants()
        for each in tenants:
            found |= {
                (each, entry.sales_order_id)
                for entry in self._entries(each)
                if entry.sales_order_id is not None and _customer_in(entry) == customer_id
            }
        return sorted(found)


class PurgeOrders:
    """Take objects and salts out of all entries of orders, and empty the stored payloads of events about them.

    What happens to these orders later is recorded with its object again.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, orders: Sequence[OrderKey]) -> PurgedOrders:
        entries = events = 0
        for tenant, keys in groupby(sorted(orders), key=lambda key: key[0]):
            ids = [order_id for _, order_id in keys]
            for start in range(0, len(ids), _ORDERS_A_BATCH):
                batch = ids[start : start + _ORDERS_A_BATCH]
                events += self._empty_payloads(tenant, batch)
                entries += self._purge(tenant, batch)
        return PurgedOrders(entries=entries, events=events)

    def _empty_payloads(self, tenant_id: str, order_ids: Sequence[int]) -> int:
        """In a transaction of its own: whoever applies an event waits for the log while he holds the event."""
        with self._store.writing() as work:
            emptied = work.purging.empty_payloads(tenant_id, order_ids)
            work.commit()
        return emptied

    def _purge(self, tenant_id: str, order_ids: Sequence[int]) -> int:
        with self._store.writing() as work:
            purge = work.purging.purge_orders(tenant_id, order_ids)
            if purge is None:
                return 0
            work.acts.add(purged(tenant_id, purge, work.origin))
            work.commit()
        return purge.count


def _customer_in(entry: StoredEntry) -> int | None:
    """Whose an order was when this was recorded."""
    if entry.subject_type != SubjectType.SALES_ORDER or entry.content is None:
        return None
    try:
        id_: int | None = json.loads(entry.content)["object"]["customer"]["id"]
    except (ValueError, TypeError, KeyError):
        return None
    return id_
