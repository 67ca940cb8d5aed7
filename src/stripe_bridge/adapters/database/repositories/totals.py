"""Totals without a scan: the totals so far, and the changes recorded by triggers that are not added to them yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    Table,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert

from stripe_bridge.adapters.database.mapping import table_of
from stripe_bridge.adapters.database.repositories.hourly_sums import read_by_hour, rows_by_hour
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.inbox import IS_DONE, WebhookEventRow
from stripe_bridge.adapters.database.tables.invoicing import InvoiceRow
from stripe_bridge.adapters.database.tables.totals import (
    EventTotalChangeRow,
    EventTotalRow,
    HourlySumChangeRow,
    HourlySumRow,
    InvoiceTotalChangeRow,
    InvoiceTotalRow,
)
from stripe_bridge.domain.hourly_sums import HourlySum
from stripe_bridge.ports.storage.totals import HOURS, TotalError

_EVENT, _INVOICE = table_of(WebhookEventRow).c, table_of(InvoiceRow).c
# As text, whatever the row's own type makes of it.
_STATUS = literal_column("status", String).label("status")
# Changes per transaction.
BATCH_SIZE = 10_000


class RowTotals:
    """One kind of rows, counted by some of their columns."""

    def __init__(self, totals: Table, changes: Table) -> None:
        self.totals, self.changes = totals, changes
        self.by = [column.name for column in totals.primary_key]
        put = insert(totals)
        self.add = put.on_conflict_do_update(
            index_elements=list(totals.primary_key),
            set_={"number": totals.c.number + put.excluded.number},
        )
        oldest = (
            select(changes.c.id).order_by(changes.c.id).limit(BATCH_SIZE).with_for_update(skip_locked=True)
        )
        self.remove_oldest = (
            delete(changes)
            .where(changes.c.id.in_(oldest))
            .returning(*(changes.c[name] for name in self.by), changes.c.number)
        )

        self.known = union_all(
            *(
                select(*(table.c[name] for name in self.by), table.c.number).where(
                    table.c.integration_id == bindparam("integration_id")
                )
                for table in (totals, changes)
            )
        )

    def where(self, **equal: Any) -> Select[Any]:
        """How many rows have these values; a list, or a statement that selects them, means any of its values."""
        parts = [
            select(table.c.number).where(*(_has(table.c[name], wanted) for name, wanted in equal.items()))
            for table in (self.totals, self.changes)
        ]
        counted = union_all(*parts).subquery()
        return select(func.coalesce(func.sum(counted.c.number), 0))


EVENT_TOTALS = RowTotals(table_of(EventTotalRow), table_of(EventTotalChangeRow))
INVOICE_TOTALS = RowTotals(table_of(InvoiceTotalRow), table_of(InvoiceTotalChangeRow))
HOURLY_SUMS = RowTotals(table_of(HourlySumRow), table_of(HourlySumChangeRow))


_NUMBER = func.count().label("number")
_ROWS = {
    "events": select(_EVENT.tenant_id, _EVENT.integration_id, _EVENT.event_type, _STATUS, _NUMBER)
    .where(_EVENT.integration_id == bindparam("integration_id"), IS_DONE)
    .group_by(_EVENT.tenant_id, _EVENT.integration_id, _EVENT.event_type, _STATUS),
    "invoices": select(_INVOICE.integration_id, _STATUS, _NUMBER)
    .where(_INVOICE.integration_id == bindparam("integration_id"))
    .group_by(_INVOICE.integration_id, _STATUS),
}
_TOTALS = {"events": EVENT_TOTALS, "invoices": INVOICE_TOTALS, HOURS: HOURLY_SUMS}


class SqlTotals:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def compact(self) -> bool:
        compacted = [self._compact(totals) for totals in _TOTALS.values()]
        return max(compacted) >= BATCH_SIZE

    def by_hour(self, tenant_id: str | None, since: datetime) -> Sequence[HourlySum]:
        return read_by_hour(self._transaction, HOURLY_SUMS.totals, HOURLY_SUMS.changes, tenant_id, since)

    def errors(self, integration_id: int) -> Sequence[TotalError]:
        return [
            TotalError(of=of, by=by, number=number)
            for of in _TOTALS
            for by, number in sorted(self._differences(of, integration_id).items())
            if number
        ]

    def correct(self, errors: Sequence[TotalError]) -> None:
        for of, totals in _TOTALS.items():
            changes = {each.by: each.number for each in errors if each.of == of}
            self._transaction.execute_many(totals.changes.insert(), _rows(totals, changes))

    def _compact(self, totals: RowTotals) -> int:
        sums: Counter[tuple[Any, ...]] = Counter()
        removed = self._transaction.execute(totals.remove_oldest).all()
        for row in removed:
            sums[tuple(row[:-1])] += row[-1]
        self._transaction.execute_many(totals.add, _rows(totals, sums))
        return len(removed)

    def _differences(self, of: str, integration_id: int) -> Counter[tuple[Any, ...]]:
        given = {"integration_id": integration_id}
        differences: Counter[tuple[Any, ...]] = Counter()
        rows = rows_by_hour(is_sqlite=self._transaction.is_sqlite) if of == HOURS else _ROWS[of]
        for row in self._transaction.execute(rows, given):
            differences[tuple(row[:-1])] += row[-1]
        for row in self._transaction.execute(_TOTALS[of].known, given):
            differences[tuple(row[:-1])] -= row[-1]
        return differences


def _rows(totals: RowTotals, numbers: Mapping[tuple[Any, ...], int]) -> Sequence[Mapping[str, Any]]:
    return [
        {**dict(zip(totals.by, by, strict=True)), "number": number}
        for by, number in sorted(numbers.items())
        if number
    ]


def _has(column: Any, wanted: Any) -> ColumnElement[bool]:
    is_any = isinstance(wanted, list | Select)
    condition: ColumnElement[bool] = column.in_(wanted) if is_any else column == wanted
    return condition
