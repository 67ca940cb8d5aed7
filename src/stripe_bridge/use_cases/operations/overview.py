"""How it goes, at a glance: what came in and went out of late, and what is waiting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stripe_bridge.domain.hourly_sums import Period, Series, series_of
from stripe_bridge.ports.metrics import QueueDepth, SubscribersBacklog
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """`begins` has the beginning of each part of the period that the `series` have a number for. `accounts` is how many are
    connected to this service, whosever they are."""

    at: datetime
    period: Period
    begins: Sequence[datetime]
    series: Sequence[Series]
    events: QueueDepth
    intents: QueueDepth
    subscribers: SubscribersBacklog
    accounts: int


class ShowOverview:
    """A tenant's, or that of the whole service."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self, tenant_id: str | None, period: Period = Period.DAY) -> Overview:
        now = self._clock.now()
        with self._store.reading() as work:
            sums = work.totals.by_hour(tenant_id, Period.MONTH.begins(now)[0])
            return Overview(
                at=now,
                period=period,
                begins=period.begins(now),
                series=series_of(sums, period, now),
                events=work.inbox.backlog(tenant_id),
                intents=work.intents.backlog(tenant_id),
                subscribers=work.subscribers.backlog(tenant_id),
                accounts=len(work.reconciliations.connected()),
            )
