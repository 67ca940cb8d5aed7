from __future__ import annotations

from typing import Any

from stripe_bridge.adapters.web.endpoints import ApiRequest, operation
from stripe_bridge.adapters.web.schemas.fields import EmptySchema
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
from stripe_bridge.domain.errors.base import SubscriberNotFound
from stripe_bridge.domain.errors.rules import TooManySubscribers
from stripe_bridge.domain.errors.values import (
    ChangeTypeUnknown,
    CursorBeyondLatest,
    CursorPurged,
    UrlNotAllowed,
)
from stripe_bridge.use_cases.subscribers.manage import NewSubscriber

_PATH = "/api/subscribers"
_ONE = f"{_PATH}/<id:subscriber_id>"
# Each makes a request to wherever the subscriber says, and waits for its answer.
_PINGS = "20/minute"
_OF_FIELDS = (ChangeTypeUnknown, UrlNotAllowed)


@operation(
    "POST",
    _PATH,
    permission=Permission.MANAGE_SUBSCRIBERS,
    body=NewSubscriberBody,
    answers={201: SubscriberSecretAnswer},
    response_is_secret=True,
    problems=(*_OF_FIELDS, CursorBeyondLatest, CursorPurged, TooManySubscribers),
)
def create_subscriber(request: ApiRequest) -> Any:
    """Create Subscriber

    Changes are posted to its URL as they are recorded. A tenant can have up to five subscribers.
    """
    view, secret = request.bridge.subscribers.create(
        request.principal.tenant_id, NewSubscriber(**request.body)
    )
    return {"data": view, "secret": secret}


@operation("GET", _PATH, permission=Permission.MANAGE_SUBSCRIBERS, answers={200: SubscriberList})
def list_subscribers(request: ApiRequest) -> Any:
    """List Subscribers

    Oldest first.
    """
    return {"data": request.bridge.subscribers.list(request.principal.tenant_id)}


@operation(
    "GET",
    _ONE,
    permission=Permission.MANAGE_SUBSCRIBERS,
    answers={200: SubscriberAnswer},
    problems=(SubscriberNotFound,),
)
def show_subscriber(request: ApiRequest, subscriber_id: int) -> Any:
    """Show Subscriber"""
    return {"data": request.bridge.subscribers.show(request.principal.tenant_id, subscriber_id)}


@operation(
    "PATCH",
    _ONE,
    permission=Permission.MANAGE_SUBSCRIBERS,
    body=SubscriberChanges,
    answers={200: SubscriberAnswer},
    problems=(*_OF_FIELDS, CursorPurged, SubscriberNotFound),
)
def update_subscriber(request: ApiRequest, subscriber_id: int) -> Any:
    """Update Subscriber

    Fields that are left out stay as they are.
    """
    return {
        "data": request.bridge.subscribers.update(request.principal.tenant_id, subscriber_id, request.body)
    }


@operation(
    "DELETE",
    _ONE,
    permission=Permission.MANAGE_SUBSCRIBERS,
    answers={200: SubscriberDeleted},
    problems=(SubscriberNotFound,),
)
def delete_subscriber(request: ApiRequest, subscriber_id: int) -> Any:
    """Delete Subscriber"""
    request.bridge.subscribers.delete(request.principal.tenant_id, subscriber_id)
    return {"message": "Subscriber deleted."}


@operation(
    "POST",
    f"{_ONE}/rotate-secret",
    permission=Permission.MANAGE_SUBSCRIBERS,
    body=EmptySchema,
    answers={200: SubscriberSecretAnswer},
    response_is_secret=True,
    problems=(SubscriberNotFound,),
)
def rotate_subscriber_secret(request: ApiRequest, subscriber_id: int) -> Any:
    """Rotate Subscriber's Secret

    For 24 hours, requests are signed with both the new secret and the previous one.
    """
    view, secret = request.bridge.subscribers.rotate_secret(request.principal.tenant_id, subscriber_id)
    return {"data": view, "secret": secret}


@operation(
    "POST",
    f"{_ONE}/ping",
    permission=Permission.MANAGE_SUBSCRIBERS,
    body=EmptySchema,
    answers={200: DeliveryAnswer},
    limit=_PINGS,
    problems=(SubscriberNotFound,),
)
def ping_subscriber(request: ApiRequest, subscriber_id: int) -> Any:
    """Ping Subscriber

    Sends a signed request without changes, and shows the outcome: `error` is null if the receiver accepted it.
    """
    return {"data": request.bridge.subscribers.ping(request.principal.tenant_id, subscriber_id)}


@operation(
    "POST",
    f"{_ONE}/resume",
    permission=Permission.MANAGE_SUBSCRIBERS,
    body=ResumeBody,
    answers={200: SubscriberAnswer},
    problems=(CursorBeyondLatest, CursorPurged, SubscriberNotFound),
)
def resume_subscriber(request: ApiRequest, subscriber_id: int) -> Any:
    """Resume Subscriber

    Enables it, and delivers the changes after this one, even those that were delivered before.
    """
    after = request.body["after"]
    return {"data": request.bridge.subscribers.resume(request.principal.tenant_id, subscriber_id, after)}


@operation(
    "GET",
    f"{_ONE}/deliveries",
    permission=Permission.MANAGE_SUBSCRIBERS,
    answers={200: DeliveryList},
    problems=(SubscriberNotFound,),
)
def list_subscriber_deliveries(request: ApiRequest, subscriber_id: int) -> Any:
    """List Subscriber's Deliveries

    The last hundred attempts, newest first.
    """
    return {"data": request.bridge.subscribers.list_deliveries(request.principal.tenant_id, subscriber_id)}


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
