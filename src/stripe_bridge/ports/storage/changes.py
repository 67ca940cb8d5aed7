"""The change log, stored. Entries are written by the unit of work's commit alone, and never changed, but for a purge."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from stripe_bridge.domain.changes.change import Change, ChangeType
from stripe_bridge.domain.changes.entry import Entry, Head


class Changes(Protocol):
    """A tenant of "" means the chain of what belongs to no tenant."""

    def head(self, tenant_id: str) -> Head | None:
        """None if nothing of the tenant was ever recorded."""
        ...

    def heads(self, tenant_ids: Collection[str]) -> Mapping[str, Head]:
        """In one statement. Tenants of which nothing was ever recorded are missing."""
        ...

    def all_heads(self) -> Sequence[Head]:
        """By tenant."""
        ...

    def page(
        self,
        tenant_id: str,
        after: int,
        limit: int,
        *,
        up_to: int | None = None,
        types: frozenset[ChangeType] | None = None,
        sales_order_id: int | None = None,
    ) -> Sequence[Entry]:
        """Those that follow `after`, oldest first; none after `up_to`.

        A sales order's are its own and those of its invoices, refunds and disputes.
        """
        ...

    def find(self, tenant_id: str, sequence: int) -> Entry | None: ...

    def last_of_order(self, tenant_id: str, sales_order_id: int) -> int | None:
        """The number of the order's last entry."""
        ...

    def begin_log(self, tenant_id: str) -> None:
        """Name the log anew: another history begins, and numbers go on. Locks the end of the log until the commit."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """How far recording what was there before the log has come. `recorded` is how many objects so far."""

    is_complete: bool
    recorded: int


class ExistingObjects(Protocol):
    """What was there before the change log, or was changed by a release that has none."""

    def is_due(self, now: datetime) -> bool:
        """Whether `record` may have something to do."""
        ...

    def record(self, now: datetime, limit: int) -> int:
        """Look through up to `limit` objects that are due for it, and record those that the log does not have as they are.

        Oldest first, in passes: the first records what there is, the next what an earlier release has written meanwhile,
        until a pass finds nothing; after that there is one a day. Returns how many were looked through, 0 if none is due or
        another worker is at it.
        """
        ...

    def progress(self) -> Backfill: ...


class Acts(Protocol):
    """What was done without changing an object that is recorded by itself."""

    def add(self, act: Change) -> None:
        """Record it with this unit of work."""
        ...

    def add_at_most_once(self, act: Change, key: str, now: datetime, window: timedelta) -> None:
        """Like `add`, but at most once in the window for the key. The next one has a `count` of those since, and itself."""
        ...

    def forget_windows(self, ended_before: datetime) -> int:
        """Delete what is kept about windows that ended before then. How many there were."""
        ...
