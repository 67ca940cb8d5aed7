"""Events for tests of handlers, and what a worker fetched for one of them."""

import json
from collections.abc import Callable

from stripe_bridge.domain.webhook_event import WebhookEvent, parse_event
from stripe_bridge.use_cases.webhook_events.handlers.handler import Fetched, HandlerResult, HandlerTable
from stripe_bridge.use_cases.webhook_events.handlers.table import build_handler_table
from tests.world import Event, World


def newest(world: World) -> WebhookEvent:
    """The event that was stored last."""
    event: WebhookEvent = world.events_stored()[0]
    return event


def of_type(world: World, prefix: str) -> list[Event]:
    """The events that Stripe would have sent for its present state, of the types that begin like this."""
    return [event for event in world.events() if event["type"].startswith(prefix)]


def handler_table(world: World) -> HandlerTable:
    return build_handler_table(world.adapters, client_id=world.settings.stripe_client_id)


def fetched_earlier(world: World, event: Event, version: int = 0) -> Callable[[], HandlerResult]:
    """Fetch now what a worker that knew this version would fetch for the event, and apply it when called; 0 for what is not
    known here yet."""
    handler = handler_table(world).handlers[event["type"]]
    parsed = parse_event(json.dumps(event).encode())
    fetched = Fetched(handler.fetch(world.account_id, parsed), version)

    def apply() -> HandlerResult:
        with world.store.writing() as work:
            result: HandlerResult = handler.apply(work, world.account_id, parsed, fetched)
            work.commit()
        return result

    return apply
