"""Reconciling: what webhooks missed is fetched, what differs is set right, and both are told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from stripe_bridge.domain.errors import IntegrationNotConnected, IntegrationNotFound, PayloadMalformed
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.receiver import SUBSCRIBED_EVENTS
from stripe_bridge.domain.reconciliation import (
    Drift,
    Findings,
    ReconcileReport,
    events_wanted_since,
    is_near_horizon,
    is_sweep_due,
)
from stripe_bridge.domain.webhook_event import EventStatus, StripeEvent, WebhookEvent, parse_event
from stripe_bridge.ports.connect_gateway import ConnectGateway
from stripe_bridge.ports.event_gateway import EventGateway
from stripe_bridge.ports.gateway_errors import AccessRevoked, GatewayError
from stripe_bridge.ports.nudges import Nudges
from stripe_bridge.ports.timing import Clock
from stripe_bridge.ports.unit_of_work import Store, UnitOfWork

_log = logging.getLogger(__name__)
# Held anew with every page. After a crash or a fault it is how long the next run waits.
_LEASE = timedelta(minutes=5)

Tell = Callable[[str], None]
Leave = Callable[[UnitOfWork, Integration, datetime], None]


class Keep(Protocol):
    def __call__(self, work: UnitOfWork, event: StripeEvent, payload: bytes) -> WebhookEvent | None: ...


class Sweep(Protocol):
    def __call__(self, account_id: str, findings: Findings, hold: Callable[[], None], tell: Tell) -> None: ...


def _silently(_line: str) -> None:
    pass


class ReconcileIntegration:
    """Bring a connected integration to Stripe's state, as far as Stripe lets it go now; the report has the rest as faults.

    Raises IntegrationNotFound, IntegrationNotConnected; and StoreUnavailable. Any number may run at once, and any be
    killed: the time up to when all is known moves on only at the end of a run without fault.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        nudges: Nudges,
        events: EventGateway,
        accounts: ConnectGateway,
        keep: Keep,
        sweep: Sweep,
        check_receivers: Callable[[int, str], None],
        leave: Leave,
        *,
        every: timedelta,
    ) -> None:
        self._store, self._clock, self._nudges = store, clock, nudges
        self._events, self._accounts = events, accounts
        self._keep, self._sweep, self._check_receivers = keep, sweep, check_receivers
        self._leave, self._every = leave, every

    def __call__(self, integration_id: int, *, sweep: bool = True, tell: Tell = _silently) -> ReconcileReport:
        """Without `sweep` only events are caught up with; `tell` hears how it goes on, in words."""
        started_at = self._clock.now()
        integration, account_id = self._begin(integration_id)
        since = events_wanted_since(integration, started_at)
        findings = Findings()
        lets_us_in = True
        try:
            lets_us_in = self._refresh(integration_id, findings)
            if lets_us_in:
                self._catch_up(integration_id, account_id, since, findings, tell)
                if sweep:
                    self._check_receivers(integration_id, account_id)
                    self._sweep(account_id, findings, lambda: self._hold(integration_id), tell)
        except GatewayError as error:
            lets_us_in = not isinstance(error, AccessRevoked) or self._lets_us_in_after_all(
                integration_id, findings
            )
            findings.faults.append(f"Stripe: {error.reason}")
        self._end(integration_id, account_id, started_at, is_complete=lets_us_in and not findings.faults)
        report = ReconcileReport(
            integration_id=integration_id,
            account_id=account_id,
            since=since,
            started_at=started_at,
            events=findings.events,
            objects=findings.objects,
            drift=dict(findings.drift),
            faults=tuple(findings.faults) if lets_us_in else (),
            beyond_horizon=is_near_horizon(integration, started_at),
            disconnected=not lets_us_in,
        )
        _tell_log(report)
        return report

    def _begin(self, integration_id: int) -> tuple[Integration, str]:
        with self._store.writing() as work:
            integration = work.integrations.find(integration_id)
            if integration is None:
                raise IntegrationNotFound
            if integration.stripe_account_id is None:
                raise IntegrationNotConnected
            work.reconciliations.put_off(integration_id, self._clock.now() + _LEASE)
            work.commit()
        return integration, integration.stripe_account_id

    def _refresh(self, integration_id: int, findings: Findings) -> bool:
        """Take in the account's snapshot. Whether it still lets us in: where not, the integration has left it."""
        with self._store.reading() as work:
            integration = work.integrations.find(integration_id)
        if integration is None or integration.stripe_account_id is None:
            return True
        try:
            snapshot = self._accounts.account(integration.stripe_account_id)
        except AccessRevoked:
            snapshot = None
        with self._store.writing() as work:
            current = work.integrations.find(integration_id, lock=True)
            # It may have been let go and connected again since Stripe was asked.
            if current is None or current.version != integration.version:
                return True
            if snapshot is None:
                self._leave(work, current, self._clock.now())
            elif current.snapshot != snapshot:
                work.integrations.save(current.refresh(snapshot, self._clock.now()))
                findings.drift[Drift.ACCOUNT_DIFFERS] += 1
            work.commit()
        return snapshot is not None

    def _lets_us_in_after_all(self, integration_id: int, findings: Findings) -> bool:
        try:
            return self._refresh(integration_id, findings)
        except GatewayError:
            return True

    def _catch_up(
        self, integration_id: int, account_id: str, since: datetime, findings: Findings, tell: Tell
    ) -> None:
        """Store the events that are not there yet, for workers to apply."""
        is_any_due = False
        for page in self._events.pages_since(account_id, since):
            events = [(event, body) for body in page if (event := _read(body, findings)) is not None]
            with self._store.writing() as work:
                kept = [self._keep(work, event, body) for event, body in events]
                work.reconciliations.put_off(integration_id, self._clock.now() + _LEASE)
                work.commit()
            missed = [event for event in kept if event is not None]
            is_any_due = is_any_due or any(event.status is EventStatus.RECEIVED for event in missed)
            findings.events += len(page)
            findings.drift[Drift.MISSED_EVENT] += len(missed)
            tell(f"{findings.events} events, {findings.drift[Drift.MISSED_EVENT]} of them missed")
        if is_any_due:
            self._nudges.inbox()

    def _hold(self, integration_id: int) -> None:
        with self._store.writing() as work:
            work.reconciliations.put_off(integration_id, self._clock.now() + _LEASE)
            work.commit()

    def _end(self, integration_id: int, account_id: str, started_at: datetime, *, is_complete: bool) -> None:
        if not is_complete:
            return
        with self._store.writing() as work:
            current = work.integrations.find(integration_id, lock=True)
            if current is None or current.stripe_account_id != account_id:
                return
            work.integrations.save(current.reconciled(started_at))
            work.reconciliations.put_off(integration_id, started_at + self._every)
            work.commit()


class ReconcileDue:
    """Reconcile the connected integration that has waited longest; how many were due: one or none.

    `every` of zero turns the schedule off.
    """

    def __init__(
        self, store: Store, clock: Clock, reconcile: ReconcileIntegration, *, every: timedelta
    ) -> None:
        self._store, self._clock, self._reconcile, self._every = store, clock, reconcile, every

    def __call__(self) -> int:
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
            self._reconcile(integration.id, sweep=is_sweep_due(integration, now))
        except IntegrationNotConnected:
            _log.info("integration left before it was reconciled", extra={"integration_id": integration.id})
        return 1


class ListReconcilable:
    """The ids of all connected integrations, over all tenants, oldest first."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self) -> list[int]:
        with self._store.reading() as work:
            return list(work.reconciliations.connected())


def _read(body: bytes, findings: Findings) -> StripeEvent | None:
    """None for what no webhook would have brought: that was not missed."""
    try:
        event = parse_event(body)
    except PayloadMalformed as error:
        findings.faults.append(f"an event: {error.message}")
        return None
    return event if event.type in SUBSCRIBED_EVENTS else None


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
