"""Purging: taking objects and salts out of entries, which leaves the chain whole, and saying in the log that it was done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from stripe_bridge.domain.changes.change import Change, ChangeType, SubjectType
from stripe_bridge.domain.origin import Origin

_COUNT, _FIRST, _LAST, _ORDERS = "count", "from", "to", "sales_order_ids"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """`count` objects were taken out of the entries from `first` to `last`: of those of these orders, or of all."""

    count: int
    first: int
    last: int
    order_ids: frozenset[int] | None = None

    @property
    def is_by_age(self) -> bool:
        return self.order_ids is None

    def covers(self, sequence: int, order_id: int | None) -> bool:
        is_concerned = self.order_ids is None or order_id in self.order_ids
        return is_concerned and self.first <= sequence <= self.last


def last_to_purge(old: Sequence[tuple[int, ChangeType]], limit: int) -> int | None:
    """The last of these entries, all old enough, that is purged with those before it. `limit` is how many were looked for.

    Entries about purges hold nothing but numbers, and wait for others: purging them alone would only make one more.
    """
    others = [sequence for sequence, type_ in old if type_ is not ChangeType.CHANGES_PURGED]
    if others:
        return others[-1]
    return old[-1][0] if len(old) == limit else None


def purged(tenant_id: str, purge: Purge, origin: Origin) -> Change:
    """Numbers alone: no personal data stands in it."""
    members: dict[str, Any] = {_COUNT: purge.count, _FIRST: purge.first, _LAST: purge.last}
    if purge.order_ids is not None:
        members[_ORDERS] = sorted(purge.order_ids)
    return Change(
        type=ChangeType.CHANGES_PURGED,
        subject_type=SubjectType.CHANGES,
        subject_id=None,
        origin=origin,
        tenant_id=tenant_id,
        object=members,
        details=members,
    )


def purges_in(signed: Iterable[bytes]) -> Sequence[Purge]:
    """What such entries say; one that is damaged says nothing."""
    return [purge for each in signed if (purge := _purge_in(each)) is not None]


def _purge_in(signed: bytes) -> Purge | None:
    try:
        members = json.loads(signed)
        orders = members.get(_ORDERS)
        return Purge(
            count=int(members[_COUNT]),
            first=int(members[_FIRST]),
            last=int(members[_LAST]),
            order_ids=None if orders is None else frozenset(orders),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
