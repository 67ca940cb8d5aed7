"""Subscribers and their deliveries, on the tables of one transaction."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from stripe_bridge.domain.errors.base import SubscriberNotFound
from stripe_bridge.domain.errors.rules import TooManySubscribers
from stripe_bridge.domain.subscriber import KEPT_DELIVERIES, MAX_SUBSCRIBERS, Delivery, Subscriber
from stripe_bridge.ports.metrics import SubscribersBacklog
from stripe_bridge.ports.storage.subscribers import Due
from tests.fakes.storage.tables import Tables, add, save


class FakeSubscribers:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._rows, self._deliveries = tables.subscribers, tables.deliveries

    def add(self, subscriber: Subscriber) -> Subscriber:
        taken = {each.slot for each in self.of_tenant(subscriber.tenant_id)}
        free = [slot for slot in range(1, MAX_SUBSCRIBERS + 1) if slot not in taken]
        if not free:
            raise TooManySubscribers(MAX_SUBSCRIBERS)
        return add(self._rows, replace(subscriber, slot=free[0]))

    def get(self, tenant_id: str, subscriber_id: int, *, lock: bool = False) -> Subscriber:
        found = self.find(subscriber_id, lock=lock)
        if found is None or found.tenant_id != tenant_id:
            raise SubscriberNotFound
        return found

    def find(self, subscriber_id: int, *, lock: bool = False) -> Subscriber | None:
        return self._rows.find(subscriber_id, lock=lock)

    def of_tenant(self, tenant_id: str) -> Sequence[Subscriber]:
        return self._rows.matching(lambda each: each.tenant_id == tenant_id)

    def all(self) -> Sequence[Subscriber]:
        return self._rows.matching(lambda _each: True)

    def save(self, subscriber: Subscriber) -> Subscriber:
        return save(self._rows, subscriber)

    def remove(self, subscriber_id: int) -> None:
        for delivery in self.deliveries(subscriber_id):
            self._deliveries.remove(delivery.id)
        self._rows.remove(subscriber_id)

    def due(self, now: datetime, limit: int) -> Due:
        due = [each for each in self.all() if _is_due(each, now) and self._latest(each) > each.examined]
        due = sorted(due, key=lambda each: (each.failures > 0, each.next_attempt_at, each.id))[:limit]
        return Due(
            is_polled=any(each.enabled for each in self.all()),
            healthy=[each.id for each in due if not each.failures],
            failing=[each.id for each in due if each.failures],
        )

    def claim(self, subscriber_id: int, lease: str, now: datetime, until: datetime) -> Subscriber | None:
        found = self.find(subscriber_id, lock=True)
        if found is None or not _is_due(found, now):
            return None
        return self.save(replace(found, lease=lease, leased_until=until))

    def add_delivery(self, delivery: Delivery) -> None:
        add(self._deliveries, delivery)
        for old in self.deliveries(delivery.subscriber_id)[KEPT_DELIVERIES:]:
            self._deliveries.remove(old.id)

    def deliveries(self, subscriber_id: int) -> Sequence[Delivery]:
        return self._deliveries.matching(lambda each: each.subscriber_id == subscriber_id)[::-1]

    def backlog(self, tenant_id: str | None = None) -> SubscribersBacklog:
        theirs = [each for each in self.all() if tenant_id in (None, each.tenant_id)]
        behind = [each for each in theirs if each.enabled and self._latest(each) > each.examined]
        first = [self._tables.changes.find((each.tenant_id, each.examined + 1)) for each in behind]
        return SubscribersBacklog(
            by_state=Counter("enabled" if each.enabled else str(each.disabled_reason) for each in theirs),
            behind=sum(self._latest(each) - each.examined for each in behind),
            oldest_at=min((each.occurred_at for each in first if each), default=None),
        )

    def _latest(self, subscriber: Subscriber) -> int:
        head = self._tables.change_heads.find(subscriber.tenant_id)
        return 0 if head is None else head.sequence


def _is_due(subscriber: Subscriber, now: datetime) -> bool:
    is_free = subscriber.leased_until is None or subscriber.leased_until <= now
    return subscriber.enabled and is_free and subscriber.next_attempt_at <= now
