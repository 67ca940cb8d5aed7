"""What a request left behind: by its id, which every response has, one finds what it changed, and which calls it led to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from stripe_bridge.domain.changes.change import NO_TENANT
from stripe_bridge.domain.changes.entry import Entry, PreparedChange
from stripe_bridge.domain.intent import Intent

# For as long as somebody might still ask about a request.
KEPT_FOR = timedelta(days=90)


class TraceKind(StrEnum):
    CHANGE = "change"
    INTENT = "intent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """`object_id` is a change's number in its tenant's log, or an intent's id. The tenant of what belongs to none is ""."""

    request_id: str
    tenant_id: str
    kind: TraceKind
    object_id: int
    noted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTrace:
    """Oldest first."""

    request_id: str
    entries: Sequence[Entry]
    intents: Sequence[Intent]


def traces_of_intent(intent: Intent) -> list[Trace]:
    """None if it is no request's."""
    request_id = None if intent.origin is None else intent.origin.cause.get("request_id")
    if not isinstance(request_id, str):
        return []
    trace = Trace(
        request_id=request_id,
        tenant_id=intent.tenant_id or NO_TENANT,
        kind=TraceKind.INTENT,
        object_id=intent.id,
        noted_at=intent.created_at,
    )
    return [trace]


def traces_of_changes(prepared: Sequence[PreparedChange], entries: Sequence[Entry]) -> list[Trace]:
    """Of what was numbered together; of what is no request's there are none."""
    requests = (change.members["cause"].get("request_id") for change in prepared)
    return [
        Trace(
            request_id=request_id,
            tenant_id=entry.tenant_id,
            kind=TraceKind.CHANGE,
            object_id=entry.sequence,
            noted_at=entry.occurred_at,
        )
        for request_id, entry in zip(requests, entries, strict=True)
        if request_id is not None
    ]
