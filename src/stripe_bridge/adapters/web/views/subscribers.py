from __future__ import annotations

from typing import Any

from stripe_bridge.adapters.web.endpoints import Call, operation
from stripe_bridge.adapters.web.schemas.fields import Nothing
from stripe_bridge.adapters.web.schemas.subscribers import (
    DeliveryAnswer,
    DeliveryList,
    NewSubscriberBody,
    ResumeBody,
    SubscriberAnswer,
    SubscriberChanges,
    SubscriberDeleted,
    SubscriberList,
    SubscriberSecretAnswer,
)
from stripe_bridge.domain.access import Permission
from stripe_bridge.use_cases.subscribers.manage import NewSubscriber

_PATH = "/api/subscribers"
_ONE = f"{_PATH}/<id:subscriber_id>"
# Each makes a request to wherever the subscriber says, and waits for its answer.
_PINGS = "20/minute"


@operation(
    "POST",
    _PATH,
    permission=Permission.MANAGE_SUBSCRIBERS,
    body=NewSubscriberBody,
    answers={201: SubscriberSecretAnswer},
    response_is_secret=True,
)
def create_subscriber(call: Call) -> Any:
    """Create Subscriber

    From then on changes are posted to its address. A tenant can have five.
    """
    view, secret = call.bridge.subscribers.create(call.principal.tenant_id, NewSubscriber(**call.body))
    return {"data": view, "secret": secret}


@operation("GET", _PATH, permission=Permission.MANAGE_SUBSCRIBERS, answers={200: SubscriberList})
def list_subscribers(call: Call) -> Any:
    """List Subscribers

    Oldest first.
    """
    return {"data": call.bridge.subscribers.list(call.principal.tenant_id)}


@operation("GET", _ONE, permission=Permission.MANAGE_SUBSCRIBERS, answers={200: SubscriberAnswer})
def show_subscriber(call: Call, subscriber_id: int) -> Any:
    """Show Subscriber"""
    return {"data": call.bridge.subscribers.show(call.principal.tenant_id, subscriber_id)}


@operation(
    "PATCH",
    _ONE,
    permission=Permission.MANAGE_SUBSCRIBERS,
    body=SubscriberChanges,
    answers={200: SubscriberAnswer},
    problems=(409,),
)
def update_subscriber(call: Call, subscriber_id: int) -> Any:
    """Update Subscriber

    Fields that are left out stay as they are.
    """
    return {"data": call.bridge.subscribers.update(call.principal.tenant_id, subscriber_id, call.body)}


@operation(
    "DELETE",
    _ONE,
    permission=Permission.MANAGE_SUBSCRIBERS,
    answers={200: SubscriberDeleted},
    problems=(409,),
)
def delete_subscriber(call: Call, subscriber_id: int) -> Any:
    """Delete Subscriber"""
    call.bridge.subscribers.delete(call.principal.tenant_id, subscriber_id)
    return {"message": "Subscriber deleted."}


@operation(
    "POST",
    f"{_ONE}/rotate-secret",
    permission=Permission.MANAGE_SUBSCRIBERS,
    body=Nothing,
    answers={200: SubscriberSecretAnswer},
    response_is_secret=True,
)
def rotate_subscriber_secret(call: Call, subscriber_id: int) -> Any:
    """Rotate Subscriber's Secret

    For 24 hours requests are signed with both, the new one and the one before.
    """
    view, secret = call.bridge.subscribers.rotate_secret(call.principal.tenant_id, subscriber_id)
    return {"data": view, "secret": secret}


@operation(
    "POST",
    f"{_ONE}/ping",
    permission=Permission.MANAGE_SUBSCRIBERS,
    body=Nothing,
    answers={200: DeliveryAnswer},
    limit=_PINGS,
)
def ping_subscriber(call: Call, subscriber_id: int) -> Any:
    """Ping Subscriber

    Sends a signed request without changes, and shows what became of it: `error` is null if the receiver took it.
    """
    return {"data": call.bridge.subscribers.ping(call.principal.tenant_id, subscriber_id)}


@operation(
    "POST",
    f"{_ONE}/resume",
    permission=Permission.MANAGE_SUBSCRIBERS,
    body=ResumeBody,
    answers={200: SubscriberAnswer},
)
def resume_subscriber(call: Call, subscriber_id: int) -> Any:
    """Resume Subscriber

    Enables it, and delivers what follows this change, even what was delivered before.
    """
    after = call.body["after"]
    return {"data": call.bridge.subscribers.resume(call.principal.tenant_id, subscriber_id, after)}


@operation("GET", f"{_ONE}/deliveries", permission=Permission.MANAGE_SUBSCRIBERS, answers={200: DeliveryList})
def list_subscriber_deliveries(call: Call, subscriber_id: int) -> Any:
    """List Subscriber's Deliveries

    The last hundred attempts, newest first.
    """
    return {"data": call.bridge.subscribers.list_deliveries(call.principal.tenant_id, subscriber_id)}


SUBSCRIBERS = (
    create_subscriber,
    list_subscribers,
    show_subscriber,
    update_subscriber,
    delete_subscriber,
    rotate_subscriber_secret,
    ping_subscriber,
    resume_subscriber,
    list_subscriber_deliveries,
)
