"""A batch of arriving events: its columns, its key, and what stores it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Protocol

from stripe_bridge.domain.webhook_event import WebhookEvent

Key = tuple[str, bool, str]


KEY = ("account_id", "livemode", "stripe_event_id")


# The columns that are known when an event arrives; all others are null.
COLUMNS = (
    *KEY,
    "event_type",
    "related_object_id",
    "event_created_at",
    "created_at",
    "updated_at",
    "due_at",
    "status",
    "skip_reason",
    "processed_at",
    "attempts",
    "payload",
)


class BatchInsert(Protocol):
    async def store(self, events: Sequence[WebhookEvent]) -> set[Key]:
        """Store and commit the events, and return the keys of new ones. One call at a time. Raises StoreUnavailable."""
        ...

    def close(self) -> None: ...


key_of: Callable[[WebhookEvent], Key] = attrgetter(*KEY)
