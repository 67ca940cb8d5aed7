"""The one door to all use cases, by room, for web, cli and worker: `bridge.invoices.send(command)`."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.use_cases.access import Access
from stripe_bridge.use_cases.changes import Changes
from stripe_bridge.use_cases.integrations import Integrations
from stripe_bridge.use_cases.intents import Intents
from stripe_bridge.use_cases.invoices import Invoices
from stripe_bridge.use_cases.operations import Operations
from stripe_bridge.use_cases.panel import Panel
from stripe_bridge.use_cases.receivers import Receivers
from stripe_bridge.use_cases.reconciliation import Reconciliation
from stripe_bridge.use_cases.refunds import Refunds
from stripe_bridge.use_cases.sales_orders import SalesOrders
from stripe_bridge.use_cases.subscribers import Subscribers
from stripe_bridge.use_cases.webhook_events import WebhookEvents


@dataclass(frozen=True, kw_only=True)
class Bridge:
    access: Access
    integrations: Integrations
    sales_orders: SalesOrders
    invoices: Invoices
    refunds: Refunds
    panel: Panel
    receivers: Receivers
    webhook_events: WebhookEvents
    changes: Changes
    subscribers: Subscribers
    intents: Intents
    reconciliation: Reconciliation
    operations: Operations
