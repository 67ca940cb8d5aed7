"""Measuring: counters of what happened, and numbers of what is waiting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.reconciliation import Drift, ReconcileReport
from stripe_bridge.domain.webhook_event import WebhookEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDepth:
    """How many there are by status, and when the oldest one that is not finished was created."""

    by_status: Mapping[str, int]
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscribersBacklog:
    """`by_state` counts the enabled ones under `enabled`, the others under their reason. `behind` counts the changes that
    enabled ones have not got, and the oldest of these was recorded at `oldest_at`."""

    by_state: Mapping[str, int] = field(default_factory=dict)
    behind: int = 0
    oldest_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Events that are waiting, being processed or failed; unsettled intents; and what should keep both from growing.

    `queue` is how many nudges no worker has received yet, by job; None if the broker does not answer. `reconciled_until`
    belongs to the connected account that is furthest behind; None if none is connected. `receivers` says for each of the
    platform's endpoints whether it was in order when last checked; one that was never registered is missing.
    `recovery_holds` is for how many accounts sends are held after a restore, `unresolved_invoices` how many invoices found
    then an operator has to decide about, `duplicated_refunds` how many refunds were made twice at Stripe and not accepted.
    `broken_logs` is how many tenants' change logs were found not to verify, `is_log_complete` whether they have what was there
    before them.
    `clock_skew` is by how many seconds the clock of
    this host is ahead.
    """

    events: QueueDepth
    intents: QueueDepth
    measured_at: datetime
    queue: Mapping[str, int] | None = None
    reconciled_until: datetime | None = None
    receivers: Mapping[str, bool] = field(default_factory=dict)
    clock_skew: float = 0.0
    recovery_holds: int = 0
    unresolved_invoices: int = 0
    subscribers: SubscribersBacklog = field(default_factory=SubscribersBacklog)
    duplicated_refunds: int = 0
    broken_logs: int = 0
    is_log_complete: bool = True

    def age(self, depth: QueueDepth | SubscribersBacklog) -> float:
        """How old the oldest in it is, in seconds; 0 if nothing is waiting."""
        if depth.oldest_at is None:
            return 0.0
        return max(0.0, (self.measured_at - depth.oldest_at).total_seconds())


class Metrics(Protocol):
    """Counters of this process, or of several. Only what is committed is counted, and nothing raises."""

    @property
    def content_type(self) -> str:
        """Of what `render` returns."""
        ...

    def request(self, route: str, method: str, status: int, seconds: float) -> None: ...

    def webhook(self, outcome: str) -> None: ...

    def event(self, event: WebhookEvent) -> None:
        """Count an event's outcome, by its status. `received`: rescheduled for another attempt."""
        ...

    def intent(self, intent: Intent) -> None:
        """Count a call's outcome, by the intent's state. `planned`: postponed, as Stripe did not accept the call."""
        ...

    def reconciled(self, report: ReconcileReport) -> None:
        """Count a finished run and what it corrected, by cause."""
        ...

    def drift(self, cause: Drift) -> None:
        """Count a difference that was found outside of such a run."""
        ...

    def rate_limit_wait(self, seconds: float) -> None:
        """Count a wait within Stripe's rate limits, whether or not it ended in time."""
        ...

    def delivery(self, outcome: str, seconds: float) -> None:
        """Count a request to a subscriber: `delivered`, `no_answer`, or the class of its status, such as `5xx`."""
        ...

    def render(self, backlog: Backlog | None) -> bytes:
        """Everything, in the collector's format. `backlog` is None if the database does not answer."""
        ...

    def render_counters(self) -> bytes:
        """Only what was counted, and which processes run."""
        ...
