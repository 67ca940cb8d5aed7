"""Reconciling: fetching what webhooks missed, correcting what differs, and reporting both."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from stripe_bridge.domain.errors.base import IntegrationNotFound
from stripe_bridge.domain.errors.outcomes import PayloadMalformed
from stripe_bridge.domain.errors.rules import IntegrationNotConnected
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.receiver import SUBSCRIBED_EVENTS
from stripe_bridge.domain.reconciliation import (
    Drift,
    ReconcileProgress,
    ReconcileReport,
    events_wanted_since,
    gap_after,
    is_sweep_due,
    report_of,
)
from stripe_bridge.domain.webhook_event import EventStatus, StripeEvent, parse_event
from stripe_bridge.ports.metrics import Metrics
from stripe_bridge.ports.nudges import Nudges
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.stripe.errors import AccessRevoked, GatewayError
from stripe_bridge.ports.stripe.events import EventGateway
from stripe_bridge.ports.system import Clock, never_stopping
from stripe_bridge.ports.tracing import Tracing
from stripe_bridge.use_cases.integrations.account import RefreshAccount
from stripe_bridge.use_cases.receivers.check import CheckReceivers
from stripe_bridge.use_cases.reconciliation.recover import RecoverAccount, Recovery
from stripe_bridge.use_cases.reconciliation.sweep import Progress, SweepAccount
from stripe_bridge.use_cases.reconciliation.totals import VerifyTotals
from stripe_bridge.use_cases.webhook_events.receive import StoreFetchedEvent

_log = logging.getLogger(__name__)
# Also how long the next run waits after a crash or an error.
_LEASE = timedelta(minutes=5)
_RENEWAL_INTERVAL = timedelta(minutes=1)
_MAX_LOGGED_FAULTS = 10


def _no_progress(_line: str) -> None:
    pass


class ReconcilingStopped(Exception):
    """The worker is stopping, so the run is abandoned where it is."""


class FetchMissedEvents:
    """Store those events of a connected integration that never arrived by webhook, for workers to apply, and note whether
    webhooks get through. Raises GatewayError."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        nudges: Nudges,
        events: EventGateway,
        store_fetched_event: StoreFetchedEvent,
    ) -> None:
        self._store, self._clock, self._nudges = store, clock, nudges
        self._events, self._store_fetched_event = events, store_fetched_event

    def __call__(
        self,
        integration: Integration,
        account_id: str,
        since: datetime,
        progress: ReconcileProgress,
        renew_lease: Callable[[], None],
        report_progress: Progress,
    ) -> None:
        begun_at = self._clock.now()
        with self._store.reading() as work:
            before = work.reconciliations.gap(integration.id)
        missed: list[datetime] = []
        arrived: list[datetime] = []
        is_any_due = False
        for page in self._events.pages_since(account_id, since):
            renew_lease()
            parsed = [(event, body) for body in page if (event := _parse(body, progress)) is not None]
            # The same order in which incoming webhooks are stored, so that the two cannot deadlock.
            events = sorted(parsed, key=lambda each: (each[0].livemode, each[0].id))
            with self._store.writing() as work:
                outcomes = [(event, self._store_fetched_event(work, event, body)) for event, body in events]
                # Events from before the account was joined do not come by webhook.
                expected = [each for each in outcomes if _was_connected(integration, each[0])]
                missed += [event.created_at for event, stored in expected if stored is not None]
                arrived += [event.created_at for event, stored in expected if stored is None]
                gap = gap_after(before, missed, max(arrived, default=None), begun_at)
                # In the same transaction as the events: once they are here, nothing else shows how they arrived.
                work.reconciliations.save_gap(integration.id, gap)
                work.commit()
            new = [stored for _, stored in outcomes if stored is not None]
            is_any_due = is_any_due or any(event.status is EventStatus.RECEIVED for event in new)
            progress.events_checked += len(page)
            progress.drift[Drift.MISSED_EVENT] += len(new)
            report_progress(
                f"{progress.events_checked} events, {progress.drift[Drift.MISSED_EVENT]} of them missed"
            )
        if is_any_due:
            self._nudges.inbox()


def _was_connected(integration: Integration, event: StripeEvent) -> bool:
    return integration.connected_at is not None and event.created_at >= integration.connected_at


def _parse(body: bytes, progress: ReconcileProgress) -> StripeEvent | None:
    """None for an event that would not have come by webhook, and so was not missed."""
    try:
        event = parse_event(body)
    except PayloadMalformed as error:
        progress.faults.append(f"an event: {error.message}")
        return None
    return event if event.type in SUBSCRIBED_EVENTS else None


class ReconcileIntegration:
    """Bring a connected integration to Stripe's state, as far as Stripe allows now; the report lists the rest as faults.

    Raises IntegrationNotFound, IntegrationNotConnected, StoreUnavailable. Any number of runs may go on at once, and any of
    them may be killed: `last_reconciled_at` moves on only at the end of a run that had every event and was not interrupted.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        refresh_account: RefreshAccount,
        fetch_missed_events: FetchMissedEvents,
        sweep: SweepAccount,
        recover: RecoverAccount,
        check_receivers: CheckReceivers,
        verify_totals: VerifyTotals,
        metrics: Metrics,
        tracing: Tracing,
        *,
        every: timedelta,
    ) -> None:
        self._store, self._clock, self._every = store, clock, every
        self._metrics, self._tracing = metrics, tracing
        self._refresh_account, self._fetch_missed_events = refresh_account, fetch_missed_events
        self._recover = recover
        self._sweep, self._check_receivers, self._verify_totals = sweep, check_receivers, verify_totals

    def __call__(
        self,
        integration_id: int,
        *,
        sweep: bool = True,
        recovery: Recovery | None = None,
        report_progress: Progress = _no_progress,
        is_stopping: Callable[[], bool] = never_stopping,
    ) -> ReconcileReport:
        """Without `sweep`, only missed events are fetched. `report_progress` gets a line for each part that is done.

        A `recovery` also takes in what was made at Stripe and is not known here, and if nothing is left to do, releases the
        tenant's sends that were held because of this account.

        Once `is_stopping`, raises ReconcilingStopped between two calls to Stripe.
        """
        with self._tracing.span("reconcile", {"integration.id": integration_id}):
            return self._reconcile(integration_id, sweep, recovery, report_progress, is_stopping)

    def _reconcile(
        self,
        integration_id: int,
        sweep: bool,
        recovery: Recovery | None,
        report_progress: Progress,
        is_stopping: Callable[[], bool],
    ) -> ReconcileReport:
        started_at = self._clock.now()
        integration, account_id = self._begin(integration_id)
        since = events_wanted_since(integration, started_at, recovery.since if recovery else None)
        progress = ReconcileProgress()
        renew_lease = _LeaseRenewal(self._store, self._clock, integration_id, is_stopping)
        has_access, is_complete = True, False
        try:
            has_access = self._refresh_account(integration_id, progress)
            if has_access:
                if recovery is not None:
                    self._recover(integration, account_id, recovery, progress, renew_lease, report_progress)
                self._fetch_missed_events(
                    integration, account_id, since, progress, renew_lease, report_progress
                )
                has_all_events = not progress.faults
                if sweep:
                    self._check_receivers.of_integration(integration_id, account_id)
                    self._sweep(account_id, progress, renew_lease, report_progress)
                    progress.drift[Drift.TOTAL_DIFFERS] += self._verify_totals(integration_id)
                # A single object that fails says nothing about the others: it is checked again tomorrow.
                is_complete = has_all_events and not progress.is_interrupted
        except GatewayError as error:
            has_access = not isinstance(error, AccessRevoked) or self._confirm_access(
                integration_id, progress
            )
            progress.faults.append(f"Stripe: {error.reason}")
        is_recovered = recovery is not None and is_complete and not progress.faults
        self._end(integration_id, account_id, started_at, is_complete=is_complete, is_recovered=is_recovered)
        report = report_of(integration, account_id, started_at, progress, has_access=has_access)
        self._metrics.reconciled(report)
        _log_report(report)
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

    def _confirm_access(self, integration_id: int, progress: ReconcileProgress) -> bool:
        """Whether there is access after all, although a call was refused for want of it."""
        try:
            return self._refresh_account(integration_id, progress)
        except GatewayError:
            return True

    def _end(
        self,
        integration_id: int,
        account_id: str,
        started_at: datetime,
        *,
        is_complete: bool,
        is_recovered: bool,
    ) -> None:
        if not is_complete:
            return
        if is_recovered:
            self._recover.begin_history(integration_id)
        with self._store.writing() as work:
            current = work.integrations.find(integration_id, lock=True)
            if current is None or current.stripe_account_id != account_id:
                return
            work.integrations.save(current.reconciled(started_at))
            work.reconciliations.postpone(integration_id, started_at + self._every)
            if is_recovered:
                self._recover.release(work, current, account_id)
            work.commit()


class _LeaseRenewal:
    """Renews a run's lease every minute. Called between calls to Stripe. Raises ReconcilingStopped."""

    def __init__(
        self, store: Store, clock: Clock, integration_id: int, is_stopping: Callable[[], bool]
    ) -> None:
        self._store, self._clock = store, clock
        self._integration_id, self._is_stopping = integration_id, is_stopping
        self._next_at = clock.now() + _RENEWAL_INTERVAL

    def __call__(self) -> None:
        if self._is_stopping():
            raise ReconcilingStopped
        if self._clock.now() < self._next_at:
            return
        self._next_at = self._clock.now() + _RENEWAL_INTERVAL
        with self._store.writing() as work:
            work.reconciliations.postpone(self._integration_id, self._clock.now() + _LEASE)
            work.commit()


class ReconcileDue:
    """Reconcile the connected integration that is longest overdue. Returns how many were due: one or none.

    `every` of zero turns the schedule off. Once `is_stopping`, the run is abandoned, and is due for others immediately.
    """

    def __init__(
        self, store: Store, clock: Clock, reconcile: ReconcileIntegration, *, every: timedelta
    ) -> None:
        self._store, self._clock, self._reconcile, self._every = store, clock, reconcile, every

    def __call__(self, is_stopping: Callable[[], bool] = never_stopping) -> int:
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


def _log_report(report: ReconcileReport) -> None:
    facts = {
        "integration_id": report.integration_id,
        "account_id": report.account_id,
        "events": report.events,
        "objects": report.objects,
        "drift": {cause.value: number for cause, number in report.drift.items() if number},
    }
    if report.disconnected:
        _log.warning("account access revoked, integration disconnected", extra=facts)
    elif report.faults:
        _log.warning(
            "integration reconciled in part",
            extra={**facts, "faults": list(report.faults[:_MAX_LOGGED_FAULTS])},
        )
    else:
        _log.info("integration reconciled", extra=facts)
    if report.beyond_horizon:
        _log.warning("last reconciliation older than Stripe's event list", extra=facts)
