"""Catching up: fetching the events that never arrived by webhook from Stripe's list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from stripe_bridge.domain.errors.outcomes import PayloadMalformed
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.receiver import SUBSCRIBED_EVENTS
from stripe_bridge.domain.reconciliation import Drift, ReconcileProgress, gap_after
from stripe_bridge.domain.webhook_event import EventStatus, StripeEvent, parse_event
from stripe_bridge.ports.nudges import Nudges
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.stripe.events import EventGateway
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.webhook_events.receive import StoreFetchedEvent


class FetchMissedEvents:
    """Store those events of a connected integration that are missing here, for workers to apply, and note whether webhooks
    get through. Raises GatewayError."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        nudges: Nudges,
        events: EventGateway,
        store_fetched_event: StoreFetchedEvent,
    ) -> None:
        self._store, self._clock, self._nudges = store, clock, nudges
        self._events, self._store_fetched_event = events, store_fetched_event

    def __call__(
        self,
        integration: Integration,
        account_id: str,
        since: datetime,
        findings: ReconcileProgress,
        hold: Callable[[], None],
        tell: Callable[[str], None],
    ) -> None:
        begun_at = self._clock.now()
        with self._store.reading() as work:
            before = work.reconciliations.gap(integration.id)
        missed: list[datetime] = []
        came: list[datetime] = []
        is_any_due = False
        for page in self._events.pages_since(account_id, since):
            hold()
            read = [(event, body) for body in page if (event := _read(body, findings)) is not None]
            # The same order in which incoming webhooks are stored, so that the two cannot deadlock.
            events = sorted(read, key=lambda each: (each[0].livemode, each[0].id))
            with self._store.writing() as work:
                kept = [(event, self._store_fetched_event(work, event, body)) for event, body in events]
                # Events from before the account was joined do not come by webhook.
                told = [each for each in kept if _is_since(integration, each[0])]
                missed += [event.created_at for event, new in told if new is not None]
                came += [event.created_at for event, new in told if new is None]
                gap = gap_after(before, missed, max(came, default=None), begun_at)
                # In the same transaction as the events: once they are here, nothing else shows how they arrived.
                work.reconciliations.save_gap(integration.id, gap)
                work.commit()
            stored = [new for _, new in kept if new is not None]
            is_any_due = is_any_due or any(new.status is EventStatus.RECEIVED for new in stored)
            findings.events += len(page)
            findings.drift[Drift.MISSED_EVENT] += len(stored)
            tell(f"{findings.events} events, {findings.drift[Drift.MISSED_EVENT]} of them missed")
        if is_any_due:
            self._nudges.inbox()


def _is_since(integration: Integration, event: StripeEvent) -> bool:
    return integration.connected_at is not None and event.created_at >= integration.connected_at


def _read(body: bytes, findings: ReconcileProgress) -> StripeEvent | None:
    """None for an event that would not have come by webhook, and so was not missed."""
    try:
        event = parse_event(body)
    except PayloadMalformed as error:
        findings.faults.append(f"an event: {error.message}")
        return None
    return event if event.type in SUBSCRIBED_EVENTS else None
