"""Reconciling: fetching what webhooks missed, correcting what differs, and reporting both."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from stripe_bridge.domain.errors.base import IntegrationNotFound
from stripe_bridge.domain.errors.rules import IntegrationNotConnected
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.reconciliation import (
    Drift,
    ReconcileProgress,
    ReconcileReport,
    events_wanted_since,
    is_sweep_due,
    report_of,
)
from stripe_bridge.ports.metrics import Metrics
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.stripe.errors import AccessRevoked, GatewayError
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.integrations.account import RefreshAccount
from stripe_bridge.use_cases.receivers.check import CheckReceivers
from stripe_bridge.use_cases.reconciliation.missed_events import FetchMissedEvents
from stripe_bridge.use_cases.reconciliation.sweep import SweepAccount
from stripe_bridge.use_cases.reconciliation.totals import VerifyTotals

_log = logging.getLogger(__name__)
# Also how long the next run waits after a crash or a fault.
_LEASE = timedelta(minutes=5)
_HOLD_AGAIN = timedelta(minutes=1)

Tell = Callable[[str], None]


def _silently(_line: str) -> None:
    pass


def _never() -> bool:
    return False


class ReconcilingStopped(Exception):
    """The worker was told to stop, so the run is abandoned where it is."""


class ReconcileIntegration:
    """Bring a connected integration to Stripe's state, as far as Stripe allows now; the report lists the rest as faults.

    Raises IntegrationNotFound, IntegrationNotConnected, StoreUnavailable. Any number of runs may go on at once, and any of
    them may be killed: `last_reconciled_at` moves on only at the end of a run that had every event and was not cut short.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        refresh_account: RefreshAccount,
        fetch_missed_events: FetchMissedEvents,
        sweep: SweepAccount,
        check_receivers: CheckReceivers,
        verify_totals: VerifyTotals,
        metrics: Metrics,
        *,
        every: timedelta,
    ) -> None:
        self._store, self._clock, self._every = store, clock, every
        self._refresh_account, self._fetch_missed_events = refresh_account, fetch_missed_events
        self._sweep, self._check_receivers, self._verify_totals = sweep, check_receivers, verify_totals
        self._measurements = metrics

    def __call__(
        self,
        integration_id: int,
        *,
        sweep: bool = True,
        tell: Tell = _silently,
        is_stopping: Callable[[], bool] = _never,
    ) -> ReconcileReport:
        """Without `sweep`, only missed events are fetched. `tell` is told about progress, in words.

        Once `is_stopping`, raises ReconcilingStopped between two calls to Stripe.
        """
        started_at = self._clock.now()
        integration, account_id = self._begin(integration_id)
        since = events_wanted_since(integration, started_at)
        findings = ReconcileProgress()
        hold = _Hold(self._store, self._clock, integration_id, is_stopping)
        lets_us_in, is_complete = True, False
        try:
            lets_us_in = self._refresh_account(integration_id, findings)
            if lets_us_in:
                self._fetch_missed_events(integration, account_id, since, findings, hold, tell)
                is_caught_up = not findings.faults
                if sweep:
                    self._check_receivers.of_integration(integration_id, account_id)
                    self._sweep(account_id, findings, hold, tell)
                    findings.drift[Drift.TOTAL_DIFFERS] += self._verify_totals(integration_id)
                # A single object that fails says nothing about the others: it is checked again tomorrow.
                is_complete = is_caught_up and not findings.is_cut_short
        except GatewayError as error:
            lets_us_in = not isinstance(error, AccessRevoked) or self._lets_us_in_after_all(
                integration_id, findings
            )
            findings.faults.append(f"Stripe: {error.reason}")
        self._end(integration_id, account_id, started_at, is_complete=is_complete)
        report = report_of(integration, account_id, started_at, findings, lets_us_in=lets_us_in)
        self._measurements.reconciled(report)
        _tell_log(report)
        return report

    def _begin(self, integration_id: int) -> tuple[Integration, str]:
        with self._store.writing() as work:
            integration = work.integrations.find(integration_id)
            if integration is None:
                raise IntegrationNotFound
            if integration.stripe_account_id is None:
                raise IntegrationNotConnected
            work.reconciliations.postpone(integration_id, self._clock.now() + _LEASE)
            work.commit()
        return integration, integration.stripe_account_id

    def _lets_us_in_after_all(self, integration_id: int, findings: ReconcileProgress) -> bool:
        try:
            return self._refresh_account(integration_id, findings)
        except GatewayError:
            return True

    def _end(self, integration_id: int, account_id: str, started_at: datetime, *, is_complete: bool) -> None:
        if not is_complete:
            return
        with self._store.writing() as work:
            current = work.integrations.find(integration_id, lock=True)
            if current is None or current.stripe_account_id != account_id:
                return
            work.integrations.save(current.reconciled(started_at))
            work.reconciliations.postpone(integration_id, started_at + self._every)
            work.commit()


class _Hold:
    """Renews a run's lease every minute. Called between calls to Stripe. Raises ReconcilingStopped."""

    def __init__(
        self, store: Store, clock: Clock, integration_id: int, is_stopping: Callable[[], bool]
    ) -> None:
        self._store, self._clock = store, clock
        self._integration_id, self._is_stopping = integration_id, is_stopping
        self._again_at = clock.now() + _HOLD_AGAIN

    def __call__(self) -> None:
        if self._is_stopping():
            raise ReconcilingStopped
        if self._clock.now() < self._again_at:
            return
        self._again_at = self._clock.now() + _HOLD_AGAIN
        with self._store.writing() as work:
            work.reconciliations.postpone(self._integration_id, self._clock.now() + _LEASE)
            work.commit()


class ReconcileDue:
    """Reconcile the connected integration that is longest overdue. Returns how many were due: one or none.

    `every` of zero turns the schedule off. Once `is_stopping`, the run is abandoned, and is due for others at once.
    """

    def __init__(
        self, store: Store, clock: Clock, reconcile: ReconcileIntegration, *, every: timedelta
    ) -> None:
        self._store, self._clock, self._reconcile, self._every = store, clock, reconcile, every

    def __call__(self, is_stopping: Callable[[], bool] = _never) -> int:
        if not self._every:
            return 0
        now = self._clock.now()
        with self._store.writing() as work:
            integration_id = work.reconciliations.claim(now, now + _LEASE)
            integration = None if integration_id is None else work.integrations.find(integration_id)
            work.commit()
        if integration is None:
            return 0
        try:
            self._reconcile(integration.id, sweep=is_sweep_due(integration, now), is_stopping=is_stopping)
        except ReconcilingStopped:
            with self._store.writing() as work:
                work.reconciliations.postpone(integration.id, now)
                work.commit()
        except IntegrationNotConnected:
            _log.info(
                "integration disconnected before it was reconciled", extra={"integration_id": integration.id}
            )
        return 1


class ListConnected:
    """The ids of all connected integrations, over all tenants, oldest first."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self) -> list[int]:
        with self._store.reading() as work:
            return list(work.reconciliations.connected())


def _tell_log(report: ReconcileReport) -> None:
    facts = {
        "integration_id": report.integration_id,
        "account_id": report.account_id,
        "events": report.events,
        "objects": report.objects,
        "drift": {cause.value: number for cause, number in report.drift.items() if number},
    }
    if report.disconnected:
        _log.warning("the account no longer lets us in: disconnected", extra=facts)
    elif report.faults:
        _log.warning("integration reconciled in part", extra={**facts, "faults": list(report.faults[:10])})
    else:
        _log.info("integration reconciled", extra=facts)
    if report.beyond_horizon:
        _log.warning("not reconciled for so long that Stripe may have forgotten events", extra=facts)
