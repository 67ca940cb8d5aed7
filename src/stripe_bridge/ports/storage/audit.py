"""The change log for those who check it: as it is stored, whatever became of it, and beside the objects that it is about."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.changes.purging import Purge
from stripe_bridge.domain.changes.verification import ComparedObject, LogCheck, StoredEntry

OrderKey = tuple[str, int]


class Audit(Protocol):
    """A tenant of "" means the chain of what belongs to no tenant. No entry is so damaged that it cannot be read."""

    def tenants(self) -> Sequence[str]:
        """All that have entries or a head, sorted."""
        ...

    def entries(self, tenant_id: str, after: int, limit: int) -> Sequence[StoredEntry]:
        """Those that follow `after`, oldest first."""
        ...

    def latest(
        self,
        tenant_id: str,
        before: int,
        limit: int,
        *,
        after: int = 0,
        types: frozenset[ChangeType] | None = None,
        sales_order_id: int | None = None,
    ) -> Sequence[StoredEntry]:
        """Those that precede `before` and follow `after`, newest first."""
        ...

    def purges(self, tenant_id: str) -> Sequence[Purge]:
        """What the log says was purged from it."""
        ...

    def objects_of_orders(
        self, tenant_id: str, after: int, limit: int
    ) -> tuple[Sequence[ComparedObject], int | None]:
        """All objects of the next orders after one, with their newest entries; and the last of these orders, None at the
        end."""
        ...

    def objects_of_no_order(self, tenant_id: str) -> Sequence[ComparedObject]:
        """Integrations and tokens, with their newest entries."""
        ...

    def checks(self) -> Sequence[LogCheck]:
        """How far each log has been checked."""
        ...

    def save_check(self, check: LogCheck) -> None: ...


class Purging(Protocol):
    """Takes objects and salts out of entries. What was purged is for the caller to record, in the same unit of work."""

    def purge_before(self, tenant_id: str, moment: datetime, limit: int) -> Purge | None:
        """Purge the oldest entries that still have their objects, if they were recorded before a moment, and move the head's
        `oldest` behind them. None if there are none."""
        ...

    def purge_orders(self, tenant_id: str, order_ids: Collection[int]) -> Purge | None:
        """Purge all entries of orders, and of their invoices, refunds and disputes. None if no object was left."""
        ...

    def orders_of_customer(self, customer_id: int, tenant_id: str | None) -> Sequence[OrderKey]:
        """The orders that are his, or have an invoice that was his. `customer_id` is the ERP's."""
        ...

    def empty_payloads(self, tenant_id: str, order_ids: Collection[int]) -> int:
        """Empty the stored payloads of finished events about objects of these orders. How many there were."""
        ...
