from __future__ import annotations

from typing import Any

from stripe_bridge.adapters.web.endpoints import ApiRequest, operation
from stripe_bridge.adapters.web.schemas.fields import EmptySchema
from stripe_bridge.adapters.web.schemas.paging import PageQuery
from stripe_bridge.adapters.web.schemas.replays import (
    ReplayAnswer,
    ReplayBody,
    ReplayDetailAnswer,
    ReplayPage,
    ReplayPlanAnswer,
)
from stripe_bridge.adapters.web.views.paging import page_request, paginated
from stripe_bridge.domain.access import Permission
from stripe_bridge.domain.errors.base import ReplayNotFound
from stripe_bridge.domain.errors.conflicts import ReplayEnded, ReplayPlanOutdated

_EVENTS = "/api/stripe/webhook-events"
_PATH = "/api/stripe/replays"
_ONE = f"{_PATH}/<id:replay_id>"
# Judging a thousand events takes a fifth of a second of a processor.
_PLANS = "30/minute"


@operation(
    "POST",
    f"{_EVENTS}/replay",
    permission=Permission.REPLAY_EVENTS,
    body=ReplayBody,
    answers={200: ReplayPlanAnswer, 202: ReplayAnswer},
    limit=_PLANS,
    problems=(ReplayPlanOutdated,),
)
def replay_webhook_events(request: ApiRequest) -> Any:
    """Replay Webhook Events

    By default a dry run: what applying these events again would change, object by object and field by field, without asking
    Stripe and without changing anything. To apply it, send the same with `dry_run` false and the plan's `digest`. If
    events or objects have changed since, that is a 409.
    """
    asked, tenant_id = request.body, request.principal.tenant_id
    events = request.bridge.webhook_events
    if asked["dry_run"]:
        return {"data": events.plan_replay(tenant_id, asked["filter"], asked["limit"])}
    return {"data": events.start_replay(tenant_id, asked["filter"], asked["limit"], asked["digest"])}, 202


@operation("GET", _PATH, permission=Permission.READ, query=PageQuery, answers={200: ReplayPage})
def list_replays(request: ApiRequest) -> Any:
    """List Replays

    Newest first: who started each, for which events, and its progress.
    """
    return paginated(
        request.bridge.webhook_events.list_replays(request.principal.tenant_id, page_request(request.query))
    )


@operation(
    "GET",
    _ONE,
    permission=Permission.READ,
    answers={200: ReplayDetailAnswer},
    problems=(ReplayNotFound,),
)
def show_replay(request: ApiRequest, replay_id: int) -> Any:
    """Show Replay

    With the outcome of its events so far.
    """
    view = request.bridge.webhook_events.show_replay(request.principal.tenant_id, replay_id)
    return {"data": view.replay, "events": view.events}


@operation(
    "POST",
    f"{_ONE}/cancel",
    permission=Permission.REPLAY_EVENTS,
    body=EmptySchema,
    answers={200: ReplayAnswer},
    problems=(ReplayNotFound, ReplayEnded),
)
def cancel_replay(request: ApiRequest, replay_id: int) -> Any:
    """Cancel Replay

    No further events are queued. Those already queued are still applied.
    """
    return {"data": request.bridge.webhook_events.cancel_replay(request.principal.tenant_id, replay_id)}


REPLAYS = (replay_webhook_events, list_replays, show_replay, cancel_replay)
