"""Events: what Stripe sent, what became of it, and having it applied again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import request
from marshmallow import fields
from marshmallow.validate import Length

from stripe_bridge.adapters.console.formats import shown_value
from stripe_bridge.adapters.console.links import link
from stripe_bridge.adapters.console.pages.event_filters import FILTERS, EventQuery, command_of, filter_of
from stripe_bridge.adapters.console.rendering import done, go_to, render
from stripe_bridge.adapters.console.routes import Scope, Section, Visit, page
from stripe_bridge.adapters.web.schemas.fields import MAX_ID, QueryNumber, RequestSchema
from stripe_bridge.domain.access import Permission
from stripe_bridge.domain.errors.base import Forbidden
from stripe_bridge.domain.errors.conflicts import ReplayPlanOutdated
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.replay import MAX_EVENTS, PlannedObject, Replay
from stripe_bridge.domain.webhook_event import EventStatus, WebhookEvent

_PER_PAGE = 50
_STATUSES = [status.value for status in EventStatus]
# As over REST: judging a thousand events takes a fifth of a second of a processor.
_PLANS = "30/minute"


class Apply(EventQuery):
    digest = fields.String(load_default="", validate=Length(max=64))


class ReplayQuery(RequestSchema):
    before = QueryNumber(low=1, high=MAX_ID)


@page("GET", "/events", permission=Permission.READ, scope=Scope.ALL_TENANTS)
def list_events(visit: Visit) -> Any:
    asked = visit.query(EventQuery)
    found = visit.bridge.webhook_events.list(visit.tenant_id, filter_of(asked), _after(asked))
    query = _query()
    return render(
        "events/list.html",
        events=found.items,
        more=_more(found),
        is_first="before" not in asked,
        query=query,
        statuses=_STATUSES,
        command=command_of("list", query, visit.tenant_id),
    )


@page("GET", "/events/<id:event_id>", permission=Permission.READ, scope=Scope.ALL_TENANTS)
def show_event(visit: Visit, event_id: int) -> Any:
    return _shown(visit, event_id, with_payload=False)


@page("POST", "/events/<id:event_id>/payload", permission=Permission.READ_PAYLOADS, scope=Scope.ALL_TENANTS)
def show_payload(visit: Visit, event_id: int) -> Any:
    """A form, since it is recorded who reads a payload. Answers with the page: it has nothing that a reload would repeat."""
    return _shown(visit, event_id, with_payload=True)


@page("GET", "/events/replay", permission=Permission.REPLAY_EVENTS, scope=Scope.ALL_TENANTS, limit=_PLANS)
def plan_replay(visit: Visit) -> Any:
    asked, query = visit.query(EventQuery), _query()
    plan = None
    if query:
        plan = visit.bridge.webhook_events.plan_replay(visit.tenant_id, filter_of(asked), MAX_EVENTS)
    return render(
        "events/plan.html",
        plan=plan,
        rows=_rows,
        query=query,
        statuses=_STATUSES,
        command=command_of("replay", query, visit.tenant_id),
    )


@page(
    "POST",
    "/events/replay",
    permission=Permission.REPLAY_EVENTS,
    scope=Scope.ALL_TENANTS,
    limit=_PLANS,
    counts_as="plan_replay",
)
def start_replay(visit: Visit) -> Any:
    asked = dict(visit.form(Apply))
    digest, query = asked.pop("digest"), _query()
    if not query:
        return go_to(link("/events/replay"))
    try:
        replay = visit.bridge.webhook_events.start_replay(
            visit.tenant_id, filter_of(asked), MAX_EVENTS, digest
        )
    except ReplayPlanOutdated as error:
        return done(error.message, "/events/replay", **query)
    return done(f"Replay {replay.id} has begun.", f"/events/replays/{replay.id}")


@page("GET", "/events/replays", permission=Permission.READ, scope=Scope.ALL_TENANTS)
def list_replays(visit: Visit) -> Any:
    asked = visit.query(ReplayQuery)
    found = visit.bridge.webhook_events.list_replays(visit.tenant_id, _after(asked))
    return render(
        "events/replays.html", replays=found.items, more=_more(found), is_first="before" not in asked
    )


@page("GET", "/events/replays/<id:replay_id>", permission=Permission.READ, scope=Scope.ALL_TENANTS)
def show_replay(visit: Visit, replay_id: int) -> Any:
    return render(
        "events/replay.html", view=visit.bridge.webhook_events.show_replay(visit.tenant_id, replay_id)
    )


@page(
    "GET",
    "/events/replays/<id:replay_id>/cancel",
    permission=Permission.REPLAY_EVENTS,
    scope=Scope.ALL_TENANTS,
)
def confirm_canceling_replay(visit: Visit, replay_id: int) -> Any:
    view = visit.bridge.webhook_events.show_replay(visit.tenant_id, replay_id)
    return render("events/cancel.html", replay=view.replay)


@page(
    "POST",
    "/events/replays/<id:replay_id>/cancel",
    permission=Permission.REPLAY_EVENTS,
    scope=Scope.ALL_TENANTS,
)
def cancel_replay(visit: Visit, replay_id: int) -> Any:
    canceled = visit.bridge.webhook_events.cancel_replay(visit.tenant_id, replay_id)
    return done(
        f"Replay {replay_id} is canceled. {canceled.queued} of its events were queued before.",
        f"/events/replays/{replay_id}",
    )


EVENTS = Section(
    "Events",
    (
        list_events,
        show_event,
        show_payload,
        plan_replay,
        start_replay,
        list_replays,
        show_replay,
        confirm_canceling_replay,
        cancel_replay,
    ),
)


def _shown(visit: Visit, event_id: int, *, with_payload: bool) -> Any:
    def check(permission: Permission) -> None:
        if not visit.may(permission):
            raise Forbidden

    show = visit.bridge.webhook_events.show
    event = show(visit.tenant_id, event_id, with_payload=with_payload, check=check)
    return render(
        "events/show.html",
        event=event,
        payload=None if event.payload is None else _pretty(event.payload),
        command=f"stripe-bridge events show {event_id}{' --payload' if with_payload else ''}",
    )


def _pretty(payload: bytes) -> str:
    """What Stripe sent; if that is no longer valid JSON, the text as it is. Empty if it is no longer kept."""
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False) if payload else ""
    except (ValueError, RecursionError):
        return payload.decode(errors="replace")


def _query() -> dict[str, str]:
    """The filters, as they came: for links to the same events."""
    given = {**request.args.to_dict(), **request.form.to_dict()}
    return {name: value for name, value in sorted(given.items()) if name in FILTERS and value.strip()}


def _after(asked: Mapping[str, Any]) -> PageRequest:
    return PageRequest.below(asked.get("before"), _PER_PAGE)


def _more(found: Page[WebhookEvent] | Page[Replay]) -> dict[str, int] | None:
    return None if found.next_cursor is None else {"before": found.items[-1].id}


def _rows(planned: PlannedObject) -> list[tuple[str, str, str]]:
    """Each field, before and after, for people."""
    return [
        (
            each.field,
            shown_value(each.field, each.before, planned.currency),
            shown_value(each.field, each.after, planned.currency),
        )
        for each in planned.changes
    ]
