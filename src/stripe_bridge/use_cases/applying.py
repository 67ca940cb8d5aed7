"""Applying stored webhook events: claim a batch, change state, settle each in the transaction that changed it.

A batch is applied in one transaction, as long as every event in it can be applied without asking Stripe and none fails. What
is left is done one by one: it asks Stripe, outside any transaction, or waits for its next try.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from stripe_bridge.domain.errors import BridgeError, PayloadMalformed, StaleWrite
from stripe_bridge.domain.errors.telling import in_words
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.intent import account_subject
from stripe_bridge.domain.webhook_event import (
    MAX_ATTEMPTS,
    MAX_PATIENT_ATTEMPTS,
    SkipReason,
    StripeEvent,
    WebhookEvent,
)
from stripe_bridge.ports.gateway_errors import CallNotTaken, GatewayError, OutcomeUnknown
from stripe_bridge.ports.handlers import Applied, Fetched, Handler, NeedsCurrent, Skipped, Verdict
from stripe_bridge.ports.measurements import Measurements
from stripe_bridge.ports.timing import Clock, Dice
from stripe_bridge.ports.unit_of_work import Store, UnitOfWork

_log = logging.getLogger(__name__)
BATCH = 100
# Our row was changed by somebody else between each look and its application: let them finish.
_MOST_LOOKS = 4
# One that has been taken up this often may be what ends its worker: it is applied alone, when all others are done.
_SUSPICIOUS = 3
# What part of the lease may pass before nothing more is begun: the last look at Stripe takes time, too.
_PART_OF_LEASE = 0.3
# For what waits only because Stripe did not answer about something else.
_LONGEST_WAIT_FOR_ANOTHER = timedelta(seconds=60)


def _never() -> bool:
    return False


class _Contended(BridgeError):
    message = "The object was changed by others again and again."


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerTable:
    """Which handler applies which type. `even_disconnected` are those that mean something after a disconnect, too;
    `alone` those that lock more than their invoice, and so are never applied with others."""

    handlers: Mapping[str, Handler[Any]]
    even_disconnected: frozenset[str]
    alone: frozenset[str]


class ApplyEvents:
    """Apply the events that are due, a batch at a time; how many were taken up. Zero means that none is due.

    Once `is_stopping`, no further one is begun: those that were claimed go back at once, for others to claim.

    An event that cannot be applied waits for its next try with the error beside it. With it wait those of the batch that
    are about the same object; when Stripe does not answer, those of the same account. It holds up no other.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        dice: Dice,
        table: HandlerTable,
        lease: timedelta,
        measurements: Measurements,
    ) -> None:
        self._store, self._clock, self._dice = store, clock, dice
        self._table, self._lease, self._measurements = table, lease, measurements

    def __call__(self, is_stopping: Callable[[], bool] = _never) -> int:
        now = self._clock.now()
        with self._store.writing() as work:
            claimed = work.inbox.claim(now, now + self._lease, BATCH)
            work.commit()
        left = claimed if is_stopping() else self._apply_together(claimed)
        self._apply_each(left, now + self._lease * _PART_OF_LEASE, is_stopping)
        return len(claimed)

    def _apply_together(self, claimed: Sequence[WebhookEvent]) -> Sequence[WebhookEvent]:
        """Those that are left: they have to ask Stripe, cannot be read, or do not go together."""
        parsed = [(event, read) for event in claimed if (read := self._readable(event)) is not None]
        if len(parsed) < 2:
            return claimed
        done: list[WebhookEvent] = []
        try:
            with self._store.writing() as work:
                work.read_ahead([pair for event, read in parsed for pair in _links_of(event, read)])
                owners: dict[int | None, Integration | None] = {}
                for event, read in parsed:
                    verdict = self._verdict(work, event, read, None, owners)
                    if not isinstance(verdict, NeedsCurrent):
                        done.append(_settled(event, verdict, self._clock.now()))
                if len(work.inbox.settle(claimed[0].due_at, done)) < len(done):
                    # Somebody else has claimed some of them meanwhile.
                    raise StaleWrite
                work.commit()
        except Exception as error:
            # Whose fault it was shows when each is applied by itself.
            _log.info("events cannot be applied together", extra={"error": type(error).__name__})
            return claimed
        for event in done:
            self._measurements.event(event)
        ids = {event.id for event in done}
        return [event for event in claimed if event.id not in ids]

    def _readable(self, event: WebhookEvent) -> StripeEvent | None:
        """None for what is to be applied alone."""
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
                    self._settle(event, event.put_down(self._clock.now(), sick_until))
            except Exception as error:
                put_back = self._put_back(event, error)
                if isinstance(error, GatewayError):
                    is_the_accounts = isinstance(error, CallNotTaken | OutcomeUnknown)
                    soon = self._clock.now() + _LONGEST_WAIT_FOR_ANOTHER
                    waiting[account if is_the_accounts else about] = min(put_back.due_at, soon)

    def _apply(self, event: WebhookEvent, *, may_ask: bool) -> bool:
        """Whether it could be applied, if need be by asking Stripe."""
        if event.attempts > MAX_PATIENT_ATTEMPTS:
            self._settle(event, event.lose(self._clock.now()))
            return True
        parsed = event.parse()
        fetched: Fetched[Any] | None = None
        for _ in range(_MOST_LOOKS):
            with self._store.writing() as work:
                verdict = self._verdict(work, event, parsed, fetched, {})
                if not isinstance(verdict, NeedsCurrent):
                    done = _settled(event, verdict, self._clock.now())
                    if work.inbox.settle(event.due_at, [done]):
                        work.commit()
                        self._measurements.event(done)
                    return True
            if not may_ask:
                return False
            handler = self._table.handlers[event.event_type]
            fetched = Fetched(handler.fetch(event.account_id, parsed), verdict.version)
        raise _Contended

    def _verdict(
        self,
        work: UnitOfWork,
        event: WebhookEvent,
        parsed: StripeEvent,
        fetched: Fetched[Any] | None,
        owners: dict[int | None, Integration | None],
    ) -> Verdict:
        """`owners` remembers, within one transaction, whose integration is whose."""
        handler = self._table.handlers.get(event.event_type)
        if handler is None:
            return Skipped(SkipReason.UNKNOWN_TYPE)
        if event.integration_id is None:
            return Skipped(SkipReason.NO_INTEGRATION)
        # Asked again, though receiving has asked before: a replay brings back what was skipped there.
        if parsed.account not in (None, event.account_id):
            return Skipped(SkipReason.OTHER_ACCOUNT)
        if event.integration_id not in owners:
            owners[event.integration_id] = work.integrations.find(event.integration_id)
        integration = owners[event.integration_id]
        if integration is not None and event.livemode is not integration.livemode:
            return Skipped(SkipReason.OTHER_LIVEMODE)
        if event.event_type not in self._table.even_disconnected and not _is_followed(
            work, integration, event
        ):
            return Skipped(SkipReason.DISCONNECTED)
        return handler.apply(work, event.account_id, parsed, fetched)

    def _settle(self, claimed: WebhookEvent, outcome: WebhookEvent) -> None:
        with self._store.writing() as work:
            work.inbox.settle(claimed.due_at, [outcome])
            work.commit()
        self._measurements.event(outcome)

    def _hand_back(self, events: Sequence[WebhookEvent]) -> None:
        with self._store.writing() as work:
            work.inbox.settle(events[0].due_at, [event.put_down(self._clock.now()) for event in events])
            work.commit()
        _log.info("events handed back", extra={"events": len(events)})

    def _put_back(self, event: WebhookEvent, error: Exception) -> WebhookEvent:
        is_stripes = isinstance(error, GatewayError)
        waiting = event.retry_or_fail(
            in_words(error),
            self._clock.now(),
            jitter=self._dice.jitter(),
            most=MAX_PATIENT_ATTEMPTS if is_stripes else MAX_ATTEMPTS,
        )
        _log.warning(
            "event could not be applied",
            extra={
                "event_id": event.id,
                "stripe_event_id": event.stripe_event_id,
                "event_type": event.event_type,
                "status": waiting.status.value,
                "attempts": event.attempts,
            },
            exc_info=None if isinstance(error, BridgeError) else error,
        )
        self._settle(event, waiting)
        return waiting


def _is_followed(work: UnitOfWork, integration: Integration | None, event: WebhookEvent) -> bool:
    """Whether the integration is joined to the event's account, or has left it and Stripe does not know that yet."""
    if integration is None or integration.account_id != event.account_id:
        return False
    return integration.connected or work.intents.find_unsettled(account_subject(event.account_id)) is not None


def _settled(event: WebhookEvent, verdict: Applied | Skipped, now: datetime) -> WebhookEvent:
    return event.processed(now) if isinstance(verdict, Applied) else event.skipped(verdict.reason, now)


def _links_of(event: WebhookEvent, parsed: StripeEvent) -> list[tuple[str, str]]:
    """By which the event's invoice may be known."""
    ids = (event.related_object_id, parsed.invoice_id, parsed.payment_intent_id, parsed.charge_id)
    return [(event.account_id, id_) for id_ in ids if id_ is not None]
