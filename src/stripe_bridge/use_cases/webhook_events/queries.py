"""Stored webhook events, as callers and operators see them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from stripe_bridge.domain.access import Permission
from stripe_bridge.domain.changes.acts import payload_read
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.webhook_event import WebhookEvent
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock

# How often it is recorded that the same reader reads the same payload.
_READ_EVERY = timedelta(hours=1)


class ListWebhookEvents:
    """Newest first, without payloads. An event that belongs to no integration is in no tenant's list.

    A tenant of None means all tenants and those events, too: for operators only.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(
        self, tenant_id: str | None, matching: EventFilter, request: PageRequest
    ) -> Page[WebhookEvent]:
        with self._store.reading() as work:
            return work.inbox.page(tenant_id, matching, request)


class ShowWebhookEvent:
    """With its payload if asked for; who has read it is recorded. Of an event that may be about anything the merchant does at
    Stripe that takes a permission of its own. A tenant of None means any tenant.

    Raises WebhookEventNotFound, and what `check` raises.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(
        self,
        tenant_id: str | None,
        event_id: int,
        *,
        with_payload: bool,
        check: Callable[[Permission], None] = lambda _: None,
    ) -> WebhookEvent:
        with self._store.reading() as work:
            event = work.inbox.get(tenant_id, event_id)
            if not with_payload:
                return event
            if not event.is_known_to_be_ours:
                check(Permission.READ_FOREIGN_PAYLOADS)
            payload = work.inbox.payload(tenant_id, event_id)
        with self._store.writing() as work:
            actor = work.origin.actor
            key = f"payload {event_id} {actor.type} {actor.id}"
            work.acts.add_at_most_once(payload_read(event, work.origin), key, self._clock.now(), _READ_EVERY)
            work.commit()
        return replace(event, payload=payload)
