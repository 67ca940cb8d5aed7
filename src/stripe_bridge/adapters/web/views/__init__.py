"""Every operation of the REST contract."""

from stripe_bridge.adapters.web.operations import Group
from stripe_bridge.adapters.web.views.authorization import CALLBACK
from stripe_bridge.adapters.web.views.health import HEALTH
from stripe_bridge.adapters.web.views.integrations import INTEGRATIONS
from stripe_bridge.adapters.web.views.invoices import INVOICES
from stripe_bridge.adapters.web.views.refunds import REFUNDS
from stripe_bridge.adapters.web.views.sales_orders import SALES_ORDERS
from stripe_bridge.adapters.web.views.webhook_events import WEBHOOK_EVENTS
from stripe_bridge.adapters.web.views.webhooks import WEBHOOKS

GROUPS = (
    Group("Integrations", "Stripe accounts joined to this service.", (*INTEGRATIONS, *CALLBACK)),
    Group("Sales orders", "The ERP's own, of which a copy is kept here to invoice them.", SALES_ORDERS),
    Group("Invoices", "Invoices at Stripe for sales orders.", INVOICES),
    Group("Refunds", "Money back, in whole or in part.", REFUNDS),
    Group("Webhook events", "What Stripe told, and what became of it.", WEBHOOK_EVENTS),
    Group("Webhooks", "What Stripe calls. The credential is its signature.", WEBHOOKS),
    Group("Health", "For whoever runs the service.", HEALTH),
)
