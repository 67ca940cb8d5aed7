"""Resolving intents: operators have calls to Stripe settled now, instead of when their backoff ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from stripe_bridge.domain.changes.acts import intent_resolved
from stripe_bridge.domain.intent import Intent, IntentState
from stripe_bridge.ports.storage.intents import IntentBeingSettled
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.intents.queries import get_intent
from stripe_bridge.use_cases.intents.settle import SettleIntent


class ResolveIntent:
    """Settle an intent now instead of when its backoff ends, and return it as it is then. A settled one stays as it is.

    This is as safe as waiting: Stripe is checked before a call is made again. Raises IntentNotFound, also for another tenant's
    if one is given, and IntentBeingSettled while a worker holds its lease. `dry_run` raises the same and changes nothing.
    """

    def __init__(self, store: Store, clock: Clock, settle: SettleIntent) -> None:
        self._store, self._clock, self._settle = store, clock, settle

    def __call__(self, intent_id: int, *, tenant_id: str | None = None, dry_run: bool = False) -> Intent:
        now = self._clock.now()
        with self._store.writing() as work:
            intent = get_intent(work, intent_id, tenant_id, lock=True)
            if intent.is_settled:
                return intent
            if intent.state is IntentState.SENT and not intent.is_due(now):
                raise IntentBeingSettled
            if dry_run:
                return intent
            if not intent.is_due(now):
                work.intents.save(replace(intent, due_at=now, updated_at=now))
            work.acts.add(intent_resolved(intent, work.origin))
            work.commit()
        self._settle(intent_id)
        with self._store.reading() as work:
            return get_intent(work, intent_id)


class ResolveDueIntents:
    """Settle the intents that are due, longest overdue first, at most `limit`, once each, and return them as they are then.

    `dry_run` changes nothing.
    """

    def __init__(self, store: Store, clock: Clock, settle: SettleIntent) -> None:
        self._store, self._clock, self._settle = store, clock, settle

    def __call__(self, limit: int, *, dry_run: bool) -> Sequence[Intent]:
        with self._store.reading() as work:
            due = work.intents.due(self._clock.now(), limit)
        for intent_id in () if dry_run else due:
            self._record(intent_id)
            self._settle(intent_id)
        with self._store.reading() as work:
            return [get_intent(work, intent_id) for intent_id in due]

    def _record(self, intent_id: int) -> None:
        """Unless it is being settled by now."""
        with self._store.writing() as work:
            intent = get_intent(work, intent_id, lock=True)
            if intent.is_due(self._clock.now()):
                work.acts.add(intent_resolved(intent, work.origin))
                work.commit()


def resume_waiting_intents(work: UnitOfWork, account_id: str, now: datetime) -> bool:
    """Make the waiting calls in this account due now, since we have access to it again. Whether there were any."""
    was_any = False
    for seen in work.intents.unsettled_in_account(account_id):
        waiting = work.intents.find(seen.id, lock=True) or seen
        due = waiting.make_due(now)
        if due != waiting:
            work.intents.save(due)
            was_any = True
    return was_any
