"""Applying stored webhook events: claim a batch, change state, settle each in the transaction that changed it.

A batch is applied in one transaction, except for the events that need to ask Stripe; if any of it fails, none of it counts.
What is left is applied one by one: it asks Stripe, outside any transaction, or waits for its next try.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.errors.conflicts import StaleWrite
from stripe_bridge.domain.errors.describe import describe_error
from stripe_bridge.domain.errors.outcomes import PayloadMalformed
from stripe_bridge.domain.webhook_event import (
    MAX_ATTEMPTS,
    MAX_GATEWAY_ATTEMPTS,
    StripeEvent,
    WebhookEvent,
)
from stripe_bridge.ports.metrics import Metrics
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.stripe.errors import CallNotAccepted, GatewayError, OutcomeUnknown
from stripe_bridge.ports.system import Clock, Randomness
from stripe_bridge.use_cases.webhook_events.handlers.handler import Fetched, HandlerTable, NeedsRefetch

_log = logging.getLogger(__name__)
BATCH = 100
# If somebody else changed our row between each fetch and its application, let them finish.
_MOST_LOOKS = 4
# An event that has been taken up more often than this may be what kills its worker: it is applied alone, after all others.
_SUSPICIOUS = 3
# How often a batch is claimed before it is applied: the first one, and then one in this interval.
_BETWEEN_CLAIMS = timedelta(seconds=5)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
# After this part of the lease no further event is begun: the last look at Stripe takes time, too.
_PART_OF_LEASE = 0.3
# For events that wait only because Stripe did not answer about another one.
_LONGEST_WAIT_FOR_ANOTHER = timedelta(seconds=60)


def _never() -> bool:
    return False


class _Contended(BridgeError):
    message = "The object was changed by others again and again."


class Judge(Protocol):
    def __call__(
        self,
        work: UnitOfWork,
        event: WebhookEvent,
        parsed: StripeEvent,
        fetched: Fetched[Any] | None,
        now: datetime,
    ) -> WebhookEvent | NeedsRefetch: ...

    def together(
        self, work: UnitOfWork, events: Sequence[tuple[WebhookEvent, StripeEvent]], now: datetime
    ) -> list[WebhookEvent]: ...


class ApplyEvents:
    """Apply a batch of due events. Returns how many were taken up; zero means that none is due.

    Once `is_stopping`, no further event is begun: those that were claimed go back at once, for others to claim.

    An event that cannot be applied waits for its next try, with the error stored with it. Events of the same batch that are
    about the same object wait with it; if Stripe does not answer, so do those of the same account. No others are held up.

    Most batches are locked, applied and settled in a single transaction, and a worker that dies in it leaves no trace. So the
    first batch of each worker is claimed beforehand, and then one every few seconds: a worker that was killed by an event
    claims that event when it is back, and what dead workers had claimed is found.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        randomness: Randomness,
        table: HandlerTable,
        judge: Judge,
        lease: timedelta,
        metrics: Metrics,
    ) -> None:
        self._store, self._clock, self._dice = store, clock, randomness
        self._table, self._judge = table, judge
        self._lease, self._measurements = lease, metrics
        self._claims_at = _LONG_AGO

    def __call__(self, is_stopping: Callable[[], bool] = _never) -> int:
        now = self._clock.now()
        number, left = self._take(now) if now < self._claims_at else (0, [])
        if not number:
            claimed = self._claim(now)
            number = len(claimed)
            left = claimed if is_stopping() else self._apply_together(claimed)
        self._apply_each(left, now + self._lease * _PART_OF_LEASE, is_stopping)
        if now >= self._claims_at:
            # Nothing in the batch killed this worker.
            self._claims_at = now + _BETWEEN_CLAIMS
        return number

    def _claim(self, now: datetime) -> Sequence[WebhookEvent]:
        with self._store.writing() as work:
            claimed = work.inbox.claim(now, now + self._lease, BATCH)
            work.commit()
        return claimed

    def _take(self, now: datetime) -> tuple[int, Sequence[WebhookEvent]]:
        """Apply a batch without claiming it first. Returns its size, and the events that are left, which are then claimed."""
        try:
            with self._store.writing() as work:
                taken = work.inbox.lock_due(now, now + self._lease, BATCH)
                done = self._judge.together(work, self._readable_of(taken), self._clock.now())
                left = _without(taken, done)
                work.inbox.settle_locked([*done, *left])
                work.commit()
        except Exception as error:
            # Which event was at fault shows once they are claimed.
            _log.info("events cannot be applied unclaimed", extra={"error": type(error).__name__})
            return 0, []
        for event in done:
            self._measurements.event(event)
        return len(taken), left

    def _apply_together(self, claimed: Sequence[WebhookEvent]) -> Sequence[WebhookEvent]:
        """Returns those that are left: they have to ask Stripe, cannot be read, or cannot be applied together."""
        readable = self._readable_of(claimed)
        if len(readable) < 2:
            return claimed
        try:
            with self._store.writing() as work:
                work.inbox.lock_claimed(claimed[0].due_at, claimed)
                done = self._judge.together(work, readable, self._clock.now())
                if len(work.inbox.settle(claimed[0].due_at, done)) < len(done):
                    # Somebody else has claimed some of them in the meantime.
                    raise StaleWrite
                work.commit()
        except Exception as error:
            # Which event was at fault shows when each is applied by itself.
            _log.info("events cannot be applied together", extra={"error": type(error).__name__})
            return claimed
        for event in done:
            self._measurements.event(event)
        return _without(claimed, done)

    def _readable_of(self, events: Sequence[WebhookEvent]) -> list[tuple[WebhookEvent, StripeEvent]]:
        return [(event, read) for event in events if (read := self._readable(event)) is not None]

    def _readable(self, event: WebhookEvent) -> StripeEvent | None:
        """None for an event that is to be applied alone."""
        if event.attempts > _SUSPICIOUS or event.event_type in self._table.alone:
            return None
        try:
            return event.parse()
        except PayloadMalformed:
            return None

    def _apply_each(
        self, events: Sequence[WebhookEvent], until: datetime, is_stopping: Callable[[], bool]
    ) -> None:
        waiting: dict[str, datetime] = {}
        ordered = sorted(events, key=lambda event: (event.attempts > _SUSPICIOUS, event.id))
        for number, event in enumerate(ordered):
            if is_stopping() or self._clock.now() >= until:
                self._hand_back(ordered[number:])
                return
            account, about = event.account_id, f"{event.account_id} {event.related_object_id}"
            sick_until = waiting.get(account) or waiting.get(about)
            try:
                if not self._apply(event, may_ask=sick_until is None):
                    self._settle(event, event.release(self._clock.now(), sick_until))
            except Exception as error:
                put_back = self._put_back(event, error)
                if isinstance(error, GatewayError):
                    is_the_accounts = isinstance(error, CallNotAccepted | OutcomeUnknown)
                    soon = self._clock.now() + _LONGEST_WAIT_FOR_ANOTHER
                    waiting[account if is_the_accounts else about] = min(put_back.due_at, soon)

    def _apply(self, event: WebhookEvent, *, may_ask: bool) -> bool:
        """Returns whether it could be applied, by asking Stripe if necessary."""
        if event.attempts > MAX_GATEWAY_ATTEMPTS:
            self._settle(event, event.lose(self._clock.now()))
            return True
        parsed = event.parse()
        fetched: Fetched[Any] | None = None
        for _ in range(_MOST_LOOKS):
            with self._store.writing() as work:
                work.inbox.lock_claimed(event.due_at, [event])
                done = self._judge(work, event, parsed, fetched, self._clock.now())
                if not isinstance(done, NeedsRefetch):
                    if work.inbox.settle(event.due_at, [done]):
                        work.commit()
                        self._measurements.event(done)
                    return True
            if not may_ask:
                return False
            handler = self._table.handlers[event.event_type]
            fetched = Fetched(handler.fetch(event.account_id, parsed), done.version)
        raise _Contended

    def _settle(self, claimed: WebhookEvent, outcome: WebhookEvent) -> None:
        with self._store.writing() as work:
            is_settled = bool(work.inbox.settle(claimed.due_at, [outcome]))
            work.commit()
        if is_settled:
            self._measurements.event(outcome)

    def _hand_back(self, events: Sequence[WebhookEvent]) -> None:
        with self._store.writing() as work:
            work.inbox.lock_claimed(events[0].due_at, events)
            work.inbox.settle(events[0].due_at, [event.release(self._clock.now()) for event in events])
            work.commit()
        _log.info("events handed back", extra={"events": len(events)})

    def _put_back(self, event: WebhookEvent, error: Exception) -> WebhookEvent:
        is_stripes = isinstance(error, GatewayError)
        waiting = event.retry_or_fail(
            describe_error(error),
            self._clock.now(),
            jitter=self._dice.jitter(),
            most=MAX_GATEWAY_ATTEMPTS if is_stripes else MAX_ATTEMPTS,
        )
        _log.warning(
            "event could not be applied",
            extra={
                "event_id": event.id,
                "stripe_event_id": event.stripe_event_id,
                "event_type": event.event_type,
                "status": waiting.status.value,
                "attempts": event.attempts,
                "reason": waiting.last_error,
            },
            exc_info=None if isinstance(error, BridgeError) else error,
        )
        self._settle(event, waiting)
        return waiting


def _without(events: Sequence[WebhookEvent], done: Sequence[WebhookEvent]) -> Sequence[WebhookEvent]:
    ids = {event.id for event in done}
    return [event for event in events if event.id not in ids]
