"""The change log, on the tables of one transaction."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from stripe_bridge.domain.changes.change import Change, ChangeType
from stripe_bridge.domain.changes.entry import (
    Entry,
    Head,
    InvoicePlace,
    Surroundings,
    number,
    order_figures,
    prepare,
)
from stripe_bridge.domain.changes.history import name_log
from stripe_bridge.domain.changes.recorder import Recorder
from stripe_bridge.domain.request_trace import traces_of_changes
from stripe_bridge.ports.storage.changes import Backfill
from tests.fakes.storage.tables import Tables


class FakeChanges:
    def __init__(self, tables: Tables) -> None:
        self._heads, self._entries = tables.change_heads, tables.changes

    def head(self, tenant_id: str) -> Head | None:
        return self._heads.find(tenant_id)

    def heads(self, tenant_ids: Collection[str]) -> Mapping[str, Head]:
        return {head.tenant_id: head for head in self.all_heads() if head.tenant_id in tenant_ids}

    def all_heads(self) -> Sequence[Head]:
        return sorted(self._heads.matching(lambda _head: True), key=lambda head: head.tenant_id)

    def page(
        self,
        tenant_id: str,
        after: int,
        limit: int,
        *,
        up_to: int | None = None,
        types: frozenset[ChangeType] | None = None,
        sales_order_id: int | None = None,
    ) -> Sequence[Entry]:
        found = self._entries.matching(
            lambda each: (
                each.tenant_id == tenant_id
                and each.sequence > after
                and (up_to is None or each.sequence <= up_to)
                and (types is None or each.type in types)
                and sales_order_id in (None, each.sales_order_id)
            )
        )
        return sorted(found, key=lambda each: each.sequence)[:limit]

    def find(self, tenant_id: str, sequence: int) -> Entry | None:
        return self._entries.find((tenant_id, sequence))

    def last_of_order(self, tenant_id: str, sales_order_id: int) -> int | None:
        found = self.page(tenant_id, 0, len(self._entries.rows), sales_order_id=sales_order_id)
        return found[-1].sequence if found else None

    def begin_log(self, tenant_id: str) -> None:
        head = self._heads.find(tenant_id)
        if head is not None:
            self._heads.put(tenant_id, replace(head, log=name_log(tenant_id, after=head.log)))


class FakeExistingObjects:
    """In memory nothing is older than the log, unless a test says so in `not_logged`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def is_due(self, now: datetime) -> bool:
        return False

    def record(self, now: datetime, limit: int) -> int:
        return 0

    def progress(self) -> Backfill:
        recorded = sum(self._tables.not_logged.rows.values())
        return Backfill(is_complete=not self._tables.not_logged.rows, recorded=recorded)


class FakeActs:
    def __init__(self, tables: Tables, recorder: Recorder) -> None:
        self._windows, self._recorder = tables.act_windows, recorder

    def add(self, act: Change) -> None:
        self._recorder.changes.append(act)

    def add_at_most_once(self, act: Change, key: str, now: datetime, window: timedelta) -> None:
        ends_at, counted = self._windows.find(key) or (now, 0)
        if ends_at > now:
            self._windows.put(key, (ends_at, counted + 1))
            return
        self._windows.put(key, (now + window, 0))
        self.add(replace(act, details={**act.details, "count": counted + 1}))

    def forget_windows(self, ended_before: datetime) -> int:
        ended = [key for key, (ends_at, _) in self._windows.rows.items() if ends_at < ended_before]
        for key in ended:
            self._windows.remove(key)
        return len(ended)


def append_changes(tables: Tables, changes: Sequence[Change]) -> None:
    prepared = prepare(changes, _surroundings(tables), _ids(len(tables.changes.rows)))
    for tenant_id in sorted({change.tenant_id for change in prepared}):
        head = tables.change_heads.find(tenant_id) or Head(tenant_id=tenant_id, log=f"log_{tenant_id}")
        of_tenant = [change for change in prepared if change.tenant_id == tenant_id]
        entries, head = number(head, of_tenant, datetime.now(UTC))
        for entry in entries:
            tables.changes.put((tenant_id, entry.sequence), entry)
        for trace in traces_of_changes(of_tenant, entries):
            tables.request_traces.put(trace, trace)
        tables.change_heads.put(tenant_id, head)


def _ids(given: int) -> Iterator[tuple[str, str]]:
    return ((f"chg_{at}", f"salt_{at}") for at in count(given + 1))


def _surroundings(tables: Tables) -> Surroundings:
    invoices = tables.invoices.rows.values()
    settled: dict[tuple[str, int], int] = {}
    for invoice in invoices:
        key = invoice.tenant_id, invoice.sales_order_id
        settled[key] = settled.get(key, 0) + invoice.settled_amount
    return Surroundings(
        invoices={
            invoice.id: InvoicePlace(
                tenant_id=invoice.tenant_id,
                sales_order_id=invoice.sales_order_id,
                integration_id=invoice.integration_id,
            )
            for invoice in invoices
        },
        livemodes={each.id: each.livemode for each in tables.integrations.rows.values()},
        orders={
            key: order_figures(order.total, order.paid_elsewhere, settled.get(key, 0))
            for key, order in tables.sales_orders.rows.items()
        },
    )
