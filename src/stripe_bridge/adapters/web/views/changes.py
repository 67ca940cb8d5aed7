from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from flask import Response, request

from stripe_bridge.adapters.web.endpoints import Call, operation
from stripe_bridge.adapters.web.schemas.changes import FeedShape, ReadFeedQuery
from stripe_bridge.adapters.web.waiting_readers import WAITING_READERS, WaitingReaders
from stripe_bridge.adapters.web.wsgi_in_threads import RESUMED, SUSPENDED
from stripe_bridge.domain.access import Permission
from stripe_bridge.use_cases.changes.feed import FeedPage, FeedQuery, types_matching
from stripe_bridge.use_cases.changes.read import ReadFeedCommand
from stripe_bridge.use_cases.changes.witness import Held

_NOBODY_MAY_WAIT = {"Retry-After": "5"}


@operation(
    "GET",
    "/api/changes",
    permission=Permission.READ,
    query=ReadFeedQuery,
    answers={200: FeedShape},
    problems=(HTTPStatus.CONFLICT, HTTPStatus.GONE),
)
def list_changes(call: Call) -> Any:
    """List Changes

    What was recorded of this tenant's objects after entry `after`, oldest first and without a gap. Go on after `next_after`.

    With `wait`, an empty page is held back until there is something to read, or the time is up. If nobody else may wait at the
    moment, it comes at once, with `Retry-After`.
    """
    query = _query_of(call)
    permissions = call.principal.role.permissions
    command = ReadFeedCommand(
        query=query,
        held=Held(hash=call.query.get("hash"), log=call.query.get("log")),
        may_hold_sends=Permission.HOLD_SENDS in permissions,
    )
    rendered = call.bridge.changes.read(command)
    headers = {} if rendered.page.entries else _wait_for_more(call, query, rendered.page)
    return Response(rendered.body, content_type="application/json", headers=dict(headers))


CHANGES = (list_changes,)


def _query_of(call: Call) -> FeedQuery:
    patterns = call.query.get("types")
    return FeedQuery(
        tenant_id=call.principal.tenant_id,
        after=call.query["after"],
        limit=call.query["limit"],
        types=None if patterns is None else frozenset().union(*types_matching(patterns).values()),
        sales_order_id=call.query.get("sales_order_id"),
        may_read_acts=Permission.READ_ACTS in call.principal.role.permissions,
    )


def _wait_for_more(call: Call, query: FeedQuery, page: FeedPage) -> Mapping[str, str]:
    """Have the request served once more when there may be something to read. Returns the headers of the empty page."""
    seconds = float(call.query["wait"])
    if RESUMED in request.environ:
        seconds = request.environ[RESUMED].deadline - time.monotonic()
    if seconds <= 0:
        return {}
    readers: WaitingReaders | None = request.environ.get(WAITING_READERS)
    place = readers and readers.admit(call.principal.token_id, _seen(query, page), seconds)
    if place:
        request.environ[SUSPENDED] = place
    return {} if place or RESUMED in request.environ else _NOBODY_MAY_WAIT


def _seen(query: FeedQuery, page: FeedPage) -> FeedQuery:
    """The query after all that this page has passed over."""
    return replace(query, after=page.next_after)
