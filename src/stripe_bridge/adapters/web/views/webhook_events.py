from __future__ import annotations

from typing import Any

from stripe_bridge.adapters.web.endpoints import Call, operation
from stripe_bridge.adapters.web.schemas.fields import Nothing
from stripe_bridge.adapters.web.schemas.webhook_events import (
    ActivityQuery,
    EventPageQuery,
    EventQuery,
    WebhookEventAnswer,
    WebhookEventList,
    WebhookEventPage,
    WebhookEventReplayed,
)
from stripe_bridge.adapters.web.views.paging import page_request, paginated
from stripe_bridge.domain.access import Permission
from stripe_bridge.domain.webhook_event import EventStatus, WebhookEvent
from stripe_bridge.ports.storage.inbox import EventFilter

_PATH = "/api/stripe/webhook-events"


@operation(
    "GET",
    "/api/stripe/invoices/<id:invoice_id>/activity-log",
    permission=Permission.READ,
    query=ActivityQuery,
    answers={200: WebhookEventList},
)
def show_activity_log(call: Call, invoice_id: int) -> Any:
    """Get Invoice Activity Log

    The stored events about the invoice, its payment intents and its charges, including failed attempts.
    """
    oldest_first = call.bridge.invoices.show_activity(call.principal.tenant_id, invoice_id)
    return {"data": oldest_first if call.query["order"] == "asc" else oldest_first[::-1]}


@operation("GET", _PATH, permission=Permission.READ, query=EventPageQuery, answers={200: WebhookEventPage})
def list_webhook_events(call: Call) -> Any:
    """List Webhook Events

    Newest first.
    """
    matching = EventFilter(
        integration_id=call.query.get("integration_id"),
        status=EventStatus(call.query["status"]) if "status" in call.query else None,
        event_type=call.query.get("event_type"),
        related_object_id=call.query.get("related_object_id"),
    )
    tenant_id = call.principal.tenant_id
    return paginated(call.bridge.webhook_events.list(tenant_id, matching, page_request(call.query)))


@operation(
    "GET",
    f"{_PATH}/<id:event_id>",
    permission=Permission.READ,
    query=EventQuery,
    answers={200: WebhookEventAnswer},
)
def show_webhook_event(call: Call, event_id: int) -> Any:
    """Show Webhook Event"""
    with_payload = call.query["include_payload"]
    if with_payload:
        call.principal.check(Permission.READ_PAYLOADS)

    def check(event: WebhookEvent) -> None:
        if not event.is_known_to_be_ours:
            call.principal.check(Permission.READ_FOREIGN_PAYLOADS)

    show = call.bridge.webhook_events.show
    return {"data": show(call.principal.tenant_id, event_id, with_payload=with_payload, may_read=check)}


@operation(
    "POST",
    f"{_PATH}/<id:event_id>/replay",
    permission=Permission.REPLAY_EVENTS,
    body=Nothing,
    answers={200: WebhookEventReplayed},
    problems=(409, 422),
)
def replay_webhook_event(call: Call, event_id: int) -> Any:
    """Replay Webhook Event

    The event is applied again as if it had just arrived; nothing it already did is done twice.
    """
    call.bridge.webhook_events.replay(call.principal.tenant_id, event_id)
    return {"message": "Webhook event re-queued for processing."}


WEBHOOK_EVENTS = (show_activity_log, list_webhook_events, show_webhook_event, replay_webhook_event)
