"""Diagnosing the service: what is wrong or about to go wrong, and what to do about it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from stripe_bridge.domain.clock_skew import REMEDY
from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.errors.outcomes import PayloadMalformed
from stripe_bridge.domain.finding import Finding, Fix, counted
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.receiver import SUBSCRIBED_EVENTS
from stripe_bridge.domain.reconciliation import DELIVERY_GRACE, Gap, is_near_horizon, reconciled_until
from stripe_bridge.domain.webhook_event import EventStatus, parse_event
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.stripe.errors import AccessRevoked, GatewayError
from stripe_bridge.ports.stripe.events import EventGateway
from stripe_bridge.ports.system import Clock
from stripe_bridge.ports.vault import Vault, can_open
from stripe_bridge.use_cases.operations.doctor_changes import DiagnoseChanges
from stripe_bridge.use_cases.operations.doctor_checks import (
    UNSETTLED_TOO_LONG,
    DiagnoseIntents,
    DiagnoseReceivers,
)
from stripe_bridge.use_cases.operations.doctor_recovery import DiagnoseRecovery
from stripe_bridge.use_cases.operations.doctor_refunds import DiagnoseRefunds
from stripe_bridge.use_cases.operations.doctor_settlements import DiagnoseSettlements
from stripe_bridge.use_cases.operations.doctor_subscribers import DiagnoseSubscribers
from stripe_bridge.use_cases.operations.readiness import REMEDIES, CheckReadiness
from stripe_bridge.use_cases.receivers.encryption_key import EncryptionKey

_log = logging.getLogger(__name__)
# How far back to look for events that never arrived.
_MISSED_EVENTS_WINDOW = timedelta(days=1)
_OVERDUE_AFTER = timedelta(minutes=10)
_MAX_MISSED_RUNS = 4
_KEY_REMEDY = (
    "put the key that the service uses into ENCRYPTION_KEYS; "
    "only if it is gone for good: stripe-bridge doctor --fix --discard-secrets"
)


class Diagnose:
    """All findings, possible causes before their effects; none when all is well. Updates only what is known of
    receivers, and how far change logs have been checked.

    Without a usable database, nothing else can be checked.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        vault: Vault,
        events: EventGateway,
        check_readiness: CheckReadiness,
        receivers: DiagnoseReceivers,
        intents: DiagnoseIntents,
        key: EncryptionKey,
        recovery: DiagnoseRecovery,
        refunds: DiagnoseRefunds,
        settlements: DiagnoseSettlements,
        subscribers: DiagnoseSubscribers,
        changes: DiagnoseChanges,
        *,
        every: timedelta,
    ) -> None:
        self._store, self._clock, self._vault, self._events = store, clock, vault, events
        self._check_readiness, self._receivers, self._intents = check_readiness, receivers, intents
        self._key, self._recovery, self._refunds = key, recovery, refunds
        self._settlements, self._subscribers, self._changes = settlements, subscribers, changes
        self._every = every

    def __call__(self) -> list[Finding]:
        findings = list(self._readiness())
        if any(finding.subject == "database" for finding in findings):
            return findings
        with self._store.reading() as work:
            connected = [work.integrations.find(id_) for id_ in work.reconciliations.connected()]
        key = self._key.status()
        if key.is_wrong:
            findings.append(Finding.error("encryption key", key.problem, _KEY_REMEDY, Fix.DISCARD_SECRETS))
        findings += self._recovery(is_key_wrong=key.is_wrong)
        findings += self._receivers.of_platform(is_key_wrong=key.is_wrong)
        for integration in connected:
            if integration is not None:
                findings += self._of_integration(integration, is_key_wrong=key.is_wrong)
        of_all = (*self._events_not_applied(), *self._intents(), *self._refunds(), *self._settlements())
        return [*findings, *of_all, *self._subscribers(is_key_wrong=key.is_wrong), *self._changes()]

    def _readiness(self) -> Iterator[Finding]:
        readiness = self._check_readiness()
        for name, warning in readiness.warnings.items():
            if warning is not None:
                yield Finding.warning(name, warning, REMEDY)
        for name, fault in readiness.faults.items():
            # Which secrets those are is reported with their receivers.
            if fault is not None and name != "secrets":
                yield Finding.error(name, fault, REMEDIES.get(name, "see the logs"))

    def _of_integration(self, integration: Integration, *, is_key_wrong: bool) -> list[Finding]:
        """Whatever goes wrong with one, the others are still checked."""
        try:
            secrets = () if is_key_wrong else self._unreadable_secrets(integration)
            receivers = self._receivers.of_integration(integration)
            return [*receivers, *self._reconciled(integration), *secrets, *self._missing_events(integration)]
        except Exception as error:
            what = error.message if isinstance(error, BridgeError) else type(error).__name__
            _log.warning("integration not diagnosed", exc_info=error)
            return [
                Finding.error(
                    f"integration {integration.id}", f"could not be checked: {what}", "see the logs"
                )
            ]

    def _reconciled(self, integration: Integration) -> Iterator[Finding]:
        subject, now = f"integration {integration.id}", self._clock.now()
        remedy = f"stripe-bridge reconcile --integration {integration.id}"
        behind = now - reconciled_until(integration)
        if is_near_horizon(integration, now):
            what = f"not reconciled for {behind.days} days: Stripe keeps events for only 30"
            yield Finding.error(subject, what, remedy, fix=Fix.RECONCILE, integration_id=integration.id)
        elif self._every and behind > max(self._every * _MAX_MISSED_RUNS, UNSETTLED_TOO_LONG):
            what = f"not reconciled since {_timestamp(reconciled_until(integration))}: is a worker running?"
            yield Finding.warning(subject, what, remedy, fix=Fix.RECONCILE, integration_id=integration.id)

    def _unreadable_secrets(self, integration: Integration) -> Iterator[Finding]:
        with self._store.reading() as work:
            receivers = work.receivers.of_integration(integration.id)
        sealed = {f"the secret of receiver {each.id}": each.sealed_secret for each in receivers}
        if integration.sealed_access_token is not None:
            sealed["the account's token"] = integration.sealed_access_token
        for what, secret in sealed.items():
            if not can_open(self._vault, secret):
                remedy = (
                    "put the key that sealed it back into ENCRYPTION_KEYS, then: stripe-bridge keys rotate"
                )
                yield Finding.error(f"integration {integration.id}", f"{what} cannot be opened", remedy)

    def _missing_events(self, integration: Integration) -> Iterator[Finding]:
        """Events of the account that Stripe has, and that should be here by now."""
        subject = f"integration {integration.id}"
        remedy = f"stripe-bridge reconcile --integration {integration.id}"
        account_id = integration.stripe_account_id
        if account_id is None:
            return
        try:
            newest = self._newest_at_stripe(account_id, integration.connected_at)
        except AccessRevoked:
            what = f"our access to {account_id} was revoked"
            yield Finding.error(subject, what, remedy, fix=Fix.RECONCILE, integration_id=integration.id)
            return
        except GatewayError as error:
            yield Finding.warning(
                subject, f"its events could not be listed: {error.reason}", "try again later"
            )
            return
        with self._store.reading() as work:
            here = work.reconciliations.newest_event_at(account_id)
            gap = work.reconciliations.gap(integration.id)
        if newest is not None and (here is None or here < newest):
            since = "none has arrived" if here is None else f"the latest to arrive is from {_timestamp(here)}"
            what = f"{account_id} had an event at {_timestamp(newest)}, but {since}: are webhooks getting through?"
            yield Finding.error(subject, what, remedy, fix=Fix.RECONCILE, integration_id=integration.id)
        elif gap is not None and gap.is_proven and self._clock.now() - gap.found_at < _MISSED_EVENTS_WINDOW:
            yield _fetched_not_delivered(subject, gap)

    def _newest_at_stripe(self, account_id: str, joined_at: datetime | None) -> datetime | None:
        now = self._clock.now()
        # Events from before the account was joined are neither sent to us nor fetched by reconciling.
        since = max(now - _MISSED_EVENTS_WINDOW, joined_at or now - _MISSED_EVENTS_WINDOW)
        for page in self._events.pages_since(account_id, since):
            for body in page:
                try:
                    event = parse_event(body)
                except PayloadMalformed:
                    continue
                if event.type in SUBSCRIBED_EVENTS and since <= event.created_at <= now - DELIVERY_GRACE:
                    return event.created_at
        return None

    def _events_not_applied(self) -> Iterator[Finding]:
        long_ago = self._clock.now() - _OVERDUE_AFTER
        late = EventFilter(status=EventStatus.RECEIVED, until=long_ago)
        failed = EventFilter(status=EventStatus.FAILED)
        with self._store.reading() as work:
            number_failed, number_late = work.inbox.count(None, failed), work.inbox.count(None, late)
            overdue = work.reconciliations.overdue_events(long_ago)
        if number_failed:
            what = f"{counted(number_failed, 'event')} could not be applied and will not be retried"
            remedy = (
                "stripe-bridge events list --status failed; fix the cause, "
                "then: stripe-bridge events replay --status failed"
            )
            yield Finding.error("events", what, remedy, fix=Fix.REPLAY_EVENTS)
        if number_overdue := sum(overdue.values()):
            what = (
                f"{counted(number_overdue, 'event')} overdue by more than ten minutes: is a worker running?"
            )
            yield Finding.warning(
                "events", what, "stripe-bridge worker; stripe-bridge events list --status received"
            )
        if (number_tried := number_late - overdue.get(EventStatus.RECEIVED, 0)) > 0:
            what = f"{counted(number_tried, 'event')} could not be applied so far and will be retried"
            yield Finding.warning(
                "events", what, "see last_error in: stripe-bridge events list --status received --json"
            )


def _fetched_not_delivered(subject: str, gap: Gap) -> Finding:
    """Having every event proves nothing about the webhooks when it is reconciling that fetched them."""
    runs = "in the last run" if gap.runs == 1 else f"in {gap.runs} runs in a row"
    what = (
        f"reconciling fetched {counted(gap.events, 'event')} that no webhook delivered, {runs}:"
        " are webhooks getting through?"
    )
    remedy = "check the endpoint's deliveries in Stripe's Dashboard, and the path from Stripe to PUBLIC_URL"
    return Finding.error(subject, what, remedy) if gap.runs > 1 else Finding.warning(subject, what, remedy)


def _timestamp(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
