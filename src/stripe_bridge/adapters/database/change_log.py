"""Writes the change log: the last statements of a transaction that recorded something.

The heads are locked last, by the statement that also reads what the changes are about; under their locks entries are
rendered, numbered and inserted, and nothing else is locked after them. So no two transactions deadlock here, no number is seen
before a lower one, and a transaction that is rolled back leaves no gap.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, select, tuple_, union, update
from sqlalchemy.dialects.postgresql import insert

from stripe_bridge.adapters.database.any_of import any_of
from stripe_bridge.adapters.database.existing_kinds import EXISTING_KINDS
from stripe_bridge.adapters.database.mapping import Mapper, table_of
from stripe_bridge.adapters.database.request_traces import ADD_WITH_IT, take_traces
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.accounts import IntegrationRow
from stripe_bridge.adapters.database.tables.changes import ChangeBackfillRow, ChangeHeadRow, ChangeRow
from stripe_bridge.adapters.database.tables.invoicing import InvoiceRow, SalesOrderRow
from stripe_bridge.adapters.database.together import insert_together
from stripe_bridge.domain.changes.change import Change
from stripe_bridge.domain.changes.entry import (
    GENESIS,
    Entry,
    Head,
    InvoicePlace,
    PreparedChange,
    Surroundings,
    number,
    order_figures,
    prepare,
)
from stripe_bridge.domain.changes.history import name_log
from stripe_bridge.domain.invoice import settled_amount
from stripe_bridge.domain.request_trace import traces_of_changes

HEADS, ENTRIES = Mapper(Head, ChangeHeadRow), Mapper(Entry, ChangeRow)
_HEAD = HEADS.table.c
_ORDER, _INVOICE, _INTEGRATION = (table_of(row).c for row in (SalesOrderRow, InvoiceRow, IntegrationRow))
_OWN = table_of(InvoiceRow).alias("own").c
_ADD_HEAD = insert(HEADS.table).on_conflict_do_nothing()
_MOVE_HEAD = (
    update(HEADS.table)
    .where(_HEAD.tenant_id == bindparam("own_tenant_id"))
    .values(sequence=bindparam("last"), hash=bindparam("last_hash"))
)
# Whether what was there before the log is recorded, new logs have to know from the start.
_COMPLETED_KINDS = select(func.count(table_of(ChangeBackfillRow).c.completed_at))
_ADD_ENTRY = insert(ENTRIES.table)
# Most transactions record one change. SQLite has no such statement, and no round trips to save.
_ADD_ENTRY_AND_MOVE_HEAD = _ADD_ENTRY.values(
    {column.name: bindparam(f"own_{column.name}") for column in ENTRIES.columns}
).add_cte(_MOVE_HEAD.cte("moved"), ADD_WITH_IT)
_ADD_ENTRIES = insert_together(ENTRIES.table)
_LIVEMODES = select(_INTEGRATION.id, _INTEGRATION.livemode).where(any_of(_INTEGRATION.id, "ids"))
_ASKED = table_of(SalesOrderRow).alias("asked").c
_WANTED = union(
    select(_OWN.tenant_id, _OWN.sales_order_id).where(any_of(_OWN.id, "invoice_ids")),
    select(_ASKED.tenant_id, _ASKED.id).where(
        any_of(_ASKED.tenant_id, "tenant_ids"), any_of(_ASKED.id, "order_ids")
    ),
)
# Orders with their invoices, and whose these are: what orders owe, to whom an invoice belongs, whether it is real money.
_AROUND = (
    select(
        _ORDER.tenant_id,
        _ORDER.id.label("order_id"),
        _ORDER.total,
        _ORDER.paid_elsewhere,
        _INVOICE.id.label("invoice_id"),
        _INVOICE.integration_id,
        _INVOICE.status,
        _INVOICE.amount,
        _INVOICE.amount_remaining,
        _INVOICE.amount_refunded,
        _INVOICE.amount_lost,
        _INTEGRATION.livemode,
    )
    .select_from(table_of(SalesOrderRow))
    .outerjoin(
        table_of(InvoiceRow),
        and_(_INVOICE.tenant_id == _ORDER.tenant_id, _INVOICE.sales_order_id == _ORDER.id),
    )
    .outerjoin(table_of(IntegrationRow), _INTEGRATION.id == _INVOICE.integration_id)
    .where(tuple_(_ORDER.tenant_id, _ORDER.id).in_(_WANTED))
    .subquery("around")
)
_LOCK_HEADS = (
    HEADS.select.add_columns(*(column for column in _AROUND.c if column.name != "tenant_id"))
    .select_from(HEADS.table.outerjoin(_AROUND, _AROUND.c.tenant_id == _HEAD.tenant_id))
    .where(any_of(_HEAD.tenant_id, "tenant_ids"))
    .order_by(_HEAD.tenant_id)
    .with_for_update(of=HEADS.table)
)
# The time is read anew for a head that another transaction has moved while this one was waiting for it.
_LOCK_HEADS_AND_READ_TIME = _LOCK_HEADS.add_columns(func.clock_timestamp().label("now"))
_TENANTS = select(_OWN.tenant_id).distinct().where(any_of(_OWN.id, "ids"))
OrderKey = tuple[str, int]


def append_changes(transaction: Transaction, changes: Sequence[Change]) -> dict[str, int]:
    """Returns the number of each tenant's last entry."""
    locked, around = _lock_heads(transaction, changes)
    prepared = prepare(changes, around, _ids())
    entries: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    for tenant_id, of_tenant in groupby(sorted(prepared, key=_tenant_of), key=_tenant_of):
        head, now = locked[tenant_id]
        of_one = list(of_tenant)
        numbered, head = number(head, of_one, now)
        transaction.traces += traces_of_changes(of_one, numbered)
        entries += [ENTRIES.values(entry) for entry in numbered]
        moved.append({"own_tenant_id": tenant_id, "last": head.sequence, "last_hash": head.hash})
    _write(transaction, entries, moved)
    return {move["own_tenant_id"]: move["last"] for move in moved}


def _write(
    transaction: Transaction, entries: Sequence[dict[str, Any]], moved: Sequence[dict[str, Any]]
) -> None:
    if len(entries) == 1 and not transaction.is_sqlite:
        own = {f"own_{name}": value for name, value in entries[0].items()}
        transaction.execute(_ADD_ENTRY_AND_MOVE_HEAD, own | moved[0] | take_traces(transaction))
    else:
        transaction.execute_many(_ADD_ENTRY, entries, _ADD_ENTRIES)
        transaction.execute_many(_MOVE_HEAD, moved)


def new_log(*, after: str | None = None) -> str:
    """A name for a history that begins now, after the one of that name."""
    return name_log(secrets.token_hex(12), after=after)


def _ids() -> Iterator[tuple[str, str]]:
    while True:
        yield f"chg_{secrets.token_hex(12)}", secrets.token_hex(16)


def _tenant_of(change: PreparedChange) -> str:
    return change.tenant_id


# A head, and a time at which no other transaction can give a number before this one.
Locked = tuple[Head, datetime]


def _lock_heads(
    transaction: Transaction, changes: Collection[Change]
) -> tuple[Mapping[str, Locked], Surroundings]:
    tenant_ids = _tenants_of(transaction, changes)
    alone = [change for change in changes if change.invoice_id is None]
    given = {
        "tenant_ids": tenant_ids,
        "invoice_ids": sorted({each.invoice_id for each in changes if each.invoice_id is not None}),
        "order_ids": sorted({each.sales_order_id for each in alone if each.sales_order_id is not None}),
    }
    found = _Found(_locked(transaction, given))
    missing = [tenant_id for tenant_id in tenant_ids if tenant_id not in found.heads]
    if missing:
        _add_heads(transaction, missing)
        found = _Found(_locked(transaction, given))
    unread = {each.integration_id for each in alone if each.integration_id is not None} - set(found.livemodes)
    if unread:
        rows = transaction.execute(_LIVEMODES, {"ids": sorted(unread)})
        found.livemodes.update((row.id, row.livemode) for row in rows)
    return found.heads, found.surroundings()


def _tenants_of(transaction: Transaction, changes: Collection[Change]) -> list[str]:
    named = {change.tenant_id for change in changes if change.tenant_id is not None}
    unnamed = {each.invoice_id for each in changes if each.tenant_id is None and each.invoice_id is not None}
    if unnamed:
        named.update(transaction.execute(_TENANTS, {"ids": sorted(unnamed)}).scalars())
    return sorted(named)


def _locked(transaction: Transaction, given: Mapping[str, Any]) -> Iterable[Row[Any]]:
    statement = _LOCK_HEADS if transaction.is_sqlite else _LOCK_HEADS_AND_READ_TIME
    return transaction.execute(statement, given)


def _add_heads(transaction: Transaction, tenant_ids: Sequence[str]) -> None:
    done = transaction.execute(_COMPLETED_KINDS).scalar_one() == len(EXISTING_KINDS)
    new = [Head(tenant_id=each, log=new_log(), hash=GENESIS, is_complete=done) for each in tenant_ids]
    transaction.execute_many(_ADD_HEAD, [HEADS.values(head) for head in new])


class _Found:
    """The heads, and what changes need of other objects."""

    def __init__(self, rows: Iterable[Row[Any]]) -> None:
        self.heads: dict[str, Locked] = {}
        self.livemodes: dict[int, bool] = {}
        self._invoices: dict[int, InvoicePlace] = {}
        # What was agreed to be paid through us, and what was, by order.
        self._agreed: dict[OrderKey, tuple[int, int]] = {}
        self._settled: dict[OrderKey, int] = {}
        names = [column.name for column in HEADS.columns]
        for row in rows:
            now = getattr(row, "now", None) or datetime.now(UTC)
            self.heads[row.tenant_id] = HEADS.make(names, row[: len(names)]), now.astimezone(UTC)
            if row.order_id is not None:
                self._take(row)

    def _take(self, row: Row[Any]) -> None:
        key = row.tenant_id, row.order_id
        self._agreed[key] = row.total, row.paid_elsewhere
        settled = self._settled.setdefault(key, 0)
        if row.invoice_id is None:
            return
        given_back = row.amount_refunded + row.amount_lost
        self._settled[key] = settled + settled_amount(
            row.status, row.amount, row.amount_remaining, given_back
        )
        self.livemodes[row.integration_id] = row.livemode
        self._invoices[row.invoice_id] = InvoicePlace(
            tenant_id=row.tenant_id, sales_order_id=row.order_id, integration_id=row.integration_id
        )

    def surroundings(self) -> Surroundings:
        return Surroundings(
            invoices=self._invoices,
            livemodes=self.livemodes,
            orders={
                key: order_figures(total, paid_elsewhere, self._settled[key])
                for key, (total, paid_elsewhere) in self._agreed.items()
            },
        )
