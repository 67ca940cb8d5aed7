"""Measuring the backlog, for monitoring."""

from __future__ import annotations

from collections.abc import Mapping

from stripe_bridge.domain.receiver import PLATFORM_KINDS
from stripe_bridge.ports.metrics import Backlog
from stripe_bridge.ports.nudges import BrokerUnavailable, Nudges
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.refunds.duplicates import find_duplicates


class MeasureBacklog:
    """The backlog of the whole service, from its database. Raises StoreUnavailable."""

    def __init__(self, store: Store, clock: Clock, nudges: Nudges) -> None:
        self._store, self._clock, self._nudges = store, clock, nudges

    def __call__(self) -> Backlog:
        queue = self._queue_depths()
        with self._store.reading() as work:
            return Backlog(
                events=work.inbox.backlog(),
                intents=work.intents.backlog(),
                measured_at=self._clock.now(),
                queue=queue,
                reconciled_until=work.reconciliations.reconciled_until(),
                recovery_holds=len(work.recoveries.open_holds()),
                unresolved_invoices=len(work.recoveries.all_unresolved()),
                duplicated_refunds=len(find_duplicates(work)),
                is_log_complete=work.existing.progress().is_complete,
                broken_logs=sum(check.fault_kind is not None for check in work.audit.checks()),
                receivers={each.kind: each.enabled for each in work.receivers.of_kinds(PLATFORM_KINDS)},
                clock_skew=self._clock.skew(),
                subscribers=work.subscribers.backlog(),
            )

    def _queue_depths(self) -> Mapping[str, int] | None:
        try:
            return self._nudges.depths()
        except BrokerUnavailable:
            return None
