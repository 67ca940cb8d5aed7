"""Settling intents: every call that changes something at Stripe is made here, and here only."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from stripe_bridge.domain.errors.conflicts import StaleWrite
from stripe_bridge.domain.errors.describe import describe_error
from stripe_bridge.domain.intent import Intent, LeasePolicy, Operation
from stripe_bridge.ports.metrics import Metrics
from stripe_bridge.ports.storage.unit_of_work import Store, StoreUnavailable, UnitOfWork
from stripe_bridge.ports.stripe.errors import (
    AccessRevoked,
    CallNotAccepted,
    GatewayError,
    GatewayRefused,
    ObjectMissing,
    OutcomeUnknown,
)
from stripe_bridge.ports.system import Clock, Randomness, never_stopping
from stripe_bridge.use_cases.intents.step import Settle, Step

_log = logging.getLogger(__name__)
_BATCH = 50


class SettleIntent:
    """Drive a due intent, and those that follow from it, as far as Stripe lets it go now.

    What cannot be finished stays planned or unknown with a later due time. Nothing happens if the intent is not due: somebody
    else is working on it, or it is done.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        randomness: Randomness,
        steps: Mapping[Operation, Step[Any]],
        patience: LeasePolicy,
        metrics: Metrics,
    ) -> None:
        self._store, self._clock, self._dice = store, clock, randomness
        self._steps, self._patience, self._measurements = steps, patience, metrics

    def __call__(self, intent_id: int) -> None:
        with self._store.writing() as work:
            intent = work.intents.find(intent_id, lock=True)
            if intent is None or not intent.is_due(self._clock.now()):
                return
            must_look = intent.may_have_happened
            intent = work.intents.save(intent.take(self._clock.now(), self._patience))
            work.commit()
        self._drive(intent, must_look=must_look)

    def take(self, work: UnitOfWork, planned: Intent) -> Intent:
        """Add a planned intent as already taken by us, so that nobody else can take it, without a commit of its own.

        Raises IntentUnsettled.
        """
        return work.intents.add(planned.take(self._clock.now(), self._patience))

    def go_on(self, taken: Intent) -> None:
        """Settle a taken intent, once that is committed."""
        self._drive(taken, must_look=False)

    def _drive(self, intent: Intent, *, must_look: bool) -> None:
        try:
            following = self._advance(intent, must_look=must_look)
            while following is not None:
                following = self._advance(following, must_look=False)
        except StaleWrite:
            # We took longer than our lease, and somebody took over: what they find at Stripe counts.
            _log.warning("intent was taken over", extra={"intent_id": intent.id})

    def _advance(self, intent: Intent, *, must_look: bool) -> Intent | None:
        """Make one call and return the taken intent that follows, if any. A bug of ours counts as an answer that proves
        nothing."""
        try:
            return self._ask(self._steps[intent.operation], intent, must_look=must_look)
        except (StaleWrite, StoreUnavailable):
            raise
        except Exception as error:
            _log.exception("intent could not be settled", extra=_facts(intent))
            with self._store.reading() as work:
                current = work.intents.find(intent.id)
            if current is not None and not current.is_settled and current.attempts == intent.attempts:
                self._doubt(current, describe_error(error))
            return None

    def _ask(self, step: Step[Any], intent: Intent, *, must_look: bool) -> Intent | None:
        try:
            if must_look:
                found = step.look(intent)
                if found is not None:
                    return self._confirm(step, intent, found)
                if not intent.absence_is_conclusive(self._clock.now(), self._patience):
                    self._doubt(intent, "Stripe shows no effect yet")
                    return None
                intent = self._save(intent.revise(self._clock.now()))
        except GatewayError as error:
            if _proves_absence(error, intent):
                return self._refuse(step, intent, error)
            self._doubt(intent, error.reason, is_locked_out=isinstance(error, AccessRevoked))
            return None
        if self._clock.now() >= intent.due_at:
            # We were held up for longer than our lease: somebody else may be making the call, under another key.
            return None
        try:
            result = step.call(intent)
        except GatewayRefused as error:
            return self._refuse(step, intent, error)
        except CallNotAccepted as error:
            self._postpone(intent, error.reason)
            return None
        except OutcomeUnknown as error:
            self._doubt(intent, error.reason)
            return None
        return self._confirm(step, intent, result)

    def _confirm(self, step: Step[Any], intent: Intent, result: object) -> Intent | None:
        with self._store.writing() as work:
            confirmed = work.intents.save(intent.confirm(self._clock.now()))
            planned = step.confirm(work, confirmed, result)
            following = None if planned is None else self.take(work, planned)
            work.commit()
        self._measurements.intent(confirmed)
        _log.info("intent confirmed", extra=_facts(intent))
        return following

    def _refuse(self, step: Step[Any], intent: Intent, error: GatewayRefused) -> Intent | None:
        with self._store.writing() as work:
            failed = work.intents.save(intent.fail(error.reason, self._clock.now()))
            planned = step.refuse(work, failed, error)
            following = None if planned is None else self.take(work, planned)
            work.commit()
        self._measurements.intent(failed)
        _log.warning("intent refused by Stripe", extra={**_facts(intent), "reason": error.reason})
        return following

    def _postpone(self, intent: Intent, reason: str) -> None:
        postponed = self._save(intent.postpone(reason, self._clock.now(), jitter=self._dice.jitter()))
        self._measurements.intent(postponed)
        _log.warning("intent postponed", extra={**_facts(intent), "reason": reason})

    def _doubt(self, intent: Intent, reason: str, *, is_locked_out: bool = False) -> None:
        now = self._clock.now()
        doubted = self._save(
            intent.wait_for_access(reason, now)
            if is_locked_out
            else intent.mark_unknown(reason, now, jitter=self._dice.jitter())
        )
        self._measurements.intent(doubted)
        _log.warning("intent's outcome is unknown", extra={**_facts(intent), "reason": reason})

    def _save(self, intent: Intent) -> Intent:
        with self._store.writing() as work:
            saved = work.intents.save(intent)
            work.commit()
        return saved


class SettleDueIntents:
    """Settle whatever is due: what crashed, was postponed, or was planned for later. Returns how many were due.

    Once `is_stopping`, no further intent is taken.
    """

    def __init__(self, store: Store, clock: Clock, settle: Settle) -> None:
        self._store, self._clock, self._settle = store, clock, settle

    def __call__(self, is_stopping: Callable[[], bool] = never_stopping) -> int:
        with self._store.reading() as work:
            due = work.intents.due(self._clock.now(), _BATCH)
        for intent_id in due:
            if is_stopping():
                break
            try:
                self._settle(intent_id)
            except Exception:
                # One bad intent must not hold up the rest; it keeps its lease and is due again afterwards.
                _log.exception("intent could not be settled", extra={"intent_id": intent_id})
        return len(due)


def _proves_absence(error: GatewayError, intent: Intent) -> TypeGuard[GatewayRefused]:
    """Whether a look that fails like this shows that there is no effect, or none that could matter.

    That Stripe refuses the *look* says nothing about the call before it: if we are locked out, binding intents are kept until
    we are let in again.
    """
    return isinstance(error, ObjectMissing) or (
        isinstance(error, AccessRevoked) and not intent.must_be_resolved
    )


def _facts(intent: Intent) -> dict[str, object]:
    return {
        "intent_id": intent.id,
        "operation": intent.operation.value,
        "subject": intent.subject,
        "account_id": intent.account_id,
        "revision": intent.revision,
        "attempts": intent.attempts,
    }
