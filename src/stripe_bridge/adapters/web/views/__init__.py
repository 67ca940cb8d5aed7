"""Every operation of the REST contract."""

from functools import cache

from flask_smorest import Blueprint

from stripe_bridge.adapters.web.endpoints import Section, blueprint_of
from stripe_bridge.adapters.web.views.access import ACCESS
from stripe_bridge.adapters.web.views.authorization import CALLBACK
from stripe_bridge.adapters.web.views.changes import CHANGES
from stripe_bridge.adapters.web.views.health import HEALTH
from stripe_bridge.adapters.web.views.integrations import INTEGRATIONS
from stripe_bridge.adapters.web.views.invoices import INVOICES
from stripe_bridge.adapters.web.views.panel import PANEL
from stripe_bridge.adapters.web.views.refunds import REFUNDS
from stripe_bridge.adapters.web.views.sales_orders import SALES_ORDERS
from stripe_bridge.adapters.web.views.subscribers import SUBSCRIBERS
from stripe_bridge.adapters.web.views.webhook_events import WEBHOOK_EVENTS
from stripe_bridge.adapters.web.views.webhooks import WEBHOOKS

SECTIONS = (
    Section("Integrations", "Stripe accounts joined to this service.", (*INTEGRATIONS, *CALLBACK)),
    Section(
        "Sales orders", "The ERP's sales orders, copied here so that they can be invoiced.", SALES_ORDERS
    ),
    Section("Invoices", "Invoices at Stripe for sales orders.", INVOICES),
    Section("Refunds", "Full and partial refunds.", REFUNDS),
    Section("Panel", "The panel on the ERP's sales-order page, and its sessions.", PANEL),
    Section(
        "Changes", "What this service recorded about its own objects, in order and without gaps.", CHANGES
    ),
    Section("Subscribers", "Where changes are delivered.", SUBSCRIBERS),
    Section("Access", "Who is asking, and what they may do.", ACCESS),
    Section("Webhook events", "What Stripe sent, and what became of it.", WEBHOOK_EVENTS),
    Section("Webhooks", "Called by Stripe. Its signature is the credential.", WEBHOOKS),
    Section("Health", "For operators of the service.", HEALTH),
)


@cache
def blueprints() -> tuple[Blueprint, ...]:
    """One for each group, the same for all apps of this process: making them takes far longer than adding them to one."""
    return tuple(blueprint_of(section) for section in SECTIONS)
