"""Requests: what one left behind, by the id that every response and every log record has."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from marshmallow import fields
from marshmallow.validate import Length

from stripe_bridge.adapters.console.formats import actor_name
from stripe_bridge.adapters.console.links import link
from stripe_bridge.adapters.console.rendering import go_to, render
from stripe_bridge.adapters.console.routes import Scope, Section, Visit, page
from stripe_bridge.adapters.web.schemas.fields import RequestSchema
from stripe_bridge.domain.access import Permission
from stripe_bridge.domain.changes.entry import Entry

_MAX_ID_LENGTH = 128


class RequestQuery(RequestSchema):
    id = fields.String(validate=Length(max=_MAX_ID_LENGTH))


@page("GET", "/requests", permission=Permission.READ, scope=Scope.ALL_TENANTS)
def find_request(visit: Visit) -> Any:
    asked = visit.query(RequestQuery).get("id")
    if asked:
        return go_to(link(f"/requests/{quote(asked, safe='')}"))
    return render("requests/find.html")


@page("GET", "/requests/<path:request_id>", permission=Permission.READ, scope=Scope.ALL_TENANTS)
def show_request(visit: Visit, request_id: str) -> Any:
    trace = visit.bridge.changes.trace_request(request_id, visit.tenant_id)
    may_read_acts = visit.may(Permission.READ_ACTS)
    return render(
        "requests/show.html",
        trace=trace,
        changes=[_shown(entry, may_read_acts=may_read_acts) for entry in trace.entries],
        actor=_actor(trace.entries[0]) if trace.entries and may_read_acts else None,
    )


REQUESTS = Section("Requests", (find_request, show_request))


def _shown(entry: Entry, *, may_read_acts: bool) -> dict[str, Any]:
    """An act's content is for those who may read acts, as in the feed."""
    if entry.type.is_act and not may_read_acts:
        return {"entry": entry, "type": "act", "subject": None, "changed": []}
    members = entry.members()
    return {
        "entry": entry,
        "type": entry.type.value,
        "subject": members["subject"],
        "changed": list(members["changed"]),
    }


def _actor(entry: Entry) -> str:
    return actor_name(entry.members()["actor"])
