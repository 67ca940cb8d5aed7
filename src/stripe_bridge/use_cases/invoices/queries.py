"""Reading invoices: one, lists of them, and the webhook events about one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stripe_bridge.domain.errors.base import SalesOrderNotFound
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.webhook_event import WebhookEvent
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.use_cases.invoices.links import RenewLinks


class ListInvoices:
    """An integration's invoices, newest first. Raises IntegrationNotFound."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(
        self,
        tenant_id: str,
        integration_id: int,
        status: InvoiceStatus | None,
        request: PageRequest,
    ) -> Page[Invoice]:
        with self._store.reading() as work:
            work.integrations.get(tenant_id, integration_id)
            return work.invoices.page(tenant_id, integration_id, status, request)


class ListOrderInvoices:
    """A sales order's invoices, through any integration, newest first. Raises SalesOrderNotFound."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str, sales_order_id: int) -> Sequence[Invoice]:
        with self._store.reading() as work:
            # Its invoices are known even if the ERP has to submit the order again after a restore.
            if work.sales_orders.find(tenant_id, sales_order_id) is None:
                raise SalesOrderNotFound
            return work.invoices.of_order(tenant_id, sales_order_id)


class ShowActivity:
    """The stored events about an invoice, its payment intents and its charges, oldest first. Raises InvoiceNotFound."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str, invoice_id: int) -> Sequence[WebhookEvent]:
        with self._store.reading() as work:
            invoice = work.invoices.get(tenant_id, invoice_id)
            return work.inbox.for_objects(tenant_id, work.links.of_invoice(invoice.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceView:
    """An invoice, with what else a caller sees."""

    invoice: Invoice
    integration_name: str


class ShowInvoice:
    """With links that last, if Stripe answers quickly. Raises InvoiceNotFound."""

    def __init__(self, store: Store, renew_links: RenewLinks) -> None:
        self._store, self._renew_links = store, renew_links

    def __call__(self, tenant_id: str, invoice_id: int) -> InvoiceView:
        with self._store.reading() as work:
            invoice = work.invoices.get(tenant_id, invoice_id)
            names = work.integrations.names_of([invoice.integration_id])
        shown = self._renew_links(invoice)
        return InvoiceView(invoice=shown, integration_name=names[invoice.integration_id])
