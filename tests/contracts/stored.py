"""Stores values from the builders, with everything they refer to, each in its own unit of work."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from stripe_bridge.domain.errors.base import NotFound
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.sales_order import SalesOrder
from stripe_bridge.domain.webhook_event import WebhookEvent
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from tests.builders import (
    NOW,
    TENANT,
    a_customer_key,
    a_sales_order,
    a_webhook_event,
    an_event_payload,
    an_integration,
    an_intent,
    an_invoice,
)

Result = TypeVar("Result")


def stored_integration(store: Store, **changes: Any) -> Integration:
    with store.writing() as work:
        integration = work.integrations.add(an_integration(**changes))
        work.commit()
    return integration


def stored_order(store: Store, **changes: Any) -> SalesOrder:
    order = a_sales_order(**changes)
    with store.writing() as work:
        work.sales_orders.add(order)
        work.commit()
    return order


def ready_invoice(store: Store, **changes: Any) -> Invoice:
    """An invoice that is not stored yet, while everything it refers to is: an integration, an order, a customer."""
    invoice = an_invoice(**changes)
    with store.writing() as work:
        integration = work.integrations.find_by_account(invoice.stripe_account_id)
        if integration is None:
            integration = work.integrations.add(an_integration(account_id=invoice.stripe_account_id))
        try:
            work.sales_orders.get(invoice.tenant_id, invoice.sales_order_id)
        except NotFound:
            work.sales_orders.add(a_sales_order(tenant_id=invoice.tenant_id, id=invoice.sales_order_id))
        key = a_customer_key(tenant_id=invoice.tenant_id, account_id=invoice.stripe_account_id)
        customer = work.customers.get_or_add(key)
        work.commit()
    return replace(invoice, integration_id=integration.id, customer_id=customer.id)


def stored_invoice(store: Store, **changes: Any) -> Invoice:
    invoice = ready_invoice(store, **changes)
    with store.writing() as work:
        invoice = work.invoices.add(invoice)
        work.commit()
    return invoice


def stored_intent(store: Store, **changes: Any) -> Intent:
    """An intent of the store's first integration."""
    intent = an_intent(**changes)
    with store.writing() as work:
        if intent.integration_id is not None and work.integrations.find(intent.integration_id) is None:
            work.integrations.add(an_integration())
        intent = work.intents.add(intent)
        work.commit()
    return intent


def stored_event(store: Store, id_: str = "evt_1", **changes: Any) -> WebhookEvent:
    """The event as read back. Its account must belong to an integration of the usual tenant."""
    changes.setdefault("payload", an_event_payload(id_=id_))
    with store.writing() as work:
        assert work.inbox.store(a_webhook_event(**changes))
        work.commit()
    with store.reading() as work:
        return work.inbox.page(TENANT, EventFilter(), PageRequest()).items[0]


def claim(store: Store, *, now: Any = NOW, lease_until: Any = NOW, limit: int = 100) -> list[WebhookEvent]:
    with store.writing() as work:
        claimed = work.inbox.claim(now, lease_until, limit)
        work.commit()
    return list(claimed)


def settle(work: UnitOfWork, claimed: WebhookEvent, outcome: WebhookEvent) -> bool:
    """Whether the claim still held."""
    return claimed.id in work.inbox.settle(claimed.due_at, [outcome])


def at_once(number: int, action: Callable[[int], Result]) -> list[Result | Exception]:
    """Make this many simultaneous calls; returns what each returned or raised."""

    def outcome(index: int) -> Result | Exception:
        try:
            return action(index)
        except Exception as error:
            return error

    with ThreadPoolExecutor(max_workers=number) as pool:
        return list(pool.map(outcome, range(number)))
