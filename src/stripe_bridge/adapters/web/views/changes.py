from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Response

from stripe_bridge.adapters.web.endpoints import ApiRequest, operation
from stripe_bridge.adapters.web.schemas.changes import FeedSchema, ReadFeedQuery
from stripe_bridge.adapters.web.views.waiting import wait_for_entries
from stripe_bridge.domain.access import Permission
from stripe_bridge.domain.errors.feed import CursorAhead, FeedExpired, HistoryChanged
from stripe_bridge.use_cases.changes.feed import FeedQuery, types_matching
from stripe_bridge.use_cases.changes.read import ReadFeedCommand
from stripe_bridge.use_cases.changes.witness import Held


@operation(
    "GET",
    "/api/changes",
    permission=Permission.READ,
    query=ReadFeedQuery,
    answers={200: FeedSchema},
    problems=(HistoryChanged, CursorAhead, FeedExpired),
)
def list_changes(request: ApiRequest) -> Any:
    """List Changes

    What was recorded about this tenant's objects after entry `after`, oldest first and without gaps. Continue after
    `next_after`.

    With `wait`, an empty page is held back until there is something to read, or the time is up. If no more requests may wait
    at the moment, it is returned at once, with `Retry-After`.
    """
    query = _query_of(request)
    permissions = request.principal.permissions
    command = ReadFeedCommand(
        query=query,
        held=Held(hash=request.query.get("hash"), log=request.query.get("log")),
        may_hold_sends=Permission.HOLD_SENDS in permissions,
    )
    rendered = request.bridge.changes.read(command)
    page = rendered.page
    # One that has not come to the end of the log has passed over a part that has nothing of what is asked for.
    headers: Mapping[str, str] = {}
    if not page.entries and page.next_after == page.latest:
        passed = replace(query, after=page.next_after)
        headers = wait_for_entries(request.principal.token_id, passed, request.query["wait"])
    return Response(rendered.body, content_type="application/json", headers=dict(headers))


CHANGES = (list_changes,)


def _query_of(request: ApiRequest) -> FeedQuery:
    patterns = request.query.get("types")
    return FeedQuery(
        tenant_id=request.principal.tenant_id,
        after=request.query["after"],
        limit=request.query["limit"],
        types=None if patterns is None else frozenset().union(*types_matching(patterns).values()),
        sales_order_id=request.query.get("sales_order_id"),
        may_read_acts=Permission.READ_ACTS in request.principal.permissions,
    )
