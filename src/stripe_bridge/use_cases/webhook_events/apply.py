"""Applying stored webhook events: claim a batch, change state, settle each event in the transaction that changed it.

A batch is applied in one transaction, except for events that need a call to Stripe; if any of it fails, it is rolled back.
What is left is applied one by one: with a call to Stripe, outside any transaction, or at its next attempt.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.errors.conflicts import StaleWrite
from stripe_bridge.domain.errors.describe import describe_error
from stripe_bridge.domain.errors.outcomes import PayloadMalformed
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.intent import account_subject
from stripe_bridge.domain.origin import by_stripe
from stripe_bridge.domain.webhook_event import (
    MAX_ATTEMPTS,
    MAX_GATEWAY_ATTEMPTS,
    SkipReason,
    StripeEvent,
    WebhookEvent,
)
from stripe_bridge.ports.metrics import Metrics
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.stripe.errors import CallNotAccepted, GatewayError, OutcomeUnknown
from stripe_bridge.ports.system import Clock, Randomness, never_stopping
from stripe_bridge.ports.tracing import Fact, Tracing
from stripe_bridge.use_cases.webhook_events.handlers.handler import (
    Applied,
    Fetched,
    HandlerResult,
    HandlerTable,
    NeedsRefetch,
    Skipped,
)

_log = logging.getLogger(__name__)
BATCH_SIZE = 100
# Each refetch after the first means that another worker changed our row in between: let it finish.
_MAX_REFETCHES = 4
# An event with more attempts than this may be what kills its worker: it is applied individually, after all others.
_MAX_ATTEMPTS_IN_BATCH = 3
# A worker's first batch is claimed before it is applied, and then one batch in this interval.
_CLAIM_INTERVAL = timedelta(seconds=5)
# After this share of the lease no further event is begun: its call to Stripe takes time, too.
_LEASE_SHARE = 0.3
# For events that wait only because a call to Stripe about another one failed.
_MAX_BLOCKED = timedelta(seconds=60)


class _Contended(BridgeError):
    message = "The object was changed by others again and again."


class DispatchEvents:
    """Apply an event through its handler and return its outcome; NeedsRefetch, with nothing changed, if Stripe's current state
    has to be fetched first."""

    def __init__(self, table: HandlerTable, tracing: Tracing) -> None:
        self._table, self._tracing = table, tracing

    def __call__(
        self,
        work: UnitOfWork,
        event: WebhookEvent,
        parsed: StripeEvent,
        fetched: Fetched[Any] | None,
        now: datetime,
    ) -> WebhookEvent | NeedsRefetch:
        return _outcome(event, self._result(work, event, parsed, fetched, {}), now)

    def batch(
        self, work: UnitOfWork, events: Sequence[tuple[WebhookEvent, StripeEvent]], now: datetime
    ) -> list[WebhookEvent]:
        """Apply those of the events that need no call to Stripe, and return their outcomes."""
        work.prefetch([pair for event, parsed in events for pair in links_of(event, parsed)])
        owners: dict[int, Integration | None] = {}
        outcomes = (
            _outcome(event, self._result(work, event, parsed, None, owners), now) for event, parsed in events
        )
        return [outcome for outcome in outcomes if not isinstance(outcome, NeedsRefetch)]

    def _result(
        self,
        work: UnitOfWork,
        event: WebhookEvent,
        parsed: StripeEvent,
        fetched: Fetched[Any] | None,
        owners: dict[int, Integration | None],
    ) -> HandlerResult:
        """`owners` caches the integrations within one transaction."""
        handler = self._table.handlers.get(event.event_type)
        if handler is None:
            return Skipped(SkipReason.UNKNOWN_TYPE)
        if event.integration_id is None:
            return Skipped(SkipReason.NO_INTEGRATION)
        # Receiving has already checked this and the next, but a replay brings back what it skipped.
        if parsed.account not in (None, event.account_id):
            return Skipped(SkipReason.OTHER_ACCOUNT)
        if event.integration_id not in owners:
            owners[event.integration_id] = work.integrations.find(event.integration_id)
        integration = owners[event.integration_id]
        if integration is not None and event.livemode is not integration.livemode:
            return Skipped(SkipReason.OTHER_LIVEMODE)
        applies = event.event_type in self._table.applies_when_disconnected
        if not applies and not _is_account_in_use(work, integration, event):
            return Skipped(SkipReason.DISCONNECTED)
        work.origin = by_stripe(event.account_id, parsed.id)
        with self._tracing.span(f"apply {parsed.type}", _span_facts(event, parsed)) as note:
            result = handler.apply(work, event.account_id, self._in_our_version(parsed), fetched)
            note("event.verdict", type(result).__name__)
        return result

    def fetch(self, event: WebhookEvent, parsed: StripeEvent) -> Any:
        """What the event's handler needs from Stripe, outside any transaction. May raise GatewayError."""
        handler = self._table.handlers[event.event_type]
        with self._tracing.span(f"fetch for {parsed.type}", _span_facts(event, parsed)):
            return handler.fetch(event.account_id, self._in_our_version(parsed))

    def _in_our_version(self, parsed: StripeEvent) -> StripeEvent:
        """Stripe renders an event in the version of the endpoint or, in its list, in that of the account."""
        return parsed.rendered_in(self._table.api_version())


def _is_account_in_use(work: UnitOfWork, integration: Integration | None, event: WebhookEvent) -> bool:
    """Whether the integration is connected to the event's account, or was disconnected but its access is not revoked yet; or
    another integration is connected to the account by now, which also gets the events of this one's invoices.
    """
    has_account = integration is not None and integration.account_id == event.account_id
    if integration is not None and has_account and integration.connected:
        return True
    holder = work.integrations.find_by_account(event.account_id)
    if holder is not None and holder.connected:
        return True
    return has_account and work.intents.find_unsettled(account_subject(event.account_id)) is not None


def _outcome(event: WebhookEvent, result: HandlerResult, now: datetime) -> WebhookEvent | NeedsRefetch:
    if isinstance(result, NeedsRefetch):
        return result
    return event.processed(now) if isinstance(result, Applied) else event.skipped(result.reason, now)


def links_of(event: WebhookEvent, parsed: StripeEvent) -> list[tuple[str, str]]:
    """The links by which the event's invoice may be known."""
    ids = (event.related_object_id, parsed.invoice_id, parsed.payment_intent_id, parsed.charge_id)
    return [(event.account_id, id_) for id_ in ids if id_ is not None]


def _span_facts(event: WebhookEvent, parsed: StripeEvent) -> dict[str, Fact]:
    return {"stripe.event": parsed.id, "stripe.account": event.account_id}


class ApplyEvents:
    """Apply a batch of due events. Returns how many it had; zero means that none is due.

    Once `is_stopping`, no further event is begun: those that were claimed are released, for others to claim.

    An event that cannot be applied waits for its next attempt, with the error stored with it. Events of the same batch that
    are about the same object wait with it; if Stripe does not answer, so do those of the same account. No others are held up.

    Most batches are locked, applied and settled in a single transaction, and a worker that dies in it leaves no trace. So the
    first batch of each worker is claimed beforehand, and then one every few seconds: a worker that was killed by an event
    claims that event when it is back, and events that dead workers had claimed are found.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        randomness: Randomness,
        table: HandlerTable,
        lease: timedelta,
        metrics: Metrics,
        tracing: Tracing,
        read_event: Callable[[bytes], StripeEvent],
    ) -> None:
        self._store, self._clock, self._randomness = store, clock, randomness
        self._table, self._dispatch = table, DispatchEvents(table, tracing)
        self._lease, self._metrics, self._read_event = lease, metrics, read_event
        self._next_claim_at: datetime | None = None

    def __call__(self, is_stopping: Callable[[], bool] = never_stopping) -> int:
        now = self._clock.now()
        is_claim_due = self._next_claim_at is None or now >= self._next_claim_at
        size, left = (0, []) if is_claim_due else self._apply_unclaimed(now)
        if not size:
            claimed = self._claim(now)
            size = len(claimed)
            left = claimed if is_stopping() else self._apply_claimed(claimed)
        self._apply_individually(left, now + self._lease * _LEASE_SHARE, is_stopping)
        if is_claim_due:
            # Nothing in the batch killed this worker.
            self._next_claim_at = now + _CLAIM_INTERVAL
        return size

    def _claim(self, now: datetime) -> Sequence[WebhookEvent]:
        with self._store.writing() as work:
            claimed = work.inbox.claim(now, now + self._lease, BATCH_SIZE)
            work.commit()
        return claimed

    def _apply_unclaimed(self, now: datetime) -> tuple[int, Sequence[WebhookEvent]]:
        """Apply a batch without claiming it first. Returns its size, and the events that are left, which are then claimed."""
        try:
            with self._store.writing() as work:
                locked = work.inbox.lock_due(now, now + self._lease, BATCH_SIZE)
                done = self._dispatch.batch(work, self._parsed(locked), self._clock.now())
                left = _without(locked, done)
                work.inbox.settle_locked([*done, *left])
                work.commit()
        except Exception as error:
            # Which event was at fault shows once they are claimed.
            _log.info("unclaimed event batch rolled back", extra={"error": type(error).__name__})
            return 0, []
        for event in done:
            self._metrics.event(event)
        return len(locked), left

    def _apply_claimed(self, claimed: Sequence[WebhookEvent]) -> Sequence[WebhookEvent]:
        """Returns the events that are left: they need a call to Stripe, or cannot be parsed or applied in a batch."""
        parsed = self._parsed(claimed)
        if len(parsed) < 2:
            return claimed
        try:
            with self._store.writing() as work:
                work.inbox.lock_claimed(claimed[0].due_at, claimed)
                done = self._dispatch.batch(work, parsed, self._clock.now())
                if len(work.inbox.settle(claimed[0].due_at, done)) < len(done):
                    # Another worker has claimed some of them in the meantime.
                    raise StaleWrite
                work.commit()
        except Exception as error:
            # Which event was at fault shows when each is applied individually.
            _log.info("event batch rolled back", extra={"error": type(error).__name__})
            return claimed
        for event in done:
            self._metrics.event(event)
        return _without(claimed, done)

    def _parsed(self, events: Sequence[WebhookEvent]) -> list[tuple[WebhookEvent, StripeEvent]]:
        """The events that can be applied in a batch."""
        pairs = ((event, self._parse_for_batch(event)) for event in events)
        return [(event, parsed) for event, parsed in pairs if parsed is not None]

    def _parse_for_batch(self, event: WebhookEvent) -> StripeEvent | None:
        """None for an event that has to be applied individually."""
        if event.attempts > _MAX_ATTEMPTS_IN_BATCH or event.event_type in self._table.apply_individually:
            return None
        try:
            return event.parse(self._read_event)
        except PayloadMalformed:
            return None

    def _apply_individually(
        self, events: Sequence[WebhookEvent], until: datetime, is_stopping: Callable[[], bool]
    ) -> None:
        blocked: dict[str, datetime] = {}
        ordered = sorted(events, key=lambda event: (event.attempts > _MAX_ATTEMPTS_IN_BATCH, event.id))
        for number, event in enumerate(ordered):
            if is_stopping() or self._clock.now() >= until:
                self._release(ordered[number:])
                return
            account, about = event.account_id, f"{event.account_id} {event.related_object_id}"
            blocked_until = blocked.get(account) or blocked.get(about)
            try:
                if not self._apply(event, may_fetch=blocked_until is None):
                    self._settle(event, event.release(self._clock.now(), blocked_until))
            except Exception as error:
                rescheduled = self._reschedule(event, error)
                if isinstance(error, GatewayError):
                    concerns_account = isinstance(error, CallNotAccepted | OutcomeUnknown)
                    latest = self._clock.now() + _MAX_BLOCKED
                    blocked[account if concerns_account else about] = min(rescheduled.due_at, latest)

    def _apply(self, event: WebhookEvent, *, may_fetch: bool) -> bool:
        """Returns whether it could be applied, with a call to Stripe if necessary."""
        if event.attempts > MAX_GATEWAY_ATTEMPTS:
            self._settle(event, event.give_up(self._clock.now()))
            return True
        parsed = event.parse(self._read_event)
        fetched: Fetched[Any] | None = None
        for _ in range(_MAX_REFETCHES):
            with self._store.writing() as work:
                work.inbox.lock_claimed(event.due_at, [event])
                outcome = self._dispatch(work, event, parsed, fetched, self._clock.now())
                if not isinstance(outcome, NeedsRefetch):
                    if work.inbox.settle(event.due_at, [outcome]):
                        work.commit()
                        self._metrics.event(outcome)
                    return True
            if not may_fetch:
                return False
            fetched = Fetched(self._dispatch.fetch(event, parsed), outcome.version)
        raise _Contended

    def _settle(self, claimed: WebhookEvent, outcome: WebhookEvent) -> None:
        with self._store.writing() as work:
            is_settled = bool(work.inbox.settle(claimed.due_at, [outcome]))
            work.commit()
        if is_settled:
            self._metrics.event(outcome)

    def _release(self, events: Sequence[WebhookEvent]) -> None:
        with self._store.writing() as work:
            work.inbox.lock_claimed(events[0].due_at, events)
            work.inbox.settle(events[0].due_at, [event.release(self._clock.now()) for event in events])
            work.commit()
        _log.info("events released", extra={"events": len(events)})

    def _reschedule(self, event: WebhookEvent, error: Exception) -> WebhookEvent:
        rescheduled = event.retry_or_fail(
            describe_error(error),
            self._clock.now(),
            jitter=self._randomness.jitter(),
            max_attempts=MAX_GATEWAY_ATTEMPTS if isinstance(error, GatewayError) else MAX_ATTEMPTS,
        )
        _log.warning(
            "event could not be applied",
            extra={
                "event_id": event.id,
                "stripe_event_id": event.stripe_event_id,
                "event_type": event.event_type,
                "status": rescheduled.status.value,
                "attempts": event.attempts,
                "reason": rescheduled.last_error,
            },
            exc_info=None if isinstance(error, BridgeError) else error,
        )
        self._settle(event, rescheduled)
        return rescheduled


def _without(events: Sequence[WebhookEvent], done: Sequence[WebhookEvent]) -> Sequence[WebhookEvent]:
    ids = {event.id for event in done}
    return [event for event in events if event.id not in ids]
