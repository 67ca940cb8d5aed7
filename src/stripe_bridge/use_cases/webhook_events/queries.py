"""Stored webhook events, as callers and operators see them."""

from __future__ import annotations

from dataclasses import replace

from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.webhook_event import WebhookEvent
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.ports.storage.unit_of_work import Store


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
    """With its payload if asked for. A tenant of None means any tenant. Raises WebhookEventNotFound."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str | None, event_id: int, *, with_payload: bool) -> WebhookEvent:
        with self._store.reading() as work:
            event = work.inbox.get(tenant_id, event_id)
            if not with_payload:
                return event
            return replace(event, payload=work.inbox.payload(tenant_id, event_id))
