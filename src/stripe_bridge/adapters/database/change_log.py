"""Writes the change log: the last statements of a transaction that recorded something.

Everything is rendered before the heads are locked; under their locks entries are only numbered, hashed and inserted, and
nothing else is locked after them. So no two transactions deadlock here, no number is seen before a lower one, and a
transaction that is rolled back leaves no gap.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from stripe_bridge.adapters.database.any_of import any_of
from stripe_bridge.adapters.database.existing_kinds import EXISTING_KINDS
from stripe_bridge.adapters.database.mapping import Mapper, table_of
from stripe_bridge.adapters.database.request_traces import note_traces
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.accounts import IntegrationRow
from stripe_bridge.adapters.database.tables.changes import ChangeBackfillRow, ChangeHeadRow, ChangeRow
from stripe_bridge.adapters.database.tables.invoicing import InvoiceRow, SalesOrderRow
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
from stripe_bridge.domain.request_trace import Trace, traces_of_changes

HEADS, ENTRIES = Mapper(Head, ChangeHeadRow), Mapper(Entry, ChangeRow)
_HEAD = HEADS.table.c
_ORDER, _INVOICE, _INTEGRATION = (table_of(row).c for row in (SalesOrderRow, InvoiceRow, IntegrationRow))
_OWN = table_of(InvoiceRow).alias("own").c
_ADD_HEAD = insert(HEADS.table).on_conflict_do_nothing()
_LOCK_HEADS = (
    HEADS.select.where(any_of(_HEAD.tenant_id, "tenant_ids")).order_by(_HEAD.tenant_id).with_for_update()
)
_MOVE_HEAD = (
    update(HEADS.table)
    .where(_HEAD.tenant_id == bindparam("own_tenant_id"))
    .values(sequence=bindparam("last"), hash=bindparam("last_hash"))
)
# Whether what was there before the log is recorded, new logs have to know from the start.
_COMPLETED_KINDS = select(func.count(table_of(ChangeBackfillRow).c.completed_at))
_ADD_ENTRY = insert(ENTRIES.table)
_KEY = tuple_(_ORDER.tenant_id, _ORDER.id)
_LIVEMODES = select(_INTEGRATION.id, _INTEGRATION.livemode).where(any_of(_INTEGRATION.id, "ids"))
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
)

_OF_INVOICES = select(_OWN.tenant_id, _OWN.sales_order_id).where(any_of(_OWN.id, "ids"))
_AROUND_INVOICES = _AROUND.where(_KEY.in_(_OF_INVOICES))
OrderKey = tuple[str, int]


def append_changes(transaction: Transaction, changes: Sequence[Change]) -> dict[str, int]:
    """Returns the number of each tenant's last entry."""
    prepared = prepare(changes, _surroundings(transaction, changes), _ids())
    tenant_ids = sorted({change.tenant_id for change in prepared})
    heads = _lock_heads(transaction, tenant_ids)
    # Now, when no other transaction can give a number before this one.
    now = _now(transaction)
    entries: list[Entry] = []
    moved: list[dict[str, Any]] = []
    traces: list[Trace] = []
    for tenant_id, of_tenant in groupby(sorted(prepared, key=_tenant_of), key=_tenant_of):
        of_one = list(of_tenant)
        numbered, head = number(heads[tenant_id], of_one, now)
        traces += traces_of_changes(of_one, numbered)
        entries += numbered
        moved.append({"own_tenant_id": tenant_id, "last": head.sequence, "last_hash": head.hash})
    transaction.execute_many(_ADD_ENTRY, [ENTRIES.values(entry) for entry in entries])
    transaction.execute_many(_MOVE_HEAD, moved)
    note_traces(transaction, traces)
    return {move["own_tenant_id"]: move["last"] for move in moved}


def new_log(*, after: str | None = None) -> str:
    """A name for a history that begins now, after the one of that name."""
    return name_log(secrets.token_hex(12), after=after)


def _ids() -> Iterator[tuple[str, str]]:
    while True:
        yield f"chg_{secrets.token_hex(12)}", secrets.token_hex(16)


def _tenant_of(change: PreparedChange) -> str:
    return change.tenant_id


def _lock_heads(transaction: Transaction, tenant_ids: Sequence[str]) -> dict[str, Head]:
    heads = _locked(transaction, tenant_ids)
    missing = [tenant_id for tenant_id in tenant_ids if tenant_id not in heads]
    if not missing:
        return heads
    done = transaction.execute(_COMPLETED_KINDS).scalar_one() == len(EXISTING_KINDS)
    new = [Head(tenant_id=tenant_id, log=new_log(), hash=GENESIS, is_complete=done) for tenant_id in missing]
    transaction.execute_many(_ADD_HEAD, [HEADS.values(head) for head in new])
    return _locked(transaction, tenant_ids)


def _locked(transaction: Transaction, tenant_ids: Sequence[str]) -> dict[str, Head]:
    found = transaction.list(HEADS, _LOCK_HEADS, tenant_ids=tenant_ids)
    return {head.tenant_id: head for head in found}


def _now(transaction: Transaction) -> datetime:
    if transaction.is_sqlite:
        return datetime.now(UTC)
    now: datetime = transaction.execute(_CLOCK).scalar_one()
    return now.astimezone(UTC)


_CLOCK = select(func.clock_timestamp())


def _surroundings(transaction: Transaction, changes: Collection[Change]) -> Surroundings:
    around = _Around(transaction)
    around.read_invoices({change.invoice_id for change in changes if change.invoice_id is not None})
    alone = [change for change in changes if change.invoice_id is None]
    around.read_orders(
        {(each.tenant_id, each.sales_order_id) for each in alone if each.tenant_id and each.sales_order_id}
    )
    around.read_integrations({each.integration_id for each in alone if each.integration_id is not None})
    return around.found()


class _Around:
    """What changes need of other objects, read in as few statements as there are ways to find them: mostly one."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._invoices: dict[int, InvoicePlace] = {}
        self._livemodes: dict[int, bool] = {}
        # What was agreed to be paid through us, and what was, by order.
        self._agreed: dict[OrderKey, tuple[int, int]] = {}
        self._settled: dict[OrderKey, int] = {}

    def read_invoices(self, ids: Collection[int]) -> None:
        if ids:
            self._take(self._transaction.execute(_AROUND_INVOICES, {"ids": sorted(ids)}))

    def read_orders(self, keys: Collection[OrderKey]) -> None:
        missing = sorted(set(keys) - set(self._agreed))
        if missing:
            self._take(self._transaction.execute(_AROUND.where(_KEY.in_(missing))))

    def read_integrations(self, ids: Collection[int]) -> None:
        missing = sorted(set(ids) - set(self._livemodes))
        if missing:
            for row in self._transaction.execute(_LIVEMODES, {"ids": missing}):
                self._livemodes[row.id] = row.livemode

    def _take(self, rows: Iterable[Row[Any]]) -> None:
        for row in rows:
            key = row.tenant_id, row.order_id
            self._agreed[key] = row.total, row.paid_elsewhere
            settled = self._settled.setdefault(key, 0)
            if row.invoice_id is None:
                continue
            given_back = row.amount_refunded + row.amount_lost
            self._settled[key] = settled + settled_amount(
                row.status, row.amount, row.amount_remaining, given_back
            )
            self._livemodes[row.integration_id] = row.livemode
            self._invoices[row.invoice_id] = InvoicePlace(
                tenant_id=row.tenant_id, sales_order_id=row.order_id, integration_id=row.integration_id
            )

    def found(self) -> Surroundings:
        return Surroundings(
            invoices=self._invoices,
            livemodes=self._livemodes,
            orders={
                key: order_figures(total, paid_elsewhere, self._settled[key])
                for key, (total, paid_elsewhere) in self._agreed.items()
            },
        )
