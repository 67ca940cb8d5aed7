"""The change log for those who check and purge it, on the tables of one transaction."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from stripe_bridge.domain.access import ApiToken
from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.changes.entry import Entry
from stripe_bridge.domain.changes.purging import Purge, last_to_purge, purges_in
from stripe_bridge.domain.changes.recorded import KINDS, Recorded
from stripe_bridge.domain.changes.recorder import LogState
from stripe_bridge.domain.changes.shown import shown_time
from stripe_bridge.domain.changes.verification import ComparedObject, LogCheck, StoredEntry, pair_up
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.ports.storage.audit import OrderKey
from tests.fakes.storage.tables import Tables


class FakeAudit:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def tenants(self) -> Sequence[str]:
        return sorted(
            {tenant for tenant, _ in self._tables.changes.rows} | set(self._tables.change_heads.rows)
        )

    def entries(self, tenant_id: str, after: int, limit: int) -> Sequence[StoredEntry]:
        return [each for each in self._of(tenant_id) if each.sequence > after][:limit]

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
        found = [
            each
            for each in reversed(self._of(tenant_id))
            if after < each.sequence < before
            and (types is None or each.type in types)
            and sales_order_id in (None, each.sales_order_id)
        ]
        return found[:limit]

    def purges(self, tenant_id: str) -> Sequence[Purge]:
        return purges_in(
            each.signed for each in self._of(tenant_id) if each.type == ChangeType.CHANGES_PURGED
        )

    def objects_of_orders(
        self, tenant_id: str, after: int, limit: int
    ) -> tuple[Sequence[ComparedObject], int | None]:
        orders = {order_id for tenant, order_id in self._tables.sales_orders.rows if tenant == tenant_id}
        logged = {each.sales_order_id for each in self._of(tenant_id) if each.sales_order_id is not None}
        ids = sorted(each for each in orders | logged if each > after)[:limit]
        if not ids:
            return [], None
        tables = self._tables
        invoices = [
            each
            for each in tables.invoices.rows.values()
            if each.tenant_id == tenant_id and each.sales_order_id in ids
        ]
        of_these = {each.id for each in invoices}
        values: list[Recorded] = [
            *(
                each
                for key, each in tables.sales_orders.rows.items()
                if key[0] == tenant_id and key[1] in ids
            ),
            *invoices,
            *(each for each in tables.refunds.rows.values() if each.invoice_id in of_these),
            *(each for each in tables.disputes.rows.values() if each.invoice_id in of_these),
        ]
        entries = [each for each in self._of(tenant_id) if each.sales_order_id in ids]
        return pair_up([(value, LogState.CURRENT) for value in values], _newest(entries)), ids[-1]

    def objects_of_no_order(self, tenant_id: str) -> Sequence[ComparedObject]:
        tables = self._tables
        every: list[Integration | ApiToken] = [
            *tables.integrations.rows.values(),
            *tables.tokens.rows.values(),
        ]
        values: list[tuple[Recorded, LogState]] = [
            (value, LogState.CURRENT) for value in every if value.tenant_id == tenant_id
        ]
        return pair_up(values, _newest([each for each in self._of(tenant_id) if each.sales_order_id is None]))

    def checks(self) -> Sequence[LogCheck]:
        return self._tables.change_checks.matching(lambda _check: True)

    def save_check(self, check: LogCheck) -> None:
        self._tables.change_checks.put(check.tenant_id, check)

    def _of(self, tenant_id: str) -> list[StoredEntry]:
        found = self._tables.changes.matching(lambda each: each.tenant_id == tenant_id)
        return [_stored(each) for each in sorted(found, key=lambda each: each.sequence)]


def _newest(entries: Sequence[StoredEntry]) -> Sequence[StoredEntry]:
    kinds = {kind.subject_type.value for kind in KINDS.values()}
    newest = {(each.subject_type, each.subject_id): each for each in entries if each.subject_type in kinds}
    return list(newest.values())


def _stored(entry: Entry) -> StoredEntry:
    return StoredEntry(
        sequence=entry.sequence,
        id=entry.id,
        type=entry.type.value,
        subject_type=entry.subject_type.value,
        subject_id=entry.subject_id,
        sales_order_id=entry.sales_order_id,
        integration_id=entry.integration_id,
        occurred_at=shown_time(entry.occurred_at) or "",
        signed=entry.signed,
        content=entry.content,
        salt=entry.salt,
        hash=entry.hash,
    )


class FakePurging:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def purge_before(self, tenant_id: str, moment: datetime, limit: int) -> Purge | None:
        head = self._tables.change_heads.find(tenant_id)
        if head is None:
            return None
        batch = range(head.oldest, min(head.oldest + limit, head.sequence + 1))
        found = [self._tables.changes.rows[tenant_id, sequence] for sequence in batch]
        old = [(each.sequence, each.type) for each in found if each.occurred_at < moment]
        last = last_to_purge(old, limit)
        if last is None:
            return None
        count = self._empty(tenant_id, set(range(head.oldest, last + 1)))
        self._tables.change_heads.put(tenant_id, replace(head, oldest=last + 1))
        return Purge(count=count, first=head.oldest, last=last)

    def purge_orders(self, tenant_id: str, order_ids: Collection[int]) -> Purge | None:
        found = {
            sequence
            for (tenant, sequence), each in self._tables.changes.rows.items()
            if tenant == tenant_id and each.sales_order_id in order_ids and each.content is not None
        }
        if not found:
            return None
        count = self._empty(tenant_id, found)
        return Purge(count=count, first=min(found), last=max(found), order_ids=frozenset(order_ids))

    def orders_of_customer(self, customer_id: int, tenant_id: str | None) -> Sequence[OrderKey]:
        tables = self._tables
        his = {key for key, order in tables.sales_orders.rows.items() if order.customer.id == customer_id}
        billed = {
            each.id for each in tables.customers.rows.values() if each.key.erp_customer_id == customer_id
        }
        his |= {
            (each.tenant_id, each.sales_order_id)
            for each in tables.invoices.rows.values()
            if each.customer_id in billed
        }
        return sorted(key for key in his if tenant_id in (None, key[0]))

    def empty_payloads(self, tenant_id: str, order_ids: Collection[int]) -> int:
        tables = self._tables
        invoice_ids = {
            each.id
            for each in tables.invoices.rows.values()
            if each.tenant_id == tenant_id and each.sales_order_id in order_ids
        }
        stripe_ids = {
            stripe_id for (_, stripe_id), invoice_id in tables.links.rows.items() if invoice_id in invoice_ids
        }
        found = tables.events.matching(
            lambda each: (
                each.tenant_id == tenant_id
                and each.related_object_id in stripe_ids
                and each.status not in (EventStatus.RECEIVED, EventStatus.PROCESSING)
                and bool(each.payload)
            )
        )
        for event in found:
            tables.events.put(event.id, replace(event, payload=b""))
        return len(found)

    def _empty(self, tenant_id: str, sequences: set[int]) -> int:
        emptied = 0
        for sequence in sequences:
            entry = self._tables.changes.rows[tenant_id, sequence]
            if entry.content is not None:
                self._tables.changes.put((tenant_id, sequence), replace(entry, content=None, salt=None))
                emptied += 1
        return emptied
