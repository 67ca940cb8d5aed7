from __future__ import annotations

from typing import Any

from stripe_bridge.adapters.web.endpoints import ApiRequest, operation
from stripe_bridge.adapters.web.schemas.fields import EmptySchema
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
from stripe_bridge.adapters.web.views.replays import REPLAYS
from stripe_bridge.domain.access import Permission
from stripe_bridge.domain.errors.base import InvoiceNotFound, WebhookEventNotFound
from stripe_bridge.domain.errors.conflicts import EventBeingProcessed
from stripe_bridge.domain.errors.rules import PayloadPurged
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.ports.storage.inbox import EventFilter

_PATH = "/api/stripe/webhook-events"


@operation(
    "GET",
    "/api/stripe/invoices/<id:invoice_id>/activity-log",
    permission=Permission.READ,
    query=ActivityQuery,
    answers={200: WebhookEventList},
    problems=(InvoiceNotFound,),
)
def show_activity_log(request: ApiRequest, invoice_id: int) -> Any:
    """Get Invoice Activity Log

    The stored events about the invoice, its payment intents and its charges, including failed attempts.
    """
    oldest_first = request.bridge.invoices.show_activity(request.principal.tenant_id, invoice_id)
    return {"data": oldest_first if request.query["order"] == "asc" else oldest_first[::-1]}


@operation("GET", _PATH, permission=Permission.READ, query=EventPageQuery, answers={200: WebhookEventPage})
def list_webhook_events(request: ApiRequest) -> Any:
    """List Webhook Events

    Newest first.
    """
    matching = EventFilter(
        integration_id=request.query.get("integration_id"),
        status=EventStatus(request.query["status"]) if "status" in request.query else None,
        event_type=request.query.get("event_type"),
        related_object_id=request.query.get("related_object_id"),
    )
    tenant_id = request.principal.tenant_id
    return paginated(request.bridge.webhook_events.list(tenant_id, matching, page_request(request.query)))


@operation(
    "GET",
    f"{_PATH}/<id:event_id>",
    permission=Permission.READ,
    query=EventQuery,
    answers={200: WebhookEventAnswer},
    problems=(WebhookEventNotFound,),
)
def show_webhook_event(request: ApiRequest, event_id: int) -> Any:
    """Show Webhook Event

    The payload, if asked for, needs a stronger role: `power_user`, and `admin` unless the event was applied to an object of
    this service.
    """
    principal, with_payload = request.principal, request.query["include_payload"]
    if with_payload:
        principal.check(Permission.READ_PAYLOADS)
    show = request.bridge.webhook_events.show
    return {"data": show(principal.tenant_id, event_id, with_payload=with_payload, check=principal.check)}


@operation(
    "POST",
    f"{_PATH}/<id:event_id>/replay",
    permission=Permission.REPLAY_EVENTS,
    body=EmptySchema,
    answers={200: WebhookEventReplayed},
    problems=(WebhookEventNotFound, EventBeingProcessed, PayloadPurged),
)
def replay_webhook_event(request: ApiRequest, event_id: int) -> Any:
    """Replay Webhook Event

    The event is applied again as if it had just arrived; nothing it already did is done twice.
    """
    request.bridge.webhook_events.replay(request.principal.tenant_id, event_id)
    return {"message": "Webhook event re-queued for processing."}


WEBHOOK_EVENTS = (
    show_activity_log,
    list_webhook_events,
    show_webhook_event,
    replay_webhook_event,
    *REPLAYS,
)
