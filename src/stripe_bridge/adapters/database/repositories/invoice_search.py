"""Searching a tenant's invoices, however many there are and whatever is asked for.

Of what is asked for one part leads: it has an index in the order of the page, from which the next ids are taken. Only these
invoices are read, and held against the rest. So a page costs the same wherever it is, and however little is found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    TextClause,
    and_,
    false,
    literal,
    not_,
    select,
    tuple_,
    union_all,
)

from stripe_bridge.adapters.database.any_of import any_of
from stripe_bridge.adapters.database.identity_map import INVOICES
from stripe_bridge.adapters.database.mapping import table_of
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.base import begins_with, is_among
from stripe_bridge.adapters.database.tables.invoicing import IS_BEING_PAID, IS_LISTED, IS_NOT_PAID
from stripe_bridge.adapters.database.tables.payments import LinkRow
from stripe_bridge.domain.errors.values import InvalidCursor
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.paging import Page, PageRequest, cursor_after
from stripe_bridge.domain.payment_status import PaymentStatus
from stripe_bridge.domain.stripe_objects import PaymentProgress
from stripe_bridge.ports.storage.invoicing import InvoiceSearch

Condition = ColumnElement[bool] | TextClause

_INVOICE, _LINK = INVOICES.table.c, table_of(LinkRow).c
_READ = INVOICES.select.where(any_of(_INVOICE.id, "ids"))
# A draft as callers see it: whether it exists at Stripe yet is not their concern.
_SHOWN_AS_DRAFT = (InvoiceStatus.RESERVED, InvoiceStatus.DRAFT)
_IS_OWED = _INVOICE.status.in_([InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE])
_BEING_PAID = (PaymentStatus.PENDING, PaymentStatus.PARTIAL, PaymentStatus.FAILED)


def shown_as(status: InvoiceStatus | None) -> list[InvoiceStatus]:
    if status is None:
        return list(InvoiceStatus)
    return list(_SHOWN_AS_DRAFT) if status is InvoiceStatus.DRAFT else [status]


@dataclass(frozen=True, slots=True)
class _Walk:
    """What leads, by name of what is asked for, and the order of the page, which ends in the id.

    `begins` names that part of what leads whose first condition says where the walk begins.
    `is_sorted`: the index that leads has this order. Otherwise what it finds is so little that it can be sorted.
    `is_of_tenant`: that index begins with the tenant. Otherwise the tenant is only checked.
    """

    leading: frozenset[str] = frozenset()
    keys: tuple[ColumnElement[Any], ...] = (_INVOICE.id,)
    descending: bool = True
    begins: str = "place"
    is_sorted: bool = True
    is_of_tenant: bool = True

    @property
    def order(self) -> Sequence[ColumnElement[Any]]:
        return [key.desc() if self.descending else key.asc() for key in self.keys]

    def next_ids(self, tenant_id: str, leading: Sequence[Condition], limit: int) -> Select[Any]:
        is_of_tenant = _INVOICE.tenant_id == tenant_id if self.is_of_tenant else _is_of(tenant_id)
        order = self.order if self.is_sorted else [(_INVOICE.id + 0).desc()]
        return select(_INVOICE.id).where(is_of_tenant, *leading).order_by(*order).limit(limit)

    def beyond(self, place: Sequence[Any]) -> ColumnElement[bool]:
        end = tuple_(*(literal(value, key.type) for key, value in zip(self.keys, place, strict=True)))
        return tuple_(*self.keys) < end if self.descending else tuple_(*self.keys) > end


_BY_NUMBER = _Walk(frozenset({"number"}), (_INVOICE.number, _INVOICE.id), descending=False, begins="number")
_BY_DATE = _Walk(
    frozenset({"created_from", "created_before"}), (_INVOICE.created_at, _INVOICE.id), begins="created_before"
)


def search(
    transaction: Transaction, tenant_id: str, wanted: InvoiceSearch, request: PageRequest, examine: int
) -> Page[Invoice]:
    walk, conditions = _walk(wanted), _conditions(wanted)
    leading = {name: each for name, each in conditions.items() if name in walk.leading}
    if request.before_id is not None:
        place = _place(transaction, tenant_id, walk, request.before_id)
        # In place of where it began: given two beginnings, SQLite may take the wrong one.
        leading[walk.begins] = [walk.beyond(place), *leading.get(walk.begins, [])[1:]]
    checked = {name: each for name, each in conditions.items() if name not in walk.leading - {walk.begins}}
    limit = request.per_page + 1 if conditions.keys() <= walk.leading else examine
    next_ids = walk.next_ids(tenant_id, _flat(leading), limit)
    if "customer_ids" in walk.leading:
        next_ids = _of_customers(wanted.customer_ids or (), leading.get(walk.begins, ()), limit)
    ids = transaction.execute(next_ids).scalars().all()
    own = _READ.where(_is_of(tenant_id), IS_LISTED, *_flat(checked))
    matching = own.order_by(*walk.order).limit(request.per_page + 1)
    page = Page.of(
        transaction.list(INVOICES, matching, ids=ids), request, None, lambda each: cursor_after(each.id)
    )
    is_end = page.next_cursor is not None or len(ids) < limit
    return page if is_end else replace(page, next_cursor=cursor_after(ids[-1]))


def _walk(wanted: InvoiceSearch) -> _Walk:
    """What finds the fewest leads."""
    if wanted.number is not None:
        return _BY_NUMBER
    for name in ("stripe_id", "sales_order_ids", "customer_ids"):
        if getattr(wanted, name) is not None:
            return _Walk(frozenset({name}), is_sorted=False, is_of_tenant=name == "sales_order_ids")
    if wanted.payment_status in _BEING_PAID:
        return _Walk(frozenset({"being_paid"}))
    if wanted.created_from is not None or wanted.created_before is not None:
        return _BY_DATE
    if wanted.integration_id is not None:
        return _Walk(frozenset({"integration_id", "status"}), is_of_tenant=False)
    # Nearly all are paid, so these are found without an index of their own.
    is_few = wanted.status is not None and wanted.status is not InvoiceStatus.PAID
    return _Walk(frozenset({"status"}) if is_few else frozenset())


def _is_of(tenant_id: str) -> ColumnElement[bool]:
    """An expression has no index, so no planner takes one by tenant and id for the one that leads."""
    return _INVOICE.tenant_id.concat("") == tenant_id


def _of_customers(customer_ids: Sequence[int], beyond: Sequence[Condition], limit: int) -> Select[Any]:
    """The newest of each, as its index has them, and of these the newest: a customer may have any number of invoices."""
    of_each = [
        select(_INVOICE.id)
        .where(_INVOICE.customer_id == each, *beyond)
        .order_by(_INVOICE.id.desc())
        .limit(limit)
        .subquery()
        for each in customer_ids
    ]
    nobodys = select(_INVOICE.id).where(false())
    of_all = union_all(*(select(each.c.id) for each in of_each)).subquery() if of_each else nobodys.subquery()
    return select(of_all.c.id).order_by(of_all.c.id.desc()).limit(limit)


def _place(transaction: Transaction, tenant_id: str, walk: _Walk, invoice_id: int) -> Sequence[Any]:
    """Where an invoice stands. Raises InvalidCursor."""
    if len(walk.keys) == 1:
        return [invoice_id]
    own = select(*walk.keys).where(_INVOICE.id == invoice_id, _INVOICE.tenant_id == tenant_id)
    found = transaction.execute(own).first()
    if found is None or None in found:
        raise InvalidCursor
    return found


def _flat(conditions: Mapping[str, Sequence[Condition]]) -> list[Condition]:
    return [each for several in conditions.values() for each in several]


def _conditions(wanted: InvoiceSearch) -> dict[str, Sequence[Condition]]:
    """By what is asked for."""
    asked = {name: getattr(wanted, name) for name in _CONDITIONS}
    found = {name: _CONDITIONS[name](value) for name, value in asked.items() if value is not None}
    # The index of these leads alone: with more to go by, PostgreSQL may combine it with a larger one.
    return found | {"being_paid": [IS_BEING_PAID]} if wanted.payment_status in _BEING_PAID else found


def _of_status(status: InvoiceStatus) -> list[Condition]:
    is_shown_so = is_among("status", shown_as(status))
    return [is_shown_so] if status is InvoiceStatus.PAID else [is_shown_so, IS_NOT_PAID]


def _of_payment_status(status: PaymentStatus) -> list[Condition]:
    """As the invoice says it of itself."""
    is_pending = and_(_IS_OWED, _has_come_to(PaymentProgress.PENDING))
    is_partial = and_(not_(is_pending), _INVOICE.amount_paid > 0)
    has_failed = and_(_IS_OWED, _has_come_to(PaymentProgress.FAILED), _INVOICE.amount_paid == 0)
    exact: dict[PaymentStatus, list[Condition]] = {
        PaymentStatus.PAID: [is_among("status", [InvoiceStatus.PAID])],
        PaymentStatus.PENDING: [is_pending],
        PaymentStatus.PARTIAL: [IS_NOT_PAID, is_partial],
        PaymentStatus.FAILED: [has_failed],
        PaymentStatus.NONE: [IS_NOT_PAID, not_(is_pending), not_(is_partial), not_(has_failed)],
    }
    return exact[status]


def _has_come_to(progress: PaymentProgress) -> ColumnElement[bool]:
    """Never null, so that it can be negated."""
    return _INVOICE.payment_progress.is_not_distinct_from(progress)


_CONDITIONS: Mapping[str, Callable[[Any], Sequence[Condition]]] = {
    "status": _of_status,
    "payment_status": _of_payment_status,
    "integration_id": lambda id_: [_INVOICE.integration_id == id_],
    "created_from": lambda moment: [_INVOICE.created_at >= moment],
    "created_before": lambda moment: [_INVOICE.created_at < moment],
    "number": lambda prefix: begins_with(_INVOICE.number, prefix),
    "stripe_id": lambda id_: [_INVOICE.id.in_(select(_LINK.invoice_id).where(_LINK.stripe_id == id_))],
    "customer_ids": lambda ids: [_INVOICE.customer_id.in_(ids)],
    "sales_order_ids": lambda ids: [_INVOICE.sales_order_id.in_(ids)],
}
