"""Calls: what is to change at Stripe, as long as it is not settled, and what Stripe refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from marshmallow import fields
from marshmallow.validate import OneOf

from stripe_bridge.adapters.console.links import link
from stripe_bridge.adapters.console.rendering import done, render
from stripe_bridge.adapters.console.routes import Scope, Section, Visit, page
from stripe_bridge.adapters.web.schemas.fields import RequestSchema
from stripe_bridge.domain.access import Permission
from stripe_bridge.domain.intent import UNSETTLED, Intent, IntentState, Operation
from stripe_bridge.domain.paging import DEFAULT_PER_PAGE, PageRequest
from stripe_bridge.ports.storage.intents import IntentFilter

# Nobody wants to know how many there are, and counting costs more than the page.
_NEWEST = PageRequest.below(None)
# What is settled and took effect is seen where its effect is.
_STATES: Mapping[str, frozenset[IntentState]] = {
    "unsettled": UNSETTLED,
    "refused": frozenset({IntentState.FAILED}),
}


class _Matching(RequestSchema):
    state = fields.String(load_default="unsettled", validate=OneOf(list(_STATES)))
    operation = fields.String(load_default=None, validate=OneOf([each.value for each in Operation]))
    cursor = fields.String(load_default=None)


@page("GET", "/calls", permission=Permission.READ, scope=Scope.ALL_TENANTS)
def list_calls(visit: Visit) -> Any:
    query = visit.query(_Matching)
    operation, cursor = query["operation"], query["cursor"]
    matching = IntentFilter(
        tenant_id=visit.tenant_id,
        states=_STATES[query["state"]],
        operations=None if operation is None else frozenset({Operation(operation)}),
    )
    request = (
        _NEWEST if cursor is None else PageRequest.of(page=None, per_page=DEFAULT_PER_PAGE, cursor=cursor)
    )
    found = visit.bridge.intents.list(matching, request)
    return render(
        "calls/list.html",
        calls=found.items,
        more=None if found.next_cursor is None else {"cursor": found.next_cursor},
        query=query,
        operations=[each.value for each in Operation],
        subject_of=subject_of,
    )


@page("GET", "/calls/<id:call_id>", permission=Permission.READ, scope=Scope.ALL_TENANTS)
def show_call(visit: Visit, call_id: int) -> Any:
    """What it is made with contains personal data."""
    call = visit.bridge.intents.show(call_id, visit.tenant_id)
    may_read = visit.may(Permission.READ_PAYLOADS)
    parameters = json.dumps(dict(call.parameters), indent=2, ensure_ascii=False) if may_read else None
    return render(
        "calls/show.html",
        call=call,
        parameters=parameters,
        subject_of=subject_of,
    )


@page(
    "GET",
    "/calls/<id:call_id>/resolve",
    permission=Permission.RESOLVE_INTENTS,
    scope=Scope.ALL_TENANTS,
)
def confirm_resolving_call(visit: Visit, call_id: int) -> Any:
    """Raises IntentBeingSettled, as resolving it would."""
    call = visit.bridge.intents.resolve(call_id, tenant_id=visit.tenant_id, dry_run=True)
    return render("calls/resolve.html", call=call, subject_of=subject_of)


@page(
    "POST",
    "/calls/<id:call_id>/resolve",
    permission=Permission.RESOLVE_INTENTS,
    scope=Scope.ALL_TENANTS,
    limit="30/minute",
)
def resolve_call(visit: Visit, call_id: int) -> Any:
    call = visit.bridge.intents.resolve(call_id, tenant_id=visit.tenant_id)
    return done(_outcome(visit, call), f"/calls/{call.id}")


CALLS = Section("Calls", (list_calls, show_call, confirm_resolving_call, resolve_call))


def subject_of(call: Intent) -> tuple[str, str | None]:
    """What a call is about, and its page, if it has one."""
    kind, _, id_ = call.subject.partition(":")
    if call.invoice_id is not None:
        return f"{kind} {id_}", link(f"/invoices/{call.invoice_id}")
    return f"{kind} {id_}", None


def _outcome(visit: Visit, call: Intent) -> str:
    match call.state:
        case IntentState.CONFIRMED:
            return f"Call {call.id} is settled: it took effect."
        case IntentState.FAILED:
            return f"Call {call.id} is settled: Stripe refused it."
        case _:
            why = visit.error_of(call) or "it will be tried again"
            return f"Call {call.id} is still unsettled: {why.removesuffix('.')}."
