"""The feed: pages of a tenant's log, the same for those that read it and for those that it is delivered to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stripe_bridge.domain.changes.change import ALL_BUT_ACTS, ChangeType
from stripe_bridge.domain.changes.entry import GENESIS, Entry
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork

# At most so many entries are passed over for one page.
_EXAMINED = 5000
# An order has few entries.
_READ_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedQuery:
    """`types` None means all. Without `may_read_acts` an act shows only that there is one, and with a filter not even that."""

    tenant_id: str
    after: int = 0
    limit: int = 100
    types: frozenset[ChangeType] | None = None
    sales_order_id: int | None = None
    may_read_acts: bool = False

    @property
    def is_filtered(self) -> bool:
        return self.types is not None or self.sales_order_id is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPage:
    """`next_after` is the last entry that was examined, `next_hash` its hash. `log` is None before the first entry."""

    log: str | None
    after: int
    after_hash: str
    entries: Sequence[Entry]
    next_after: int
    latest: int
    oldest: int
    is_complete: bool
    may_read_acts: bool

    def shown(self) -> dict[str, Any]:
        """As the wire has it."""
        show = Entry.shown if self.may_read_acts else Entry.shown_to_others
        return {
            "log": self.log,
            "after": self.after,
            "after_hash": self.after_hash,
            "data": [show(entry) for entry in self.entries],
            "next_after": self.next_after,
            "latest": self.latest,
            "oldest": self.oldest,
            "complete": self.is_complete,
        }


def read_page(work: UnitOfWork, query: FeedQuery) -> FeedPage:
    """The page after `query.after`, which is not beyond the log's end."""
    head = work.changes.head(query.tenant_id)
    latest = 0 if head is None else head.sequence
    types = _types_of(query)
    # An order's are few, and have an index.
    is_searched = types is not None and query.sales_order_id is None
    up_to = min(latest, query.after + _EXAMINED) if is_searched else latest
    entries = work.changes.page(
        query.tenant_id,
        query.after,
        query.limit,
        up_to=up_to,
        types=types,
        sales_order_id=query.sales_order_id,
    )
    is_full = len(entries) == query.limit
    return FeedPage(
        log=None if head is None else head.log,
        after=query.after,
        after_hash=hash_at(work, query.tenant_id, query.after) or GENESIS,
        entries=entries,
        next_after=entries[-1].sequence if is_full else max(up_to, query.after),
        latest=latest,
        oldest=1 if head is None else head.oldest,
        is_complete=head is None or head.is_complete,
        may_read_acts=query.may_read_acts,
    )


def newest_of_order(work: UnitOfWork, tenant_id: str, sales_order_id: int, most: int) -> list[Entry]:
    """The newest entries of an order's objects, the newest first; no acts."""
    found: list[Entry] = []
    query = FeedQuery(
        tenant_id=tenant_id, limit=_READ_AT_ONCE, types=ALL_BUT_ACTS, sales_order_id=sales_order_id
    )
    while len((page := read_page(work, query)).entries) == _READ_AT_ONCE:
        found = [*found, *page.entries][-most:]
        query = replace(query, after=page.next_after)
    return [*found, *page.entries][-most:][::-1]


def _types_of(query: FeedQuery) -> frozenset[ChangeType] | None:
    """A filter must not tell those what an act was about who may not read it."""
    if query.may_read_acts or not query.is_filtered:
        return query.types
    return ALL_BUT_ACTS if query.types is None else query.types & ALL_BUT_ACTS


def hash_at(work: UnitOfWork, tenant_id: str, sequence: int) -> str | None:
    """The hash of an entry, None if there is none with this number."""
    if sequence == 0:
        return GENESIS
    entry = work.changes.find(tenant_id, sequence)
    return None if entry is None else entry.hash


def types_matching(patterns: Iterable[str]) -> Mapping[str, frozenset[ChangeType]]:
    """For each pattern (`invoice.paid`, `invoice.*`, `*`) the types that it stands for; none if it is mistaken."""
    return {pattern: _matching(pattern) for pattern in patterns}


def _matching(pattern: str) -> frozenset[ChangeType]:
    if pattern == "*":
        return frozenset(ChangeType)
    group, _, rest = pattern.partition(".")
    if rest == "*":
        return frozenset(each for each in ChangeType if each.value.startswith(f"{group}."))
    return frozenset(each for each in ChangeType if each.value == pattern)
