"""Invoices, stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import bindparam, func, select

from stripe_bridge.adapters.database.mapping import AggregateMapper, OneOnly, lockable
from stripe_bridge.adapters.database.rows import IS_LISTED, IS_PAYABLE, IS_RESERVED, InvoiceRow
from stripe_bridge.adapters.database.transaction import Transaction
from stripe_bridge.domain.errors import InvoiceNotFound
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.ports.unit_of_work import PayableInvoiceExists

_INVOICES = AggregateMapper(
    Invoice, InvoiceRow, rule=OneOnly.of(InvoiceRow, "uq_invoices_payable", PayableInvoiceExists)
)
_INVOICE = _INVOICES.table.c
_BY_ID = lockable(_INVOICES.select.where(_INVOICE.id == bindparam("id")))
_OF_TENANT = lockable(
    _INVOICES.select.where(
        _INVOICE.id == bindparam("id"), _INVOICE.tenant_id == bindparam("tenant_id"), IS_LISTED
    )
)
_OF_ORDER = _INVOICES.select.where(
    _INVOICE.tenant_id == bindparam("tenant_id"), _INVOICE.sales_order_id == bindparam("sales_order_id")
)
_PAYABLE_OF_ORDER = _OF_ORDER.where(IS_PAYABLE)
_LISTED_OF_ORDER = _OF_ORDER.where(IS_LISTED).order_by(_INVOICE.id.desc())
_WAITING_FOR_CUSTOMER = _INVOICES.select.where(
    _INVOICE.customer_id == bindparam("customer_id"), IS_RESERVED
).order_by(_INVOICE.id)
# A draft as callers know it: whether Stripe knows of it yet is not their concern.
_SHOWN_AS_DRAFT = [InvoiceStatus.RESERVED, InvoiceStatus.DRAFT]


class SqlInvoices:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, invoice: Invoice) -> Invoice:
        return replace(invoice, id=self._transaction.add(_INVOICES, invoice))

    def get(self, tenant_id: str, invoice_id: int, *, lock: bool = False) -> Invoice:
        found = self._transaction.find(_INVOICES, _OF_TENANT[lock], id=invoice_id, tenant_id=tenant_id)
        if found is None:
            raise InvoiceNotFound
        return found

    def find(self, invoice_id: int, *, lock: bool = False) -> Invoice | None:
        return self._transaction.find(_INVOICES, _BY_ID[lock], id=invoice_id)

    def find_payable(self, tenant_id: str, sales_order_id: int) -> Invoice | None:
        return self._transaction.find(
            _INVOICES, _PAYABLE_OF_ORDER, tenant_id=tenant_id, sales_order_id=sales_order_id
        )

    def of_order(self, tenant_id: str, sales_order_id: int) -> Sequence[Invoice]:
        return self._transaction.list(
            _INVOICES, _LISTED_OF_ORDER, tenant_id=tenant_id, sales_order_id=sales_order_id
        )

    def reserved_for_customer(self, customer_id: int) -> Sequence[Invoice]:
        return self._transaction.list(_INVOICES, _WAITING_FOR_CUSTOMER, customer_id=customer_id)

    def has_other_account(self, integration_id: int, account_id: str) -> bool:
        """Asks for the least and the greatest, each the end of an index: there may be millions between."""
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
        matching = _INVOICES.select.where(
            _INVOICE.tenant_id == tenant_id, _INVOICE.integration_id == integration_id, IS_LISTED
        )
        if status is InvoiceStatus.DRAFT:
            matching = matching.where(_INVOICE.status.in_(_SHOWN_AS_DRAFT))
        elif status is not None:
            matching = matching.where(_INVOICE.status == status)
        return self._transaction.page(_INVOICES, matching, request)

    def save(self, invoice: Invoice) -> Invoice:
        self._transaction.save(_INVOICES, invoice)
        return replace(invoice, version=invoice.version + 1)
