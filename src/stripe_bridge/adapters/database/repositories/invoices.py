"""Invoices, stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, TextClause, bindparam, exists, func, literal, select, tuple_

from stripe_bridge.adapters.database.any_of import any_of
from stripe_bridge.adapters.database.identity_map import INVOICES, PAYMENTS, IdentityMap
from stripe_bridge.adapters.database.mapping import table_of, with_lock
from stripe_bridge.adapters.database.repositories.invoice_search import search, shown_as
from stripe_bridge.adapters.database.repositories.totals import INVOICE_TOTALS
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.accounts import IntegrationRow
from stripe_bridge.adapters.database.tables.base import is_among
from stripe_bridge.adapters.database.tables.changes import ChangeRow
from stripe_bridge.adapters.database.tables.intents import IS_UNSETTLED, IntentRow
from stripe_bridge.adapters.database.tables.invoicing import (
    IS_LISTED,
    IS_NOT_PAID,
    IS_RESERVED,
    MAY_BE_OVERDUE,
    SalesOrderRow,
)
from stripe_bridge.adapters.database.tables.payments import LinkRow
from stripe_bridge.adapters.database.types import UtcDateTime
from stripe_bridge.domain.errors.base import InvoiceNotFound
from stripe_bridge.domain.intent import invoice_subject
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.paging import Page, PageRequest, Update, cursor_after_update
from stripe_bridge.ports.storage.invoicing import (
    MOST_EXAMINED,
    InvoiceFilter,
    InvoiceSearch,
    SettledInvoice,
)

_INVOICE, _INTEGRATION = INVOICES.table.c, table_of(IntegrationRow).c
_INTENT, _ORDER = table_of(IntentRow).c, table_of(SalesOrderRow).c
_CHANGE = table_of(ChangeRow).c
_LINK, _PAYMENT = table_of(LinkRow).c, PAYMENTS.table.c
_BY_ID = with_lock(INVOICES.select.where(_INVOICE.id == bindparam("id")))
_LAST_CHANGE = (
    select(_CHANGE.sequence)
    .where(_CHANGE.tenant_id == _INVOICE.tenant_id, _CHANGE.sales_order_id == _INVOICE.sales_order_id)
    .order_by(_CHANGE.sequence.desc())
    .limit(1)
)
_SETTLED = (
    _BY_ID[False]
    .where(~exists().where(_INTENT.subject == bindparam("subject"), IS_UNSETTLED))
    .add_columns(_LAST_CHANGE.scalar_subquery())
)
# The order is locked before the invoice is even read: a row is locked only after everything that it is joined with.
_ORDER_OF = (
    select(_ORDER.id)
    .join(INVOICES.table, (_INVOICE.tenant_id == _ORDER.tenant_id) & (_INVOICE.sales_order_id == _ORDER.id))
    .where(_INVOICE.id == bindparam("id"))
    .with_for_update(of=table_of(SalesOrderRow), key_share=True)
    .cte("held")
)
_LOCK = (
    INVOICES.select.join_from(INVOICES.table, _ORDER_OF, _INVOICE.sales_order_id == _ORDER_OF.c.id)
    .where(_INVOICE.id == bindparam("id"))
    .with_for_update(of=INVOICES.table, key_share=True)
)
_OF_TENANT = with_lock(
    INVOICES.select.where(
        _INVOICE.id == bindparam("id"), _INVOICE.tenant_id == bindparam("tenant_id"), IS_LISTED
    )
)
_BY_IDS = INVOICES.select.where(any_of(_INVOICE.id, "ids"))
_OF_ORDER = INVOICES.select.where(
    _INVOICE.tenant_id == bindparam("tenant_id"), _INVOICE.sales_order_id == bindparam("sales_order_id")
)
_LISTED_OF_ORDER = _OF_ORDER.where(IS_LISTED).order_by(_INVOICE.id.desc())
_OF_ORDERS = INVOICES.select.where(
    _INVOICE.tenant_id == bindparam("tenant_id"),
    any_of(_INVOICE.sales_order_id, "sales_order_ids"),
    IS_LISTED,
)
_WAITING_FOR_CUSTOMER = INVOICES.select.where(
    _INVOICE.customer_id == bindparam("customer_id"), IS_RESERVED
).order_by(_INVOICE.id)
_DUE = (
    select(_INVOICE.id)
    .where(MAY_BE_OVERDUE, _INVOICE.due_date < bindparam("now"))
    .order_by(_INVOICE.due_date, _INVOICE.id)
    .limit(bindparam("limit"))
)


class SqlInvoices:
    def __init__(self, transaction: Transaction, identity_map: IdentityMap) -> None:
        self._transaction, self._identity_map = transaction, identity_map

    def add(self, invoice: Invoice) -> Invoice:
        return replace(invoice, id=self._transaction.add(INVOICES, invoice))

    def restore(self, invoice: Invoice) -> bool:
        return self._transaction.restore(INVOICES, invoice)

    def get(self, tenant_id: str, invoice_id: int, *, lock: bool = False) -> Invoice:
        found = self._transaction.find(INVOICES, _OF_TENANT[lock], id=invoice_id, tenant_id=tenant_id)
        if found is None:
            raise InvoiceNotFound
        return found

    def find(self, invoice_id: int, *, lock: bool = False) -> Invoice | None:
        loaded = self._identity_map.invoices.get(invoice_id)
        return loaded or self._transaction.find(INVOICES, _BY_ID[lock], id=invoice_id)

    def find_all(self, invoice_ids: Sequence[int]) -> Sequence[Invoice]:
        return self._transaction.list(INVOICES, _BY_IDS, ids=list(invoice_ids)) if invoice_ids else []

    def find_settled(self, invoice_id: int) -> SettledInvoice | None:
        given = {"id": invoice_id, "subject": invoice_subject(invoice_id)}
        row = self._transaction.execute(_SETTLED, given).first()
        if row is None:
            return None
        return SettledInvoice(INVOICES.make(row._fields[:-1], row[:-1]), last_change=row[-1])

    def lock(self, invoice_id: int) -> Invoice | None:
        loaded = self._identity_map.invoices.get(invoice_id)
        return loaded or self._transaction.find(INVOICES, _LOCK, id=invoice_id)

    def of_order(self, tenant_id: str, sales_order_id: int) -> Sequence[Invoice]:
        return self._transaction.list(
            INVOICES, _LISTED_OF_ORDER, tenant_id=tenant_id, sales_order_id=sales_order_id
        )

    def of_orders(self, tenant_id: str, sales_order_ids: Sequence[int]) -> Mapping[int, Sequence[Invoice]]:
        found: dict[int, list[Invoice]] = {each: [] for each in sales_order_ids}
        invoices = self._transaction.list(
            INVOICES, _OF_ORDERS, tenant_id=tenant_id, sales_order_ids=list(found)
        )
        for invoice in sorted(invoices, key=lambda invoice: invoice.id, reverse=True):
            found[invoice.sales_order_id].append(invoice)
        return found

    def reserved_for_customer(self, customer_id: int) -> Sequence[Invoice]:
        return self._transaction.list(INVOICES, _WAITING_FOR_CUSTOMER, customer_id=customer_id)

    def overdue(self, now: datetime, limit: int) -> Sequence[int]:
        found = self._transaction.execute(_DUE, {"now": now, "limit": limit})
        return list(found.scalars())

    def has_other_account(self, integration_id: int, account_id: str) -> bool:
        """Asks only for the smallest and the largest, which are at the ends of an index: there may be millions in between."""
        accounts = select(_INVOICE.stripe_account_id).where(
            _INVOICE.integration_id == integration_id, IS_LISTED
        )
        least, greatest = (
            accounts.with_only_columns(extreme(_INVOICE.stripe_account_id)).scalar_subquery()
            for extreme in (func.min, func.max)
        )
        return any(
            found not in (None, account_id)
            for found in self._transaction.execute(select(least, greatest)).one()
        )

    def page(
        self,
        tenant_id: str,
        integration_id: int,
        status: InvoiceStatus | None,
        request: PageRequest,
    ) -> Page[Invoice]:
        matching = INVOICES.select.where(
            _INVOICE.tenant_id == tenant_id, _INVOICE.integration_id == integration_id, IS_LISTED
        )
        if status is not None:
            matching = matching.where(_INVOICE.status.in_(shown_as(status)))
        total = INVOICE_TOTALS.where(integration_id=integration_id, status=_listed(status))
        of_tenant = select(_INTEGRATION.id).where(
            _INTEGRATION.id == integration_id, _INTEGRATION.tenant_id == tenant_id
        )
        return self._transaction.page(INVOICES, matching, request, [total.where(of_tenant.exists())])

    def page_of_tenant(self, tenant_id: str, matching: InvoiceFilter, request: PageRequest) -> Page[Invoice]:
        statement = INVOICES.select.where(*_conditions(tenant_id, matching))
        if matching.updated_since is not None:
            return self._page_by_update(statement, request)
        return self._transaction.page(INVOICES, statement, request, _total_statements(tenant_id, matching))

    def search(
        self,
        tenant_id: str,
        wanted: InvoiceSearch,
        request: PageRequest,
        *,
        examine: int = MOST_EXAMINED,
    ) -> Page[Invoice]:
        return search(self._transaction, tenant_id, wanted, request, examine)

    def _page_by_update(self, matching: Select[Any], request: PageRequest) -> Page[Invoice]:
        statement = matching.order_by(_INVOICE.updated_at, _INVOICE.id).limit(request.per_page + 1)
        total = None
        if request.after is None:
            statement = statement.offset(request.offset)
            counting = matching.with_only_columns(func.count(), maintain_column_froms=True)
            total = int(self._transaction.execute(counting).scalar_one())
        else:
            last = tuple_(literal(request.after.at, UtcDateTime()), literal(request.after.id))
            statement = statement.where(tuple_(_INVOICE.updated_at, _INVOICE.id) > last)
        found = self._transaction.list(INVOICES, statement)
        return Page.of(
            found, request, total, lambda each: cursor_after_update(Update(each.updated_at, each.id))
        )

    def save(self, invoice: Invoice) -> Invoice:
        if invoice.id in self._identity_map.invoices:
            return self._identity_map.save_invoice(invoice)
        return self._transaction.save(INVOICES, invoice)


def _listed(status: InvoiceStatus | None) -> list[str]:
    return [each.value for each in shown_as(status) if each is not InvoiceStatus.ABANDONED]


def _conditions(tenant_id: str, matching: InvoiceFilter) -> list[ColumnElement[bool] | TextClause]:
    conditions: list[ColumnElement[bool] | TextClause] = [_INVOICE.tenant_id == tenant_id, IS_LISTED]
    if matching.status is not None:
        conditions.append(is_among("status", shown_as(matching.status)))
        if matching.status is not InvoiceStatus.PAID:
            conditions.append(IS_NOT_PAID)
    if matching.updated_since is not None:
        conditions.append(_INVOICE.updated_at >= matching.updated_since)
    if matching.number is not None:
        conditions.append(_INVOICE.number == matching.number)
    if matching.stripe_invoice_id is not None:
        conditions += [
            _linked(matching.stripe_invoice_id),
            _INVOICE.stripe_invoice_id == matching.stripe_invoice_id,
        ]
    if matching.stripe_charge_id is not None:
        charged = (_PAYMENT.invoice_id == _INVOICE.id) & (_PAYMENT.charge_id == matching.stripe_charge_id)
        conditions += [_linked(matching.stripe_charge_id), exists().where(charged)]
    return conditions


def _linked(stripe_id: str) -> ColumnElement[bool]:
    """Every id at Stripe leads to its invoice by the index of the links, so that it needs no other."""
    return _INVOICE.id.in_(select(_LINK.invoice_id).where(_LINK.stripe_id == stripe_id))


def _total_statements(tenant_id: str, matching: InvoiceFilter) -> list[Select[Any]] | None:
    """None if the totals do not distinguish what is asked for: then it is few."""
    if matching != InvoiceFilter(status=matching.status):
        return None
    of_tenant = select(_INTEGRATION.id).where(_INTEGRATION.tenant_id == tenant_id)
    return [INVOICE_TOTALS.where(integration_id=of_tenant, status=_listed(matching.status))]
