"""Examining the service: what is wrong or about to go wrong, and what to do about it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Protocol

from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.errors.outcomes import PayloadMalformed
from stripe_bridge.domain.finding import Finding, Fix
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.intent import UNSETTLED, Intent
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.receiver import SUBSCRIBED_EVENTS
from stripe_bridge.domain.reconciliation import DELIVERY_GRACE, Gap, is_near_horizon, reconciled_until
from stripe_bridge.domain.webhook_event import EventStatus, parse_event
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.ports.storage.intents import IntentFilter
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.stripe.errors import AccessRevoked, GatewayError
from stripe_bridge.ports.stripe.events import EventGateway
from stripe_bridge.ports.system import Clock
from stripe_bridge.ports.vault import Vault, can_open

_log = logging.getLogger(__name__)
# How far back to look for events that never arrived.
_LOOKING_BACK = timedelta(days=1)
_LONG_WAIT = timedelta(minutes=10)
_LONG_UNSETTLED = timedelta(hours=1)
_MISSED_RUNS = 4
_PAGE = 100


class Receivers(Protocol):
    def of_platform(self) -> Iterator[Finding]: ...

    def of_integration(self, integration: Integration) -> Iterator[Finding]: ...


class Readiness(Protocol):
    @property
    def faults(self) -> dict[str, str | None]: ...


class Diagnose:
    """All findings, possible causes before their effects; none when all is well. Updates only what is known of receivers.

    Without a usable database, nothing else can be examined.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        vault: Vault,
        events: EventGateway,
        check_readiness: Callable[[], Readiness],
        receivers: Receivers,
        examine_calls: Callable[[], Iterable[Finding]],
        *,
        every: timedelta,
    ) -> None:
        self._store, self._clock, self._vault, self._events = store, clock, vault, events
        self._check_readiness, self._receivers, self._every = check_readiness, receivers, every
        self._examine_calls = examine_calls

    def __call__(self) -> list[Finding]:
        findings = list(self._readiness())
        if any(finding.subject == "database" for finding in findings):
            return findings
        with self._store.reading() as work:
            connected = [work.integrations.find(id_) for id_ in work.reconciliations.connected()]
        findings += self._receivers.of_platform()
        for integration in connected:
            if integration is not None:
                findings += self._one(integration)
        return [*findings, *self._inbox(), *self._intents(), *self._examine_calls()]

    def _readiness(self) -> Iterator[Finding]:
        remedies = {
            "database": "check DATABASE_URL and that the database runs, then: flask db upgrade",
            "queue": "check REDIS_URL and that Redis runs; until then, workers look for work every SWEEP_SECONDS",
        }
        for name, fault in self._check_readiness().faults.items():
            # Which secrets those are is reported with their receivers.
            if fault is not None and name != "secrets":
                yield Finding.error(name, fault, remedies.get(name, "see the logs"))

    def _one(self, integration: Integration) -> list[Finding]:
        """Whatever goes wrong with one, the others are still examined."""
        try:
            return [*self._receivers.of_integration(integration), *self._integration(integration)]
        except Exception as error:
            what = error.message if isinstance(error, BridgeError) else type(error).__name__
            _log.warning("integration could not be examined", exc_info=error)
            return [Finding.error(f"integration {integration.id}", f"not examined: {what}", "see the logs")]

    def _integration(self, integration: Integration) -> Iterator[Finding]:
        subject, now = f"integration {integration.id}", self._clock.now()
        remedy = f"flask reconcile --integration {integration.id}"
        behind = now - reconciled_until(integration)
        if is_near_horizon(integration, now):
            what = f"not reconciled for {behind.days} days: Stripe forgets events after 30"
            yield Finding.error(subject, what, remedy, fix=Fix.RECONCILE, integration_id=integration.id)
        elif self._every and behind > max(self._every * _MISSED_RUNS, _LONG_UNSETTLED):
            what = f"not reconciled since {_short(reconciled_until(integration))}: is a worker running?"
            yield Finding.warning(subject, what, remedy, fix=Fix.RECONCILE, integration_id=integration.id)
        yield from self._seals(integration, subject)
        yield from self._silence(integration, subject, remedy)

    def _seals(self, integration: Integration, subject: str) -> Iterator[Finding]:
        with self._store.reading() as work:
            receivers = work.receivers.of_integration(integration.id)
        sealed = {f"the secret of receiver {each.id}": each.sealed_secret for each in receivers}
        if integration.sealed_access_token is not None:
            sealed["the account's token"] = integration.sealed_access_token
        for what, secret in sealed.items():
            if not can_open(self._vault, secret):
                remedy = "put the key that sealed it back into ENCRYPTION_KEYS, then: flask keys rotate"
                yield Finding.error(subject, f"{what} cannot be opened", remedy)

    def _silence(self, integration: Integration, subject: str, remedy: str) -> Iterator[Finding]:
        """Whether Stripe has events of the account that ought to be here by now."""
        account_id = integration.stripe_account_id
        if account_id is None:
            return
        try:
            newest = self._newest_at_stripe(account_id, integration.connected_at)
        except AccessRevoked:
            what = f"{account_id} no longer lets us in"
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
            since = "none is here" if here is None else f"the newest here is from {_short(here)}"
            what = (
                f"{account_id} had an event at {_short(newest)}, but {since}: are webhooks getting through?"
            )
            yield Finding.error(subject, what, remedy, fix=Fix.RECONCILE, integration_id=integration.id)
        elif gap is not None and gap.is_proven and self._clock.now() - gap.found_at < _LOOKING_BACK:
            yield _told_by_reconciling(subject, gap)

    def _newest_at_stripe(self, account_id: str, joined_at: datetime | None) -> datetime | None:
        now = self._clock.now()
        # Events from before the account was joined are neither sent to us nor fetched by reconciling.
        since = max(now - _LOOKING_BACK, joined_at or now - _LOOKING_BACK)
        for page in self._events.pages_since(account_id, since):
            for body in page:
                try:
                    event = parse_event(body)
                except PayloadMalformed:
                    continue
                if event.type in SUBSCRIBED_EVENTS and since <= event.created_at <= now - DELIVERY_GRACE:
                    return event.created_at
        return None

    def _inbox(self) -> Iterator[Finding]:
        long_ago = self._clock.now() - _LONG_WAIT
        late = EventFilter(status=EventStatus.RECEIVED, until=long_ago)
        failed = EventFilter(status=EventStatus.FAILED)
        with self._store.reading() as work:
            number_failed, number_late = work.inbox.count(None, failed), work.inbox.count(None, late)
            overdue = work.reconciliations.overdue_events(long_ago)
        if number_failed:
            what = f"{number_failed} could not be applied and will not be tried again"
            remedy = (
                "flask events list --status failed; fix the cause, then: flask events replay --status failed"
            )
            yield Finding.error("events", what, remedy, fix=Fix.REPLAY_EVENTS)
        if number_overdue := sum(overdue.values()):
            what = f"{number_overdue} have been due for more than ten minutes: is a worker running?"
            yield Finding.warning("events", what, "flask worker; flask events list --status received")
        if (number_tried := number_late - overdue.get(EventStatus.RECEIVED, 0)) > 0:
            what = f"{number_tried} could not be applied so far and will be tried again"
            yield Finding.warning(
                "events", what, "see last_error in: flask events list --status received --json"
            )

    def _intents(self) -> Iterator[Finding]:
        long_ago = self._clock.now() - _LONG_UNSETTLED
        old = [intent for intent in self._unsettled() if intent.created_at < long_ago]
        if old:
            oldest = old[-1]
            what = f"{len(old)} unsettled for more than an hour; {oldest.id}: {oldest.last_error or 'never tried'}"
            remedy = "flask intents list; flask intents resolve --all-due"
            yield Finding.warning("intents", what, remedy, fix=Fix.RESOLVE_INTENTS)

    def _unsettled(self) -> Iterator[Intent]:
        """Newest first."""
        request: PageRequest | None = PageRequest(per_page=_PAGE)
        while request is not None:
            with self._store.reading() as work:
                page = work.intents.page(IntentFilter(states=UNSETTLED), request)
            yield from page.items
            cursor = page.next_cursor
            request = None if cursor is None else PageRequest.of(page=None, per_page=_PAGE, cursor=cursor)


def _told_by_reconciling(subject: str, gap: Gap) -> Finding:
    """Having every event proves nothing about the webhooks when it is reconciling that fetched them."""
    what = (
        f"its last {gap.events} events came by reconciling and not by webhook, {gap.runs} runs in a row:"
        " are webhooks getting through?"
    )
    remedy = "check the endpoint's deliveries in Stripe's Dashboard, and the path from Stripe to PUBLIC_URL"
    return Finding.error(subject, what, remedy) if gap.runs > 1 else Finding.warning(subject, what, remedy)


def _short(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
