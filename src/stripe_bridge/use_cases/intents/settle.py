"""Settling intents: every call that changes something at Stripe is made here, and here only."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeGuard

from stripe_bridge.domain.clock_skew import Skew
from stripe_bridge.domain.errors.conflicts import StaleWrite
from stripe_bridge.domain.errors.describe import describe_error
from stripe_bridge.domain.intent import Intent, IntentState, LeasePolicy, Operation
from stripe_bridge.domain.origin import SERVICE, Origin
from stripe_bridge.domain.recovery import GIVEN_UP, HELD, is_held
from stripe_bridge.ports.metrics import Metrics
from stripe_bridge.ports.origin import acting_as
from stripe_bridge.ports.storage.intents import Leased
from stripe_bridge.ports.storage.unit_of_work import Store, StoreUnavailable, UnitOfWork
from stripe_bridge.ports.stripe.errors import (
    AccessRevoked,
    CallNotAccepted,
    GatewayError,
    GatewayRefused,
    KeySpent,
    ObjectMissing,
)
from stripe_bridge.ports.system import Clock, Randomness, never_stopping
from stripe_bridge.ports.tracing import Fact, Tracing
from stripe_bridge.use_cases.intents.step import Step

_log = logging.getLogger(__name__)
_BATCH_SIZE = 50
# A second is longer than a commit takes.
_HOLDS_KNOWN_FOR = timedelta(seconds=1)
_HELD = "held until what was made at Stripe before the database was restored is known again"
_NOT_DONE = "the database was restored, and Stripe does not have it"


class SettleIntent:
    """Drive a due intent, and those that follow from it, as far as Stripe lets it go now.

    What cannot be finished stays planned or unknown with a later due time. An intent that is not due is left alone: another
    worker has leased it, or it is settled.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        randomness: Randomness,
        steps: Mapping[Operation, Step[Any]],
        leases: LeasePolicy,
        metrics: Metrics,
        tracing: Tracing,
    ) -> None:
        self._store, self._clock, self._randomness = store, clock, randomness
        self._steps, self._leases, self._metrics, self._tracing = steps, leases, metrics, tracing

    def __call__(self, intent_id: int) -> None:
        with self._tracing.span("settle intent", {"intent.id": intent_id}):
            with self._store.writing() as work:
                intent = work.intents.find(intent_id, lock=True)
                if intent is None or not intent.is_due(self._clock.now()) or not self.may_call():
                    return
                must_check = intent.may_have_happened
                leased = work.intents.save(intent.lease(self._clock.now(), self._leases))
                work.commit()
            self._run(Leased(leased, may_be_held=True), must_check=must_check)

    def lease(self, work: UnitOfWork, planned: Intent) -> Leased:
        """Add a planned intent that is leased to the caller from the start, without a commit of its own. If this process
        makes no calls, it stays planned, for others.

        Raises IntentUnsettled.
        """
        return work.intents.add_leased(
            planned.lease(self._clock.now(), self._leases) if self.may_call() else planned
        )

    def may_call(self) -> bool:
        """Whether this process makes calls: not while its host's clock is far off."""
        return Skew.of(self._clock.skew()) is not Skew.TOO_LARGE

    def run_leased(self, leased: Leased) -> None:
        """Settle what `lease` returned, once that is committed."""
        if leased.intent.state is IntentState.PLANNED:
            return
        with self._tracing.span("settle intent", {"intent.id": leased.intent.id}):
            self._run(leased, must_check=False)

    def _run(self, leased: Leased, *, must_check: bool) -> None:
        """What is done for an intent is done by whoever asked for it, also by a worker after a crash."""
        try:
            with acting_as(_origin(leased.intent)):
                following = self._advance(leased, must_check=must_check)
            while following is not None and following.intent.state is not IntentState.PLANNED:
                with acting_as(_origin(following.intent)):
                    following = self._advance(following, must_check=False)
        except StaleWrite:
            # We took longer than our lease, and another worker took over: what it finds at Stripe counts.
            _log.warning("intent lease lost", extra={"intent_id": leased.intent.id})

    def _advance(self, leased: Leased, *, must_check: bool) -> Leased | None:
        """Make one call and return the leased intent that follows, if any. A bug of ours counts as an unknown outcome."""
        intent = leased.intent
        try:
            return self._call_step(self._steps[intent.operation], leased, must_check=must_check)
        except (StaleWrite, StoreUnavailable):
            raise
        except Exception as error:
            _log.exception("intent could not be settled", extra=_log_facts(intent))
            with self._store.reading() as work:
                current = work.intents.find(intent.id)
            if current is not None and not current.is_settled and current.attempts == intent.attempts:
                self._mark_unknown(current, describe_error(error))
            return None

    def _call_step(self, step: Step[Any], leased: Leased, *, must_check: bool) -> Leased | None:
        intent = leased.intent
        try:
            if must_check:
                with self._tracing.span(f"check {intent.operation}", _span_facts(intent)):
                    found = step.find_effect(intent)
                if found is not None:
                    return self._succeed(step, intent, found)
                if not self._may_call_again(intent):
                    return None
        except GatewayError as error:
            if _proves_absence(error, intent):
                return self._refuse(step, intent, error)
            self._mark_unknown(intent, error.reason, is_access_revoked=isinstance(error, AccessRevoked))
            return None
        if self._clock.now() >= intent.due_at:
            # We were held up for longer than our lease: another worker may be making the call.
            return None
        if self._is_held(leased):
            return self._hold(step, intent)
        return self._call(step, intent, was_called_before=must_check)

    def _call(self, step: Step[Any], intent: Intent, *, was_called_before: bool) -> Leased | None:
        try:
            with self._tracing.span(f"call {intent.operation}", _span_facts(intent)):
                result = step.call(intent)
        except GatewayRefused as error:
            return self._refuse(step, intent, error)
        except GatewayError as error:
            self._keep_open(intent, error, was_called_before=was_called_before)
            return None
        return self._succeed(step, intent, result)

    def _may_call_again(self, intent: Intent) -> bool:
        """Whether the call may be made again under its key, now that Stripe shows no effect."""
        now = self._clock.now()
        if not intent.absence_is_conclusive(now, self._leases):
            self._mark_unknown(intent, "Stripe shows no effect yet")
            return False
        if not intent.is_key_usable(now):
            self._renew_key(intent, "Stripe shows no effect, and may have forgotten the key")
            return False
        return True

    def _keep_open(self, intent: Intent, error: GatewayError, *, was_called_before: bool) -> None:
        if isinstance(error, KeySpent):
            self._renew_key(intent, error.reason)
        elif isinstance(error, CallNotAccepted) and not was_called_before:
            self._postpone(intent, error.reason)
        else:
            # That Stripe did not accept this call says nothing about the one before it.
            self._mark_unknown(intent, error.reason)

    def _hold(self, step: Step[Any], intent: Intent) -> Leased | None:
        """Stripe has no effect of it: what would begin something is given up, the rest waits until the hold is released."""
        if intent.operation in GIVEN_UP:
            return self._refuse(step, intent, GatewayRefused(_NOT_DONE))
        self._mark_unknown(intent, _HELD)
        return None

    def _is_held(self, leased: Leased) -> bool:
        intent = leased.intent
        if intent.operation not in HELD or intent.tenant_id is None:
            return False
        # It is the call that the hold has to come before, so what was seen when it was leased counts only for a moment.
        if not leased.may_be_held and self._clock.now() - intent.updated_at < _HOLDS_KNOWN_FOR:
            return False
        with self._store.autocommit() as work:
            holds = work.recoveries.holds_of(intent.tenant_id)
        return is_held(holds, intent.account_id)

    def _succeed(self, step: Step[Any], intent: Intent, result: object) -> Leased | None:
        with self._store.writing() as work:
            confirmed = work.intents.save(intent.confirm(self._clock.now()))
            planned = step.on_success(work, confirmed, result)
            following = None if planned is None else self.lease(work, planned)
            work.commit()
        self._metrics.intent(confirmed)
        _log.info("intent confirmed", extra=_log_facts(intent))
        return following

    def _refuse(self, step: Step[Any], intent: Intent, error: GatewayRefused) -> Leased | None:
        with self._store.writing() as work:
            failed = work.intents.save(intent.fail(error.reason, self._clock.now(), error.refusal))
            planned = step.on_refusal(work, failed, error)
            following = None if planned is None else self.lease(work, planned)
            work.commit()
        self._metrics.intent(failed)
        _log.warning("intent refused by Stripe", extra={**_log_facts(intent), "reason": error.reason})
        return following

    def _postpone(self, intent: Intent, reason: str) -> None:
        postponed = self._save(intent.postpone(reason, self._clock.now(), jitter=self._randomness.jitter()))
        self._metrics.intent(postponed)
        _log.warning("intent postponed", extra={**_log_facts(intent), "reason": reason})

    def _mark_unknown(self, intent: Intent, reason: str, *, is_access_revoked: bool = False) -> None:
        now = self._clock.now()
        unknown = self._save(
            intent.wait_for_access(reason, now)
            if is_access_revoked
            else intent.mark_unknown(reason, now, jitter=self._randomness.jitter())
        )
        self._metrics.intent(unknown)
        _log.warning("intent outcome unknown", extra={**_log_facts(intent), "reason": reason})

    def _renew_key(self, intent: Intent, reason: str) -> None:
        renewed = self._save(intent.renew_key(reason, self._clock.now(), self._leases))
        self._metrics.intent(renewed)
        _log.warning("idempotency key renewed", extra={**_log_facts(renewed), "reason": reason})

    def _save(self, intent: Intent) -> Intent:
        with self._store.writing() as work:
            saved = work.intents.save(intent)
            work.commit()
        return saved


class SettleDueIntents:
    """Settle the intents that are due: those that crashed, were postponed, or were planned for later. Returns how many.

    Once `is_stopping`, no further intent is begun.
    """

    def __init__(self, store: Store, clock: Clock, settle: SettleIntent) -> None:
        self._store, self._clock, self._settle = store, clock, settle

    def __call__(self, is_stopping: Callable[[], bool] = never_stopping) -> int:
        if not self._settle.may_call():
            return 0
        with self._store.reading() as work:
            due = work.intents.due(self._clock.now(), _BATCH_SIZE)
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
    """Whether a lookup that fails like this shows that there is no effect, or none that could matter.

    That Stripe refuses the lookup says nothing about the call before it: if our access was revoked, an intent that must be
    resolved is kept until we have access again.
    """
    return isinstance(error, ObjectMissing) or (
        isinstance(error, AccessRevoked) and not intent.must_be_resolved
    )


def _origin(intent: Intent) -> Origin:
    return (intent.origin or SERVICE).because(intent_id=intent.id)


def _log_facts(intent: Intent) -> dict[str, object]:
    return {
        "intent_id": intent.id,
        "operation": intent.operation.value,
        "subject": intent.subject,
        "account_id": intent.account_id,
        "revision": intent.revision,
        "attempts": intent.attempts,
    }


def _span_facts(intent: Intent) -> dict[str, Fact]:
    return {
        "intent.id": intent.id,
        "intent.subject": intent.subject,
        "intent.revision": intent.revision,
        "stripe.account": intent.account_id or "platform",
    }
