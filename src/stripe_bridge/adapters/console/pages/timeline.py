"""One timeline of what was recorded, what Stripe sent, and what Stripe was asked to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from stripe_bridge.adapters.console.formats import actor_name, money, words
from stripe_bridge.domain.changes.entry import Entry
from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.origin import dump_actor
from stripe_bridge.domain.webhook_event import WebhookEvent

# Of the fields that a change set, those that people look for; the page of the change has all of them.
_TOLD = (
    "sync_status",
    "status",
    "payment_status",
    "amount_paid",
    "amount_refunded",
    "dispute_status",
    "total_in_cents",
    "paid_elsewhere_in_cents",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """`kind` is `change`, `event` or `call`; `path` leads to its own page."""

    at: datetime
    kind: str
    what: str
    state: str | None = None
    who: str | None = None
    detail: str | None = None
    path: str | None = None


def moments(
    changes: Iterable[Entry],
    events: Iterable[WebhookEvent] = (),
    calls: Iterable[Intent] = (),
    *,
    currency: str,
    error_of: Callable[[WebhookEvent | Intent], str | None] = attrgetter("public_error"),
) -> Sequence[Moment]:
    """The newest first. All amounts are of one currency. `error_of` says what went wrong, as far as it may be seen."""
    of_changes = (_of_change(entry, currency) for entry in changes)
    of_events = (_of_event(event, error_of(event)) for event in events)
    of_calls = (_of_call(call, error_of(call)) for call in calls)
    found = [*of_changes, *of_events, *of_calls]
    return sorted(found, key=lambda moment: moment.at, reverse=True)


def _of_change(entry: Entry, currency: str) -> Moment:
    members = entry.members()
    return Moment(
        at=entry.occurred_at,
        kind="change",
        what=entry.type.value,
        who=actor_name(members["actor"]),
        detail=_written_fields(members["changed"], currency),
        path=f"/changes/{entry.sequence}",
    )


def _of_event(event: WebhookEvent, error: str | None) -> Moment:
    """When it arrived: Stripe's own time has whole seconds, in which everything else may have happened."""
    return Moment(
        at=event.created_at,
        kind="event",
        what=event.event_type,
        state=event.status.value,
        detail=error or (event.skip_reason and event.skip_reason.value),
        path=f"/events/{event.id}",
    )


def _of_call(intent: Intent, error: str | None) -> Moment:
    return Moment(
        at=intent.created_at,
        kind="call",
        what=intent.operation.value,
        state=intent.state.value,
        who=None if intent.origin is None else actor_name(dump_actor(intent.origin.actor)),
        detail=error,
        path=f"/calls/{intent.id}",
    )


def _written_fields(changed: Mapping[str, Any], currency: str) -> str | None:
    """`status open → paid, amount paid 0.00 EUR → 99.00 EUR`; of what is new, what it has."""
    told = {name: _written_pair(changed[name], currency) for name in _TOLD if name in changed}
    written = [f"{words(name.removesuffix('_in_cents'))} {pair}" for name, pair in told.items() if pair]
    return ", ".join(written) or None


def _written_pair(pair: Sequence[Any], currency: str) -> str | None:
    before, after = pair
    if before is None and after in (None, 0, "none"):
        return None
    return " → ".join(_written(each, currency) for each in (before, after) if each is not None)


def _written(value: Any, currency: str) -> str:
    return money(value, currency) if isinstance(value, int) else words(value)
