"""A batch of arriving events: what stores it, and what its statement has in common on all databases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Protocol

from sqlalchemy import literal_column

from stripe_bridge.adapters.database.repositories.inbox_insert import COLUMNS, KEY, owner_of
from stripe_bridge.domain.webhook_event import WebhookEvent

Key = tuple[str, bool, str]


class BatchInsert(Protocol):
    async def store(self, events: Sequence[WebhookEvent]) -> set[Key]:
        """Store and commit the events, and return the keys of new ones. One call at a time. Raises StoreUnavailable."""
        ...

    def close(self) -> None: ...


key_of: Callable[[WebhookEvent], Key] = attrgetter(*KEY)
_OWNER = owner_of(literal_column("incoming.account_id")).compile(compile_kwargs={"literal_binds": True})


def statement(template: str, rows: str) -> str:
    """The template with what `inbox_insert` says: the columns, the key, and the query for an incoming row's owner."""
    return template.format(columns=", ".join(COLUMNS), key=", ".join(KEY), owner=_OWNER, rows=rows)
