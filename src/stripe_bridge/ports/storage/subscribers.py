"""Subscribers, stored. Everything here happens inside a unit of work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from stripe_bridge.domain.subscriber import Delivery, Subscriber
from stripe_bridge.ports.metrics import SubscribersBacklog


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Subscribers for which there is something now, those that fail last. `is_polled`: whether any is enabled at all."""

    is_polled: bool
    healthy: Sequence[int] = ()
    failing: Sequence[int] = ()


class Subscribers(Protocol):
    def add(self, subscriber: Subscriber) -> Subscriber:
        """Returns it with its id and its slot. Raises TooManySubscribers."""
        ...

    def get(self, tenant_id: str, subscriber_id: int, *, lock: bool = False) -> Subscriber:
        """Raises SubscriberNotFound."""
        ...

    def find(self, subscriber_id: int, *, lock: bool = False) -> Subscriber | None: ...

    def of_tenant(self, tenant_id: str) -> Sequence[Subscriber]:
        """Oldest first."""
        ...

    def all(self) -> Sequence[Subscriber]:
        """Over all tenants, oldest first."""
        ...

    def save(self, subscriber: Subscriber) -> Subscriber:
        """Raises StaleWrite."""
        ...

    def remove(self, subscriber_id: int) -> None:
        """With its deliveries."""
        ...

    def due(self, now: datetime, limit: int) -> Due:
        """At most `limit` that are enabled, whose next attempt is due, to which nobody is delivering, and whose tenant's log
        has entries beyond what was examined. In one statement."""
        ...

    def claim(self, subscriber_id: int, lease: str, now: datetime, until: datetime) -> Subscriber | None:
        """Lease it for a delivery that is due; None if it is not, or somebody else has it. No two claimers get it."""
        ...

    def add_delivery(self, delivery: Delivery) -> None:
        """Only the newest hundred of a subscriber are kept."""
        ...

    def deliveries(self, subscriber_id: int) -> Sequence[Delivery]:
        """Newest first."""
        ...

    def backlog(self, tenant_id: str | None = None) -> SubscribersBacklog:
        """Of a tenant's, or of all."""
        ...
