"""Replaying stored webhook events: applying them again as if they had just arrived."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from stripe_bridge.domain.changes.acts import event_replayed
from stripe_bridge.domain.errors.conflicts import EventBeingProcessed
from stripe_bridge.domain.errors.rules import PayloadPurged
from stripe_bridge.domain.webhook_event import WebhookEvent
from stripe_bridge.ports.nudges import Nudges
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.webhook_events.plan import find_events


class ReplayWebhookEvent:
    """Requeue an event, whatever its status. Raises WebhookEventNotFound, EventBeingProcessed,
    PayloadPurged.

    A tenant of None means any tenant: for operators only.
    """

    def __init__(self, store: Store, clock: Clock, nudges: Nudges) -> None:
        self._store, self._clock, self._nudges = store, clock, nudges

    def __call__(self, tenant_id: str | None, event_id: int) -> WebhookEvent:
        with self._store.writing() as work:
            event = work.inbox.get(tenant_id, event_id, lock=True)
            requeue(work, event, self._clock.now())
            work.commit()
        self._nudges.inbox()
        return event


class ReplayWebhookEvents:
    """Queue the oldest matching events again, at most `limit`, without a plan; except those that are being processed and those
    whose payload is no longer kept. Returns how many were queued.

    Each has a transaction of its own, so that others need not wait; what was queued stays queued if the rest fails. A tenant
    of None means all tenants: for operators only.
    """

    def __init__(self, store: Store, clock: Clock, nudges: Nudges) -> None:
        self._store, self._clock, self._nudges = store, clock, nudges

    def __call__(self, tenant_id: str | None, matching: EventFilter, limit: int) -> int:
        with self._store.reading() as work:
            found = find_events(work, tenant_id, matching, limit)
        queued = 0
        for event in found:
            with suppress(EventBeingProcessed, PayloadPurged):
                self._queue(event.id)
                queued += 1
        if queued:
            self._nudges.inbox()
        return queued

    def _queue(self, event_id: int) -> None:
        with self._store.writing() as work:
            requeue(work, work.inbox.get(None, event_id, lock=True), self._clock.now())
            work.commit()


def requeue(work: UnitOfWork, event: WebhookEvent, now: datetime) -> None:
    """`event` is locked. Raises EventBeingProcessed, PayloadPurged."""
    if event.is_being_processed(now):
        raise EventBeingProcessed
    if not work.inbox.payload(None, event.id):
        raise PayloadPurged
    work.inbox.requeue(event.id, now)
    work.acts.add(event_replayed(event, work.origin))
