"""Reconciling an integration with Stripe: from when on, how often, and what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from stripe_bridge.domain.integration import Integration

# Stripe lists the events of thirty days, and no older ones.
HORIZON = timedelta(days=30)
WARN_AFTER = timedelta(days=25)
# Stripe's clock is not ours, and an event may be listed a little later than it was created.
OVERLAP = timedelta(hours=1)
# Longer than a webhook takes.
DELIVERY_GRACE = timedelta(minutes=5)
_SECONDS_PER_DAY = 24 * 60 * 60
# A prime, so that the days of consecutive ids begin far apart.
_SECONDS_APART = 7919


class Drift(StrEnum):
    """What differed from Stripe until it was reconciled. A missed event may show twice: as itself and in its object.

    CORRECTED counts invoices for which Stripe showed less than an event had said; CONTRADICTED those of them that were left
    as they are. TOTAL_DIFFERS is not about Stripe but about our own lists. The last three are found after a restore: ADOPTED
    counts invoices that were taken in, the others those that an operator has to decide about.
    """

    MISSED_EVENT = "missed_event"
    INVOICE_DIFFERS = "invoice_differs"
    REFUND_DIFFERS = "refund_differs"
    DISPUTE_DIFFERS = "dispute_differs"
    ACCOUNT_DIFFERS = "account_differs"
    OBJECT_MISSING = "object_missing"
    CORRECTED = "corrected"
    CONTRADICTED = "contradicted"
    TOTAL_DIFFERS = "total_differs"
    ADOPTED = "adopted"
    COPIED_REFERENCE = "copied_reference"
    BILLED_TWICE = "billed_twice"


@dataclass(slots=True, kw_only=True)
class ReconcileProgress:
    """What a run has found so far. `faults` has a sentence for each thing that could not be reconciled.

    `is_interrupted`: Stripe did not accept a lookup of an object, for reasons that have nothing to do with that object.
    """

    events_checked: int = 0
    objects_checked: int = 0
    drift: Counter[Drift] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    is_interrupted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileReport:
    """One run. `events` and `objects` count what was checked; `drift` counts, by cause, what was corrected.

    `beyond_horizon`: the last complete run was so long ago that Stripe may no longer list all events since.
    `disconnected`: access to the account turned out to be revoked.
    """

    integration_id: int
    account_id: str
    since: datetime
    started_at: datetime
    events: int
    objects: int
    drift: dict[Drift, int]
    faults: tuple[str, ...]
    beyond_horizon: bool
    disconnected: bool = False

    @property
    def is_complete(self) -> bool:
        return not self.faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Events that reconciling had to fetch, since the last one that arrived by webhook.

    `runs` is how many runs had to fetch some; the last of them began at `found_at`. `newest_at` is when the newest of these
    events was created, by Stripe's clock.
    """

    events: int
    runs: int
    newest_at: datetime
    found_at: datetime

    @property
    def is_proven(self) -> bool:
        """Whether more is wrong than webhooks having been slower than a single run."""
        return self.runs > 1 or self.found_at - self.newest_at > DELIVERY_GRACE


def gap_after(
    before: Gap | None, missed: Sequence[datetime], arrived: datetime | None, begun_at: datetime
) -> Gap | None:
    """The gap after a run. `missed` has the creation times of the events that the run had to fetch, `arrived` that of the
    newest event that was here already.

    Events fetched by an earlier run are also here already, but they are not newer than the gap.
    """
    if before is not None and arrived is not None and arrived > before.newest_at:
        before = None
    if not missed:
        return before
    newest = max(missed)
    if arrived is not None and arrived >= newest:
        # Some were lost, or late; what came after them got through.
        return before
    return Gap(
        events=len(missed) + (before.events if before else 0),
        runs=1 + (before.runs if before else 0),
        newest_at=max(newest, before.newest_at) if before else newest,
        found_at=begun_at,
    )


def reconciled_until(integration: Integration) -> datetime:
    """Until when everything is known: the last complete run, or else the connection."""
    return integration.last_reconciled_at or integration.connected_at or integration.created_at


def events_wanted_since(
    integration: Integration, now: datetime, asked_for: datetime | None = None
) -> datetime:
    """At least those since then, as far back as Stripe lists any."""
    missed_since = reconciled_until(integration) - OVERLAP
    return max(min(missed_since, asked_for or missed_since), now - HORIZON)


def is_near_horizon(integration: Integration, now: datetime) -> bool:
    return now - reconciled_until(integration) > WARN_AFTER


def is_beyond_horizon(integration: Integration, now: datetime) -> bool:
    return now - reconciled_until(integration) > HORIZON


def is_sweep_due(integration: Integration, now: datetime) -> bool:
    """Whether this is the first run of its day, which also checks every unsettled object.

    Other runs do not: Stripe grants some 500 reads per payment in a month, and an invoice may stay open for many months.
    Each integration's day begins at a different time, so that they do not all sweep at once.
    """
    last = integration.last_reconciled_at
    return last is None or _day(last, integration.id) != _day(now, integration.id)


def _day(moment: datetime, integration_id: int) -> int:
    return int(moment.timestamp() + integration_id * _SECONDS_APART) // _SECONDS_PER_DAY


def report_of(
    integration: Integration,
    account_id: str,
    started_at: datetime,
    progress: ReconcileProgress,
    *,
    has_access: bool,
) -> ReconcileReport:
    """Of a run that is over. `integration` is as it was at the beginning."""
    return ReconcileReport(
        integration_id=integration.id,
        account_id=account_id,
        since=events_wanted_since(integration, started_at),
        started_at=started_at,
        events=progress.events_checked,
        objects=progress.objects_checked,
        drift=dict(progress.drift),
        faults=tuple(progress.faults) if has_access else (),
        beyond_horizon=is_beyond_horizon(integration, started_at),
        disconnected=not has_access,
    )
