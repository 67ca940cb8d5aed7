"""Logs as operators read them: as they are stored, so that even a damaged one can be looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.changes.verification import StoredEntry
from stripe_bridge.domain.errors.base import ChangeNotFound
from stripe_bridge.ports.storage.unit_of_work import Store

_READ_AT_ONCE = 500
_END = 2**63 - 1


class ListChanges:
    """Newest first, those below `before` and above `after`. A `tenant_id` of "" means what belongs to no tenant."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(
        self,
        tenant_id: str,
        limit: int,
        *,
        before: int | None = None,
        after: int = 0,
        types: frozenset[ChangeType] | None = None,
        sales_order_id: int | None = None,
    ) -> Sequence[StoredEntry]:
        with self._store.reading() as work:
            return work.audit.latest(
                tenant_id, before or _END, limit, after=after, types=types, sales_order_id=sales_order_id
            )


class ShowChange:
    """Raises ChangeNotFound."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str, sequence: int) -> StoredEntry:
        with self._store.reading() as work:
            found = work.audit.entries(tenant_id, sequence - 1, 1)
        if not found or found[0].sequence != sequence:
            raise ChangeNotFound
        return found[0]


class ExportChanges:
    """All entries after one, oldest first. At the end it goes on as long as `wait` says so: that is when to look again."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(
        self, tenant_id: str, after: int = 0, wait: Callable[[], bool] = lambda: False
    ) -> Iterator[StoredEntry]:
        while True:
            with self._store.reading() as work:
                page = work.audit.entries(tenant_id, after, _READ_AT_ONCE)
            yield from page
            if page:
                after = page[-1].sequence
            if len(page) < _READ_AT_ONCE and not wait():
                return
