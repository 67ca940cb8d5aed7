"""A replay: applying stored webhook events again, many at once. What it would change is a plan; who had it done, a record.

running ──> completed
   └──────> canceled     what was queued until then is applied
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from stripe_bridge.domain.changes.canonical import canonical
from stripe_bridge.domain.errors.conflicts import ReplayEnded
from stripe_bridge.domain.origin import Actor, Origin
from stripe_bridge.domain.recovery import RecoveryHold
from stripe_bridge.domain.webhook_event import SkipReason, WebhookEvent

# In one replay.
MAX_EVENTS = 1_000


class ReplayStatus(StrEnum):
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELED = "canceled"


class Outcome(StrEnum):
    """What applying an event would come to. `unknown`: Stripe has to be asked first, about it or about an event before it."""

    APPLIED = "applied"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    FAILED = "failed"


class PlannedKind(StrEnum):
    INVOICE = "invoice"
    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"
    INTEGRATION = "integration"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedEvent:
    """`event` as it is now. `error` is for operators."""

    event: WebhookEvent
    outcome: Outcome
    skip_reason: SkipReason | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field as callers see it."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedObject:
    """One object, and those of its fields that would change.

    `currency` is its invoice's. `id` is None for payments and disputes, which have only Stripe's, and for a refund that is
    not known here yet. `is_unknown`: only Stripe can tell how it ends.
    """

    kind: PlannedKind
    id: int | None
    stripe_id: str | None
    tenant_id: str
    invoice_id: int | None = None
    sales_order_id: int | None = None
    currency: str | None = None
    is_new: bool = False
    is_unknown: bool = False
    changes: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectVersion:
    """Which state of an object the plan was made for."""

    kind: PlannedKind
    id: int | str
    version: int | str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPlan:
    """What replaying the oldest `limit` events of a filter would do, as far as that can be known without asking Stripe.

    `found` are all of them, in the order in which they were stored; `events` those that would be applied. `more` is how many
    match beyond the limit, counted no further than ten thousand. `holds` are the holds of sends that would come of it.
    `versions` are those of all objects that the events are about, whether they would change or not.
    """

    tenant_id: str | None
    filter: Mapping[str, Any]
    limit: int
    found: Sequence[WebhookEvent]
    events: Sequence[PlannedEvent]
    being_processed: Sequence[WebhookEvent]
    purged: Sequence[WebhookEvent]
    more: int
    objects: Sequence[PlannedObject]
    holds: Sequence[RecoveryHold]
    versions: Sequence[ObjectVersion]

    @property
    def digest(self) -> str:
        """What the plan was made for, and what would become of it: the plan holds for as long as this is the same.

        No time is part of it, nor where in the code an event would fail.
        """
        agreed = {
            "tenant": self.tenant_id,
            "filter": dict(self.filter),
            "limit": self.limit,
            "events": [
                [event.id, event.status.value, event.attempts, event.updated_at.isoformat()]
                for event in self.found
            ],
            "outcomes": [
                [each.event.id, each.outcome.value, each.skip_reason and each.skip_reason.value]
                for each in self.events
            ],
            "holds": sorted([hold.tenant_id, hold.account_id] for hold in self.holds),
            "objects": sorted([each.kind.value, str(each.id), str(each.version)] for each in self.versions),
        }
        return hashlib.sha256(canonical(agreed)).hexdigest()

    @property
    def being_processed_ids(self) -> list[int]:
        return [event.id for event in self.being_processed]

    @property
    def purged_ids(self) -> list[int]:
        return [event.id for event in self.purged]

    @property
    def counts(self) -> Mapping[str, int]:
        """How many events would come to what."""
        counted = Counter(each.outcome for each in self.events)
        return {outcome.value: counted[outcome] for outcome in Outcome}

    @property
    def is_unknown(self) -> bool:
        """Whether some of it only Stripe can tell."""
        return any(each.outcome is Outcome.UNKNOWN for each in self.events)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A plan that is being carried out, or was. The first `position` of its events were taken care of: `queued`, or left out
    because they were `being_processed` or `purged` by then.

    A `tenant_id` of None is an operator's, over all tenants. `planned` is how many events were to come to what.
    """

    id: int
    tenant_id: str | None
    origin: Origin
    filter: Mapping[str, Any]
    limit: int
    digest: str
    event_ids: tuple[int, ...]
    planned: Mapping[str, int]
    created_at: datetime
    updated_at: datetime
    status: ReplayStatus = ReplayStatus.RUNNING
    position: int = 0
    queued: int = 0
    being_processed: int = 0
    purged: int = 0
    ended_at: datetime | None = None
    canceled_by: Actor | None = None
    version: int = 1

    @property
    def total(self) -> int:
        return len(self.event_ids)

    @property
    def is_running(self) -> bool:
        return self.status is ReplayStatus.RUNNING

    @property
    def ids_so_far(self) -> tuple[int, ...]:
        return self.event_ids[: self.position]

    def next_ids(self, most: int) -> tuple[int, ...]:
        return self.event_ids[self.position : self.position + most]

    def advance(self, now: datetime, *, queued: int = 0, being_processed: int = 0, purged: int = 0) -> Replay:
        """So many more events were taken care of; it is over with the last."""
        advanced = replace(
            self,
            position=self.position + queued + being_processed + purged,
            queued=self.queued + queued,
            being_processed=self.being_processed + being_processed,
            purged=self.purged + purged,
            updated_at=now,
        )
        if advanced.position < self.total:
            return advanced
        return replace(advanced, status=ReplayStatus.COMPLETED, ended_at=now)

    def cancel(self, actor: Actor, now: datetime) -> Replay:
        """No further event is queued. Raises ReplayEnded."""
        if not self.is_running:
            raise ReplayEnded(self.status.value)
        return replace(self, status=ReplayStatus.CANCELED, ended_at=now, canceled_by=actor, updated_at=now)
