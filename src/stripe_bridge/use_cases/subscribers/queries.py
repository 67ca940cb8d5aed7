"""Subscribers and their deliveries, read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stripe_bridge.domain.subscriber import Delivery, Subscriber
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberView:
    """`behind` is how many changes of its tenant were not looked through for it yet."""

    subscriber: Subscriber
    behind: int


def view_of(work: UnitOfWork, subscriber: Subscriber) -> SubscriberView:
    return views_of(work, [subscriber])[0]


def views_of(work: UnitOfWork, subscribers: Sequence[Subscriber]) -> Sequence[SubscriberView]:
    """The ends of their logs are read in one statement."""
    heads = work.changes.heads({each.tenant_id for each in subscribers}) if subscribers else {}
    latest = {tenant_id: head.sequence for tenant_id, head in heads.items()}
    return [
        SubscriberView(subscriber=each, behind=max(0, latest.get(each.tenant_id, 0) - each.examined))
        for each in subscribers
    ]


class ListSubscribers:
    """Oldest first."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str) -> Sequence[SubscriberView]:
        with self._store.reading() as work:
            return views_of(work, work.subscribers.of_tenant(tenant_id))

    def of_all_tenants(self) -> Sequence[SubscriberView]:
        with self._store.reading() as work:
            return views_of(work, work.subscribers.all())


class ShowSubscriber:
    """Raises SubscriberNotFound."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str, subscriber_id: int) -> SubscriberView:
        with self._store.reading() as work:
            return view_of(work, work.subscribers.get(tenant_id, subscriber_id))


class ListDeliveries:
    """The last hundred attempts, newest first. Raises SubscriberNotFound."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str, subscriber_id: int) -> Sequence[Delivery]:
        with self._store.reading() as work:
            work.subscribers.get(tenant_id, subscriber_id)
            return work.subscribers.deliveries(subscriber_id)
