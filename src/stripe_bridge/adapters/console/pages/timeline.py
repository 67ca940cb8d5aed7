"""One timeline of what was recorded, what Stripe sent, and what Stripe was asked to do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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
    """`kind` is `change`, `event` or `call`; `path` leads to its own page. `order` is when it was, among those of a second."""

    at: datetime
    order: datetime
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
    currency: str | None = None,
) -> Sequence[Moment]:
    """The newest first. `currency` is that of every amount in it."""
    recorded = [_of_change(change, currency) for change in changes]
    found = [*recorded, *map(_of_event, events), *map(_of_call, calls)]
    return sorted(found, key=lambda moment: moment.order, reverse=True)


def _of_change(entry: Entry, currency: str | None) -> Moment:
    signed = json.loads(entry.signed)
    actor = signed.get("actor")
    return Moment(
        at=entry.occurred_at,
        order=entry.occurred_at,
        kind="change",
        what=entry.type.value,
        who=actor_name(actor) if actor else None,
        detail=_written_fields(signed.get("changed") or {}, currency),
        path=f"/changes/{entry.sequence}",
    )


def _of_event(event: WebhookEvent) -> Moment:
    """Stripe says the second. It came within that, or later if it was delayed."""
    return Moment(
        at=event.event_created_at,
        order=min(event.created_at, event.event_created_at + timedelta(seconds=1)),
        kind="event",
        what=event.event_type,
        state=event.status.value,
        who="Stripe",
        detail=event.last_error or (event.skip_reason and event.skip_reason.value),
        path=f"/events/{event.id}",
    )


def _of_call(intent: Intent) -> Moment:
    return Moment(
        at=intent.created_at,
        order=intent.created_at,
        kind="call",
        what=intent.operation.value,
        state=intent.state.value,
        who=None if intent.origin is None else actor_name(dump_actor(intent.origin.actor)),
        detail=intent.last_error,
        path=f"/calls/{intent.id}",
    )


def _written_fields(changed: Mapping[str, Any], currency: str | None) -> str | None:
    """`status open → paid, amount paid 0.00 EUR → 99.00 EUR`; of what is new, only what it is."""
    shown = [_written_field(name, changed[name], currency) for name in _TOLD if name in changed]
    return ", ".join(shown) or None


def _written_field(name: str, values: Sequence[Any], currency: str | None) -> str:
    written = [_written(name, value, currency) for value in values if value is not None]
    return f"{words(name.removesuffix('_in_cents'))} {' → '.join(written)}"


def _written(name: str, value: Any, currency: str | None) -> str:
    is_money = isinstance(value, int) and (name.startswith("amount") or name.endswith("_in_cents"))
    return money(value, currency) if is_money and currency else words(value)
