"""Applying stored webhook events: claim a batch, change state, settle each in the transaction that changed it."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from stripe_bridge.domain.errors import BridgeError
from stripe_bridge.domain.webhook_event import (
    MAX_ATTEMPTS,
    MAX_PATIENT_ATTEMPTS,
    SkipReason,
    StripeEvent,
    WebhookEvent,
)
from stripe_bridge.ports.gateway_errors import GatewayError
from stripe_bridge.ports.handlers import Applied, Fetched, Handler, NeedsCurrent, Skipped, Verdict
from stripe_bridge.ports.measurements import Measurements
from stripe_bridge.ports.timing import Clock, Dice
from stripe_bridge.ports.unit_of_work import Store, UnitOfWork

_log = logging.getLogger(__name__)
_BATCH = 50
# Our row was changed by somebody else between each look and its application: let them finish.
_MOST_LOOKS = 4


def _never() -> bool:
    return False


class _Contended(BridgeError):
    message = "The object was changed by others again and again."


class ApplyEvents:
    """Apply the events that are due, a batch at a time; how many were taken up. Zero means that none is due.

    Once `is_stopping`, no further one is begun: those that were claimed go back at once, for others to claim.

    An event that cannot be applied waits for its next try with the error beside it, and holds up no other.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        dice: Dice,
        handlers: Mapping[str, Handler[Any]],
        even_disconnected: frozenset[str],
        lease: timedelta,
        measurements: Measurements,
    ) -> None:
        """`even_disconnected`: the types that mean something after a disconnect, too."""
        self._store, self._clock, self._dice = store, clock, dice
        self._handlers, self._even_disconnected, self._lease = handlers, even_disconnected, lease
        self._measurements = measurements

    def __call__(self, is_stopping: Callable[[], bool] = _never) -> int:
        now = self._clock.now()
        with self._store.writing() as work:
            claimed = work.inbox.claim(now, now + self._lease, _BATCH)
            work.commit()
        for number, event in enumerate(claimed):
            if is_stopping():
                self._hand_back(claimed[number:])
                break
            try:
                self._apply(event)
            except Exception as error:
                self._put_back(event, error)
        return len(claimed)

    def _apply(self, event: WebhookEvent) -> None:
        handler = self._handlers.get(event.event_type)
        reason = _skip_unread(event, is_known=handler is not None)
        if handler is None or reason is not None:
            self._settle(event.skipped(reason or SkipReason.UNKNOWN_TYPE, self._clock.now()))
            return
        parsed = event.parse()
        fetched: Fetched[Any] | None = None
        for _ in range(_MOST_LOOKS):
            with self._store.writing() as work:
                verdict = self._verdict(work, handler, event, parsed, fetched)
                if not isinstance(verdict, NeedsCurrent):
                    now = self._clock.now()
                    done = (
                        event.processed(now)
                        if isinstance(verdict, Applied)
                        else event.skipped(verdict.reason, now)
                    )
                    if work.inbox.settle(done):
                        work.commit()
                        self._measurements.event(done)
                    return
            fetched = Fetched(handler.fetch(event.account_id, parsed), verdict.version)
        raise _Contended

    def _verdict(
        self,
        work: UnitOfWork,
        handler: Handler[Any],
        event: WebhookEvent,
        parsed: StripeEvent,
        fetched: Fetched[Any] | None,
    ) -> Verdict:
        # Asked again, though receiving has asked before: a replay brings back what was skipped there.
        if parsed.account not in (None, event.account_id):
            return Skipped(SkipReason.OTHER_ACCOUNT)
        integration = work.integrations.find(event.integration_id or 0)
        if integration is not None and event.livemode is not integration.livemode:
            return Skipped(SkipReason.OTHER_LIVEMODE)
        is_joined = integration is not None and integration.stripe_account_id == event.account_id
        if not is_joined and event.event_type not in self._even_disconnected:
            return Skipped(SkipReason.DISCONNECTED)
        return handler.apply(work, event.account_id, parsed, fetched)

    def _settle(self, event: WebhookEvent) -> None:
        with self._store.writing() as work:
            work.inbox.settle(event)
            work.commit()
        self._measurements.event(event)

    def _hand_back(self, events: Sequence[WebhookEvent]) -> None:
        with self._store.writing() as work:
            for event in events:
                work.inbox.settle(event.put_down(self._clock.now()))
            work.commit()
        _log.info("events handed back", extra={"events": len(events)})

    def _put_back(self, event: WebhookEvent, error: Exception) -> None:
        is_stripes = isinstance(error, GatewayError)
        waiting = event.retry_or_fail(
            _in_words(error),
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
        self._settle(waiting)


def _skip_unread(event: WebhookEvent, *, is_known: bool) -> SkipReason | None:
    if not is_known:
        return SkipReason.UNKNOWN_TYPE
    return SkipReason.NO_INTEGRATION if event.integration_id is None else None


def _in_words(error: Exception) -> str:
    """For operators: what went wrong, and where. What Stripe or a database said stays in the logs."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else "unknown place"
    if isinstance(error, GatewayError):
        return f"{type(error).__name__} at {place}: {error.reason}"[:500]
    text = error.message if isinstance(error, BridgeError) else ""
    return f"{type(error).__name__} at {place}{': ' if text else ''}{text}"[:500]
