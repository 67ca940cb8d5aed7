"""Reading invoices: one, lists of them, and the webhook events about one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stripe_bridge.domain.errors.base import SalesOrderNotFound
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.webhook_event import WebhookEvent
from stripe_bridge.ports.storage.invoicing import InvoiceFilter
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.use_cases.invoices.links import RenewLinks
from stripe_bridge.use_cases.invoices.views import InvoiceView, view_invoices


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
    ) -> Page[InvoiceView]:
        with self._store.reading() as work:
            work.integrations.get(tenant_id, integration_id)
            page = work.invoices.page(tenant_id, integration_id, status, request)
            return page.shown_as(view_invoices(work, page.items))


class ListTenantInvoices:
    """A tenant's invoices, through any integration: newest first, or with `updated_since` in the order of their updates."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str, matching: InvoiceFilter, request: PageRequest) -> Page[InvoiceView]:
        with self._store.reading() as work:
            page = work.invoices.page_of_tenant(tenant_id, matching, request)
            return page.shown_as(view_invoices(work, page.items))


class ListOrderInvoices:
    """A sales order's invoices, through any integration, newest first. Raises SalesOrderNotFound."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str, sales_order_id: int) -> Sequence[InvoiceView]:
        with self._store.reading() as work:
            # Its invoices are known even if the ERP has to submit the order again after a restore.
            if work.sales_orders.find(tenant_id, sales_order_id) is None:
                raise SalesOrderNotFound
            return view_invoices(work, work.invoices.of_order(tenant_id, sales_order_id))


class ShowActivity:
    """The stored events about an invoice, its payment intents and its charges, oldest first. Raises InvoiceNotFound."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str, invoice_id: int) -> Sequence[WebhookEvent]:
        with self._store.reading() as work:
            invoice = work.invoices.get(tenant_id, invoice_id)
            return work.inbox.for_objects(tenant_id, work.links.of_invoice(invoice.id))


class ShowInvoice:
    """With links that last, if Stripe answers quickly. Raises InvoiceNotFound."""

    def __init__(self, store: Store, renew_links: RenewLinks) -> None:
        self._store, self._renew_links = store, renew_links

    def __call__(self, tenant_id: str, invoice_id: int) -> InvoiceView:
        with self._store.reading() as work:
            (view,) = view_invoices(work, [work.invoices.get(tenant_id, invoice_id)])
        return replace(view, invoice=self._renew_links(view.invoice))
