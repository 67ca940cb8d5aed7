"""Sales orders, customers, invoices and links, on the tables of one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from stripe_bridge.domain.billed_customer import BilledCustomer, CustomerKey
from stripe_bridge.domain.errors.base import (
    InvoiceNotFound,
    NotFound,
    SalesOrderNotFound,
)
from stripe_bridge.domain.errors.conflicts import StaleWrite
from stripe_bridge.domain.intent import invoice_subject
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.payment_status import PaymentStatus
from stripe_bridge.domain.sales_order import SalesOrder
from stripe_bridge.ports.storage.invoicing import MOST_EXAMINED, InvoiceFilter, InvoiceSearch, SettledInvoice
from stripe_bridge.ports.storage.unit_of_work import PayableInvoiceExists
from tests.fakes.storage.changes import FakeChanges
from tests.fakes.storage.tables import Tables, add, must_exist, page_behind, page_by_update, page_of, save

_NOT_LISTED = InvoiceStatus.ABANDONED


_NEVER = datetime.max.replace(tzinfo=UTC)
_BEING_PAID = (PaymentStatus.PENDING, PaymentStatus.PARTIAL, PaymentStatus.FAILED)
_SHOWN_AS_DRAFT = (InvoiceStatus.RESERVED, InvoiceStatus.DRAFT)


class FakeSalesOrders:
    def __init__(self, tables: Tables) -> None:
        self._orders = tables.sales_orders

    def get(self, tenant_id: str, sales_order_id: int, *, lock: bool = False) -> SalesOrder:
        order = self.find(tenant_id, sales_order_id, lock=lock)
        if order is None or not order.submitted:
            raise SalesOrderNotFound
        return order

    def find(self, tenant_id: str, sales_order_id: int, *, lock: bool = False) -> SalesOrder | None:
        return self._orders.find((tenant_id, sales_order_id), lock=lock)

    def add(self, order: SalesOrder) -> bool:
        if self.find(order.tenant_id, order.id, lock=True) is not None:
            return False
        self._orders.put((order.tenant_id, order.id), order)
        return True

    def save(self, order: SalesOrder) -> None:
        stored = self.find(order.tenant_id, order.id, lock=True)
        if stored is None or stored.source_updated_at >= order.source_updated_at:
            raise StaleWrite
        self._orders.put((order.tenant_id, order.id), order)

    def search(self, tenant_id: str, prefix: str | None, request: PageRequest) -> Page[SalesOrder]:
        own = self._orders.matching(lambda each: each.tenant_id == tenant_id)
        if prefix is None:
            return page_behind(sorted(own, key=lambda each: -each.id), own, lambda each: -each.id, request)
        found = [each for each in own if each.number.startswith(prefix)]
        return page_behind(found, own, lambda each: (each.number, each.id), request)

    def ids_of_number(self, tenant_id: str, number: str, limit: int) -> Sequence[int]:
        found = self._orders.matching(lambda each: (each.tenant_id, each.number) == (tenant_id, number))
        return sorted(each.id for each in found)[:limit]

    def reset_updated_at(self, order: SalesOrder) -> None:
        stored = self.get(order.tenant_id, order.id, lock=True)
        reset = replace(stored, source_updated_at=order.source_updated_at, updated_at=order.updated_at)
        self._orders.put((order.tenant_id, order.id), reset)


class FakeBilledCustomers:
    def __init__(self, tables: Tables) -> None:
        self._customers = tables.customers

    def get_or_add(self, key: CustomerKey) -> BilledCustomer:
        self._customers.check_writable(True)
        for customer in self._customers.matching(lambda each: each.key == key):
            return customer
        return add(self._customers, BilledCustomer(id=0, key=key, stripe_customer_id=None))

    def get(self, customer_id: int, *, lock: bool = False) -> BilledCustomer:
        customer = self._customers.find(customer_id, lock=lock)
        if customer is None:
            raise NotFound
        return customer

    def is_known(self, account_id: str, stripe_customer_id: str) -> bool:
        return bool(
            self._customers.matching(
                lambda each: (
                    (each.key.account_id, each.stripe_customer_id) == (account_id, stripe_customer_id)
                )
            )
        )

    def ids_by_email(self, tenant_id: str, prefix: str, limit: int) -> Sequence[int]:
        found = self._customers.matching(
            lambda each: each.key.tenant_id == tenant_id and each.key.email.startswith(prefix)
        )
        return [each.id for each in sorted(found, key=lambda each: (each.key.email, each.id))][:limit]

    def save(self, customer: BilledCustomer) -> None:
        self._customers.put(customer.id, customer)


class FakeInvoices:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._invoices = tables.invoices

    def add(self, invoice: Invoice) -> Invoice:
        self._check_new(invoice)
        return add(self._invoices, invoice)

    def restore(self, invoice: Invoice) -> bool:
        if self._invoices.find(invoice.id) is not None:
            return False
        self._check_new(invoice)
        self._invoices.put(invoice.id, invoice)
        return True

    def _check_new(self, invoice: Invoice) -> None:
        must_exist(self._tables.integrations.find(invoice.integration_id))
        must_exist(self._tables.customers.find(invoice.customer_id))
        must_exist(self._tables.sales_orders.find((invoice.tenant_id, invoice.sales_order_id)))
        self._check_only_payable(invoice, own_id=None)

    def get(self, tenant_id: str, invoice_id: int, *, lock: bool = False) -> Invoice:
        found = self._invoices.find(invoice_id, lock=lock)
        if found is None or found.tenant_id != tenant_id or found.status is _NOT_LISTED:
            raise InvoiceNotFound
        return found

    def find(self, invoice_id: int, *, lock: bool = False) -> Invoice | None:
        return self._invoices.find(invoice_id, lock=lock)

    def find_all(self, invoice_ids: Sequence[int]) -> Sequence[Invoice]:
        return self._invoices.matching(lambda each: each.id in invoice_ids)

    def find_settled(self, invoice_id: int) -> SettledInvoice | None:
        subject = invoice_subject(invoice_id)
        waits = self._tables.intents.matching(lambda each: each.subject == subject and not each.is_settled)
        invoice = self._invoices.find(invoice_id)
        if waits or invoice is None:
            return None
        changes = FakeChanges(self._tables)
        last_change = changes.last_of_order(invoice.tenant_id, invoice.sales_order_id)
        return SettledInvoice(invoice, last_change)

    def lock(self, invoice_id: int) -> Invoice | None:
        return self._invoices.find(invoice_id, lock=True)

    def _find_payable(self, tenant_id: str, sales_order_id: int) -> Invoice | None:
        return next((each for each in self.of_order(tenant_id, sales_order_id) if each.is_payable), None)

    def of_order(self, tenant_id: str, sales_order_id: int) -> Sequence[Invoice]:
        found = self._invoices.matching(
            lambda each: (
                (each.tenant_id, each.sales_order_id) == (tenant_id, sales_order_id)
                and each.status is not _NOT_LISTED
            )
        )
        return found[::-1]

    def of_orders(self, tenant_id: str, sales_order_ids: Sequence[int]) -> Mapping[int, Sequence[Invoice]]:
        return {each: self.of_order(tenant_id, each) for each in sales_order_ids}

    def reserved_for_customer(self, customer_id: int) -> Sequence[Invoice]:
        return self._invoices.matching(
            lambda each: each.customer_id == customer_id and each.status is InvoiceStatus.RESERVED
        )

    def overdue(self, now: datetime, limit: int) -> Sequence[int]:
        due = [
            (each.due_date, each.id)
            for each in self._invoices.rows.values()
            if each.status is InvoiceStatus.OPEN and each.overdue_for is None and each.due_date is not None
        ]
        return [invoice_id for due_date, invoice_id in sorted(due) if due_date < now][:limit]

    def has_other_account(self, integration_id: int, account_id: str) -> bool:
        return bool(
            self._invoices.matching(
                lambda each: (
                    each.integration_id == integration_id
                    and each.stripe_account_id != account_id
                    and each.status is not _NOT_LISTED
                )
            )
        )

    def page(
        self,
        tenant_id: str,
        integration_id: int,
        status: InvoiceStatus | None,
        request: PageRequest,
    ) -> Page[Invoice]:
        wanted = _listed(status)
        found = self._invoices.matching(
            lambda each: (
                each.tenant_id == tenant_id
                and each.integration_id == integration_id
                and each.status in wanted
            )
        )
        return page_of(found, request)

    def page_of_tenant(self, tenant_id: str, matching: InvoiceFilter, request: PageRequest) -> Page[Invoice]:
        wanted = _listed(matching.status)
        found = self._invoices.matching(
            lambda each: (
                each.tenant_id == tenant_id
                and each.status in wanted
                and (matching.updated_since is None or each.updated_at >= matching.updated_since)
                and matching.number in (None, each.number)
                and matching.stripe_invoice_id in (None, each.stripe_invoice_id)
                and (matching.stripe_charge_id is None or self._was_paid_by(each, matching.stripe_charge_id))
            )
        )
        return page_of(found, request) if matching.updated_since is None else page_by_update(found, request)

    def search(
        self,
        tenant_id: str,
        wanted: InvoiceSearch,
        request: PageRequest,
        *,
        examine: int = MOST_EXAMINED,
    ) -> Page[Invoice]:
        own = self._invoices.matching(lambda each: each.tenant_id == tenant_id)
        found = [each for each in own if self._is_wanted(each, wanted)]
        return page_behind(found, own, _order_of(wanted), request)

    def _is_wanted(self, invoice: Invoice, wanted: InvoiceSearch) -> bool:
        linked = self._tables.links.rows.items()
        mine = {stripe_id for (_, stripe_id), invoice_id in linked if invoice_id == invoice.id}
        return (
            invoice.status in _listed(wanted.status)
            and wanted.payment_status in (None, invoice.payment_status)
            and wanted.integration_id in (None, invoice.integration_id)
            and (wanted.created_from is None or invoice.created_at >= wanted.created_from)
            and (wanted.created_before is None or invoice.created_at < wanted.created_before)
            and (wanted.number is None or (invoice.number or "").startswith(wanted.number))
            and (wanted.number is None or invoice.number is not None)
            and (wanted.stripe_id is None or wanted.stripe_id in mine)
            and (wanted.customer_ids is None or invoice.customer_id in wanted.customer_ids)
            and (wanted.sales_order_ids is None or invoice.sales_order_id in wanted.sales_order_ids)
        )

    def _was_paid_by(self, invoice: Invoice, charge_id: str) -> bool:
        charged = (invoice.id, charge_id)
        return bool(self._tables.payments.matching(lambda each: (each.invoice_id, each.charge_id) == charged))

    def save(self, invoice: Invoice) -> Invoice:
        self._check_only_payable(invoice, own_id=invoice.id)
        return save(self._invoices, invoice)

    def _check_only_payable(self, invoice: Invoice, own_id: int | None) -> None:
        other = self._find_payable(invoice.tenant_id, invoice.sales_order_id)
        if invoice.is_payable and other is not None and other.id != own_id:
            raise PayableInvoiceExists


def _order_of(wanted: InvoiceSearch) -> Callable[[Invoice], Any]:
    if wanted.number is not None:
        return lambda invoice: (invoice.number or "", invoice.id)
    is_dated = wanted.created_from is not None or wanted.created_before is not None
    is_few = wanted.stripe_id or wanted.customer_ids is not None or wanted.sales_order_ids is not None
    is_few = is_few or wanted.payment_status in _BEING_PAID
    if is_dated and not is_few:
        return lambda invoice: (_NEVER - invoice.created_at, -invoice.id)
    return lambda invoice: -invoice.id


def _listed(status: InvoiceStatus | None) -> frozenset[InvoiceStatus]:
    if status is None:
        return frozenset(InvoiceStatus) - {_NOT_LISTED}
    shown = _SHOWN_AS_DRAFT if status is InvoiceStatus.DRAFT else {status}
    return frozenset(shown) - {_NOT_LISTED}


class FakeLinks:
    def __init__(self, tables: Tables) -> None:
        self._links = tables.links
        self._invoices = tables.invoices

    def add(self, account_id: str, invoice_id: int, stripe_ids: Sequence[str]) -> None:
        must_exist(self._invoices.find(invoice_id))
        for stripe_id in stripe_ids:
            if self._links.find((account_id, stripe_id), lock=True) is None:
                self._links.put((account_id, stripe_id), invoice_id)

    def find_invoice_id(self, account_id: str, stripe_id: str) -> int | None:
        return self._links.find((account_id, stripe_id))

    def find_invoice_ids(self, linked: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
        found = {pair: self._links.find(pair) for pair in linked}
        return {pair: invoice_id for pair, invoice_id in found.items() if invoice_id is not None}

    def of_invoice(self, invoice_id: int) -> Sequence[str]:
        return sorted(
            stripe_id for (_, stripe_id), linked in self._links.rows.items() if linked == invoice_id
        )
