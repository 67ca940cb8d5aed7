"""Measuring: what happened, counted; what waits, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.reconciliation import ReconcileReport
from stripe_bridge.domain.webhook_event import WebhookEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """How many there are by status, and when the oldest of those that are still to be dealt with was made."""

    by_status: Mapping[str, int]
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Events that wait, are at work or failed; intents that are not settled; and what keeps both from growing.

    `queue` is how many nudges nobody has heard yet, by job; None when the broker does not answer. `reconciled_until` is that
    of the connected account that is furthest behind, None when none is connected. `receivers` says of the platform's
    endpoints whether each was in order when it was last looked at; one that was never registered is not there.
    """

    events: Depth
    intents: Depth
    measured_at: datetime
    queue: Mapping[str, int] | None = None
    reconciled_until: datetime | None = None
    receivers: Mapping[str, bool] = field(default_factory=dict)

    def age(self, depth: Depth) -> float:
        """Of the oldest in it, in seconds; 0 when nothing waits."""
        if depth.oldest_at is None:
            return 0.0
        return max(0.0, (self.measured_at - depth.oldest_at).total_seconds())


class Measurements(Protocol):
    """Counters of this process. Told only of what is committed, and never raises."""

    @property
    def content_type(self) -> str:
        """Of what `render` makes."""
        ...

    def request(self, route: str, method: str, status: int, seconds: float) -> None: ...

    def webhook(self, outcome: str) -> None: ...

    def event(self, event: WebhookEvent) -> None:
        """What became of an event that was taken up: its status tells. `received` is put back for another try."""
        ...

    def intent(self, intent: Intent) -> None:
        """What came of asking Stripe: its state tells. `planned` is put off, as Stripe did not take the call."""
        ...

    def reconciled(self, report: ReconcileReport) -> None:
        """A run is over: what it healed, by cause."""
        ...

    def waited(self, seconds: float) -> None:
        """Somebody had to wait for a turn within Stripe's rate limits, in vain or not."""
        ...

    def render(self, backlog: Backlog | None) -> bytes:
        """All of it, for whoever collects it. None: the database does not answer."""
        ...
