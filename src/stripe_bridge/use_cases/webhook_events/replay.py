"""Replaying stored webhook events: applying them again as if they had just arrived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from stripe_bridge.domain.changes.acts import event_replayed
from stripe_bridge.domain.errors.conflicts import EventBeingProcessed
from stripe_bridge.domain.errors.rules import PayloadPurged
from stripe_bridge.domain.webhook_event import WebhookEvent
from stripe_bridge.ports.nudges import Nudges
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.webhook_events.plan import is_being_processed


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Events as they were before. `purged`: their payload is no longer kept. `more`: how many match beyond the limit."""

    queued: Sequence[WebhookEvent]
    being_processed: Sequence[WebhookEvent]
    purged: Sequence[WebhookEvent]
    more: int


class ReplayWebhookEvents:
    """Queue the oldest matching events again, at most `limit`, except those that are being processed and those whose payload
    is no longer kept. The latter are reported only if they were selected by id.

    Each has a transaction of its own, so that others need not wait; what was queued stays queued if the rest fails. `dry_run`
    changes nothing. A tenant of None means all tenants: for operators only.
    """

    def __init__(self, store: Store, clock: Clock, nudges: Nudges) -> None:
        self._store, self._clock, self._nudges = store, clock, nudges

    def __call__(self, tenant_id: str | None, matching: EventFilter, limit: int, *, dry_run: bool) -> Replay:
        if matching.ids is None:
            matching = replace(matching, with_payload=True)
        with self._store.reading() as work:
            found = work.inbox.oldest(tenant_id, matching, limit)
            more = work.inbox.count(tenant_id, matching) - len(found)
        queued: list[WebhookEvent] = []
        being_processed: list[WebhookEvent] = []
        purged: list[WebhookEvent] = []
        for event in found:
            try:
                self._check_only(event) if dry_run else self._queue(event)
            except EventBeingProcessed:
                being_processed.append(event)
            except PayloadPurged:
                purged.append(event)
            else:
                queued.append(event)
        if queued and not dry_run:
            self._nudges.inbox()
        return Replay(queued=queued, being_processed=being_processed, purged=purged, more=more)

    def _check_only(self, event: WebhookEvent) -> None:
        with self._store.reading() as work:
            _check(work, event, self._clock.now())

    def _queue(self, event: WebhookEvent) -> None:
        with self._store.writing() as work:
            requeue(work, work.inbox.get(None, event.id, lock=True), self._clock.now())
            work.commit()


def requeue(work: UnitOfWork, event: WebhookEvent, now: datetime) -> None:
    """`event` is locked. Raises EventBeingProcessed, PayloadPurged."""
    _check(work, event, now)
    work.inbox.requeue(event.id, now)
    work.acts.add(event_replayed(event, work.origin))


def _check(work: UnitOfWork, event: WebhookEvent, now: datetime) -> None:
    """Raises EventBeingProcessed, PayloadPurged."""
    if is_being_processed(event, now):
        raise EventBeingProcessed
    if not work.inbox.payload(None, event.id):
        raise PayloadPurged
