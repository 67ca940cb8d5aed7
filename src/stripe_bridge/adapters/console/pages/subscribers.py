"""Subscribers: where a tenant's changes are delivered to."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import request
from marshmallow import fields
from marshmallow.validate import Length, OneOf

from stripe_bridge.adapters.console.cookies import browser_secret, form_key
from stripe_bridge.adapters.console.once import SENT_BEFORE, OneUseForm, act_once, new_form_key
from stripe_bridge.adapters.console.rendering import done, render
from stripe_bridge.adapters.console.routes import Scope, Section, Visit, page
from stripe_bridge.adapters.web.problems import RequestInvalid, problem_of
from stripe_bridge.adapters.web.schemas.fields import MAX_ID, QueryNumber, RequestSchema, Text
from stripe_bridge.domain.access import Permission
from stripe_bridge.domain.errors.base import SubscriberNotFound
from stripe_bridge.domain.errors.conflicts import StaleWrite
from stripe_bridge.domain.errors.rules import TooManySubscribers
from stripe_bridge.domain.errors.values import Invalid
from stripe_bridge.domain.subscriber import MAX_BATCH, MAX_SUBSCRIBERS, MAX_URL_LENGTH, Delivery, Subscriber
from stripe_bridge.use_cases.subscribers.manage import NewSubscriber
from stripe_bridge.use_cases.subscribers.queries import SubscriberView

_MANAGE = Permission.MANAGE_SUBSCRIBERS
_ACTS = ("ping", "rotate", "resume", "disable", "enable", "delete")
_MAX_TYPES, _MAX_DESCRIPTION = 1000, 255
_ONE = "/subscribers/<id:subscriber_id>"
# The API's, too: whatever is asked for here is sent to somebody else's machine.
_PINGS = "30/minute"


class _NewSubscriber(OneUseForm):
    url = Text(required=True, validate=Length(max=MAX_URL_LENGTH))
    types = Text(load_default="", validate=Length(max=_MAX_TYPES))
    max_batch = QueryNumber(low=1, high=MAX_BATCH, load_default=MAX_BATCH)
    after = QueryNumber(low=0, high=MAX_ID, load_default=None)
    description = Text(load_default="", validate=Length(max=_MAX_DESCRIPTION))


class _Resumed(RequestSchema):
    after = QueryNumber(low=0, high=MAX_ID, required=True)


class _Asked(RequestSchema):
    act = fields.String(required=True, validate=OneOf(_ACTS))


@page("GET", "/subscribers", permission=_MANAGE, scope=Scope.ALL_TENANTS)
def list_subscribers(visit: Visit) -> Any:
    subscribers = visit.bridge.subscribers.list
    found = subscribers.of_all_tenants() if visit.tenant_id is None else subscribers(visit.tenant_id)
    return render("subscribers/list.html", views=found, most=MAX_SUBSCRIBERS, state_of=state_of)


@page("GET", "/subscribers/new", permission=_MANAGE)
def new_subscriber(_visit: Visit) -> Any:
    return _form({})


@page("POST", "/subscribers", permission=_MANAGE, limit="30/minute")
def create_subscriber(visit: Visit) -> Any:
    """Answers with the secret, which is shown only once: no other page could."""
    try:
        given = visit.form(_NewSubscriber)
        types = tuple(dict.fromkeys(given["types"].replace(",", " ").split()))
        subscriber = NewSubscriber(
            url=given["url"],
            types=types or None,
            max_batch=given["max_batch"],
            after=given["after"],
            description=given["description"],
        )
        create = partial(visit.bridge.subscribers.create, visit.tenant, subscriber)
        created = act_once(visit, given["form_key"], create)
    except RequestInvalid as error:
        return _form(error.errors)
    except (Invalid, TooManySubscribers) as error:
        _, problem = problem_of(error)
        return _form({getattr(error, "field", None) or "url": [problem["detail"]]})
    if created is None:
        return done(SENT_BEFORE, "/subscribers")
    view, secret = created
    return render("subscribers/secret.html", view=view, signing_secret=secret, is_new=True)


@page("GET", _ONE, permission=_MANAGE, scope=Scope.ALL_TENANTS)
def show_subscriber(visit: Visit, subscriber_id: int) -> Any:
    view = _find(visit, subscriber_id)
    deliveries = visit.bridge.subscribers.list_deliveries(view.subscriber.tenant_id, subscriber_id)
    return render("subscribers/show.html", view=view, deliveries=deliveries, state_of=state_of)


@page("GET", f"{_ONE}/confirm", permission=_MANAGE, scope=Scope.ALL_TENANTS)
def confirm_changing_subscriber(visit: Visit, subscriber_id: int) -> Any:
    """`?act=` says what is about to be done."""
    view = _find(visit, subscriber_id)
    return render(
        "subscribers/confirm.html",
        view=view,
        act=visit.query(_Asked)["act"],
        faults={},
        form_key=_key_of(view.subscriber),
    )


@page("POST", f"{_ONE}/ping", permission=_MANAGE, scope=Scope.ALL_TENANTS, limit=_PINGS)
def ping_subscriber(visit: Visit, subscriber_id: int) -> Any:
    subscriber = _find(visit, subscriber_id).subscriber
    delivery = visit.bridge.subscribers.ping(subscriber.tenant_id, subscriber_id)
    return done(_answer(delivery), f"/subscribers/{subscriber_id}")


@page("POST", f"{_ONE}/rotate", permission=_MANAGE, scope=Scope.ALL_TENANTS)
def rotate_subscribers_secret(visit: Visit, subscriber_id: int) -> Any:
    """A page that is sent twice makes one: of the former secrets, only the last signs."""
    subscriber, seen = _find(visit, subscriber_id).subscriber, request.form.get("form_key", "")

    def check(present: Subscriber) -> None:
        if _key_of(present) != seen:
            raise StaleWrite

    try:
        view, secret = visit.bridge.subscribers.rotate_secret(subscriber.tenant_id, subscriber_id, check)
    except StaleWrite:
        said = "It has received a new secret since, so nothing was done. For a day, the former one signs as well."
        return done(said, f"/subscribers/{subscriber_id}")
    return render("subscribers/secret.html", view=view, signing_secret=secret, is_new=False)


@page("POST", f"{_ONE}/resume", permission=_MANAGE, scope=Scope.ALL_TENANTS)
def resume_subscriber(visit: Visit, subscriber_id: int) -> Any:
    view = _find(visit, subscriber_id)
    try:
        after = visit.form(_Resumed)["after"]
        resumed = visit.bridge.subscribers.resume(view.subscriber.tenant_id, subscriber_id, after)
    except RequestInvalid as error:
        return _asked_again(view, error.errors)
    except Invalid as error:
        return _asked_again(view, {"after": [error.message]})
    said = f"Subscriber {subscriber_id} continues after change {resumed.subscriber.after}."
    return done(said, f"/subscribers/{subscriber_id}")


@page("POST", f"{_ONE}/enable", permission=_MANAGE, scope=Scope.ALL_TENANTS)
def enable_subscriber(visit: Visit, subscriber_id: int) -> Any:
    return _set_enabled(visit, subscriber_id, enabled=True)


@page("POST", f"{_ONE}/disable", permission=_MANAGE, scope=Scope.ALL_TENANTS)
def disable_subscriber(visit: Visit, subscriber_id: int) -> Any:
    return _set_enabled(visit, subscriber_id, enabled=False)


@page("POST", f"{_ONE}/delete", permission=_MANAGE, scope=Scope.ALL_TENANTS)
def delete_subscriber(visit: Visit, subscriber_id: int) -> Any:
    subscriber = _find(visit, subscriber_id).subscriber
    visit.bridge.subscribers.delete(subscriber.tenant_id, subscriber_id)
    return done(f"Subscriber {subscriber_id} is deleted.", "/subscribers")


SUBSCRIBERS = Section(
    "Subscribers",
    (
        list_subscribers,
        new_subscriber,
        create_subscriber,
        show_subscriber,
        confirm_changing_subscriber,
        ping_subscriber,
        rotate_subscribers_secret,
        resume_subscriber,
        enable_subscriber,
        disable_subscriber,
        delete_subscriber,
    ),
)


def state_of(view: SubscriberView) -> tuple[str, str]:
    """In a word or two, and the tone of that."""
    subscriber = view.subscriber
    if not subscriber.enabled:
        why = subscriber.disabled_reason
        return (f"disabled: {why}" if why else "disabled"), "bad"
    if subscriber.failures:
        return "failing", "warn"
    return ("behind", "info") if view.behind else ("up to date", "good")


def _find(visit: Visit, subscriber_id: int) -> SubscriberView:
    """Raises SubscriberNotFound, for another tenant's as for one that does not exist."""
    if visit.tenant_id is not None:
        return visit.bridge.subscribers.show(visit.tenant_id, subscriber_id)
    for view in visit.bridge.subscribers.list.of_all_tenants():
        if view.subscriber.id == subscriber_id:
            return view
    raise SubscriberNotFound


def _set_enabled(visit: Visit, subscriber_id: int, *, enabled: bool) -> Any:
    subscriber = _find(visit, subscriber_id).subscriber
    visit.bridge.subscribers.update(subscriber.tenant_id, subscriber_id, {"enabled": enabled})
    what = "enabled" if enabled else "disabled"
    return done(f"Subscriber {subscriber_id} is {what}.", f"/subscribers/{subscriber_id}")


def _form(faults: Any) -> Any:
    return render(
        "subscribers/new.html",
        422 if faults else 200,
        faults=faults,
        most=MAX_BATCH,
        form_key=new_form_key(),
    )


def _asked_again(view: SubscriberView, faults: Any) -> Any:
    return render("subscribers/confirm.html", 422, view=view, act="resume", faults=faults, form_key="")


def _key_of(subscriber: Subscriber) -> str:
    """Of the form for a new secret: another one as soon as there is one."""
    return form_key(browser_secret(), subscriber.id, subscriber.sealed_secret)


def _answer(delivery: Delivery) -> str:
    if delivery.status is None:
        return f"No answer: {delivery.error}"
    said = f"It answered {delivery.status} after {delivery.ms} ms"
    return f"{said}: {delivery.error}" if delivery.error else f"{said}."
