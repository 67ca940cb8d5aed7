"""Every page of the console, in the order of the navigation. The first that a visitor may see is where `/console` leads."""

from stripe_bridge.adapters.console.pages.calls import CALLS
from stripe_bridge.adapters.console.pages.changes import CHANGES
from stripe_bridge.adapters.console.pages.events import EVENTS
from stripe_bridge.adapters.console.pages.integrations import INTEGRATIONS
from stripe_bridge.adapters.console.pages.invoices import INVOICES
from stripe_bridge.adapters.console.pages.orders import ORDERS
from stripe_bridge.adapters.console.pages.overview import OVERVIEW
from stripe_bridge.adapters.console.pages.requests import REQUESTS
from stripe_bridge.adapters.console.pages.start import UNLISTED
from stripe_bridge.adapters.console.pages.subscribers import SUBSCRIBERS
from stripe_bridge.adapters.console.pages.tokens import TOKENS
from stripe_bridge.adapters.console.routes import Route, Section

SECTIONS: tuple[Section, ...] = (
    OVERVIEW,
    INTEGRATIONS,
    ORDERS,
    INVOICES,
    EVENTS,
    CALLS,
    SUBSCRIBERS,
    CHANGES,
    REQUESTS,
    TOKENS,
)


def all_routes() -> tuple[Route, ...]:
    return (*UNLISTED, *(route for section in SECTIONS for route in section.routes))
