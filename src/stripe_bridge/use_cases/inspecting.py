"""Looking at what is stored: lists of invoices, webhook events, and the events that touched an invoice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.webhook_event import WebhookEvent
from stripe_bridge.ports.inbox import EventFilter
from stripe_bridge.ports.unit_of_work import Store


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
            work.sales_orders.get(tenant_id, sales_order_id)
            return work.invoices.of_order(tenant_id, sales_order_id)


class ListWebhookEvents:
    """Newest first, without payloads. An event that belongs to no integration is in no tenant's list.

    A tenant of None means all tenants and those events, too: for operators only.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(
        self, tenant_id: str | None, matching: EventFilter, request: PageRequest
    ) -> Page[WebhookEvent]:
        with self._store.reading() as work:
            return work.inbox.page(tenant_id, matching, request)


class ShowWebhookEvent:
    """With its payload if asked for. A tenant of None means any tenant. Raises WebhookEventNotFound."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str | None, event_id: int, *, with_payload: bool) -> WebhookEvent:
        with self._store.reading() as work:
            event = work.inbox.get(tenant_id, event_id)
            if not with_payload:
                return event
            return replace(event, payload=work.inbox.payload(tenant_id, event_id))


class ShowActivity:
    """The stored events about an invoice, its payment intents and its charges, oldest first. Raises InvoiceNotFound."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str, invoice_id: int) -> Sequence[WebhookEvent]:
        with self._store.reading() as work:
            invoice = work.invoices.get(tenant_id, invoice_id)
            return work.inbox.about(tenant_id, work.links.of_invoice(invoice.id))
