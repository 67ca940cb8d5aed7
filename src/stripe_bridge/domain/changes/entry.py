"""An entry of the log: a change with its number, chained to the one before by its hash.

`hash` is the SHA-256 of the previous entry's hash, a newline, and the canonical JSON of the entry without `hash`, `object`,
`object_salt` and `sales_order`. `object_digest` in it is the SHA-256 of the salt, a newline, and the canonical JSON of
`{"object": …, "sales_order": …}`. So whoever may read an entry can compute both, and taking object and salt out of it leaves
the chain whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from stripe_bridge.domain.changes.canonical import canonical
from stripe_bridge.domain.changes.change import Change, ChangeType, SubjectType
from stripe_bridge.domain.changes.shown import shown_time
from stripe_bridge.domain.sales_order import outstanding_amount, overpaid_amount

# The hash before the first entry.
GENESIS = "0" * 64
# What of an entry only administrators see where it is an act.
ACT = "act"
_SHOWN_OF_ACT = ("sequence", "id", "occurred_at", "hash")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of a tenant's log. `log` names this history; `oldest` is the first entry whose object is still kept."""

    tenant_id: str
    log: str
    sequence: int = 0
    hash: str = GENESIS
    oldest: int = 1
    is_complete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFigures:
    """What a sales order owes at the commit, in minor units."""

    outstanding: int
    settled: int
    overpaid: int

    def shown(self) -> dict[str, int]:
        return {
            "outstanding_in_cents": self.outstanding,
            "settled_in_cents": self.settled,
            "overpaid_in_cents": self.overpaid,
        }


def order_figures(total: int, paid_elsewhere: int, settled: int) -> OrderFigures:
    return OrderFigures(
        outstanding=outstanding_amount(total, paid_elsewhere, settled),
        settled=settled,
        overpaid=overpaid_amount(total, paid_elsewhere, settled),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePlace:
    """To whom an invoice belongs."""

    tenant_id: str
    sales_order_id: int
    integration_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What changes need of other objects to become entries, as it is at the commit. Orders by tenant and id."""

    invoices: Mapping[int, InvoicePlace]
    livemodes: Mapping[int, bool]
    orders: Mapping[tuple[str, int], OrderFigures]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedChange:
    """Everything of an entry but its number, its time and its hash: ready before the log is locked.

    `content` is what was hashed into the digest: the object, and what its order owes.
    """

    id: str
    tenant_id: str
    type: ChangeType
    subject_type: SubjectType
    subject_id: str
    sales_order_id: int | None
    integration_id: int | None
    content: bytes
    salt: str
    members: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`signed` is the canonical JSON that was hashed. Without `content` and `salt` it was purged."""

    tenant_id: str
    sequence: int
    id: str
    type: ChangeType
    subject_type: SubjectType
    subject_id: str
    sales_order_id: int | None
    integration_id: int | None
    occurred_at: datetime
    signed: bytes
    content: bytes | None
    salt: str | None
    hash: str

    def members(self) -> dict[str, Any]:
        """What was hashed: who changed what, but not the object itself."""
        signed: dict[str, Any] = json.loads(self.signed)
        return signed

    def shown(self) -> dict[str, Any]:
        """As readers get it."""
        content = {"object": None, "sales_order": None} if self.content is None else json.loads(self.content)
        return {**self.members(), **content, "object_salt": self.salt, "hash": self.hash}

    def shown_to_others(self) -> dict[str, Any]:
        """As those get it who may not read acts: only that there is one."""
        if not self.type.is_act:
            return self.shown()
        members = self.members()
        return {
            **{name: members[name] for name in _SHOWN_OF_ACT if name in members},
            "type": ACT,
            "hash": self.hash,
        }


def prepare(
    changes: Iterable[Change], around: Surroundings, ids: Iterable[tuple[str, str]]
) -> list[PreparedChange]:
    """`ids` gives each a new entry id and a salt."""
    return [_prepare(change, around, *pair) for change, pair in zip(changes, ids, strict=False)]


def _prepare(change: Change, around: Surroundings, entry_id: str, salt: str) -> PreparedChange:
    place = None if change.invoice_id is None else around.invoices[change.invoice_id]
    tenant_id = change.tenant_id if change.tenant_id is not None or place is None else place.tenant_id
    order_id = change.sales_order_id if place is None else place.sales_order_id
    integration_id = change.integration_id if place is None else place.integration_id
    if tenant_id is None:
        raise ValueError(f"A {change.type} of no tenant says so with an empty one.")
    figures = (
        None
        if place is None and change.subject_type is not SubjectType.SALES_ORDER
        else around.orders.get((tenant_id, order_id or 0))
    )
    content = canonical(
        {"object": change.object, "sales_order": None if figures is None else figures.shown()}
    )
    actor = change.origin.actor
    return PreparedChange(
        id=entry_id,
        tenant_id=tenant_id,
        type=change.type,
        subject_type=change.subject_type,
        subject_id="" if change.subject_id is None else str(change.subject_id),
        sales_order_id=order_id,
        integration_id=integration_id,
        content=content,
        salt=salt,
        members={
            **change.details,
            "id": entry_id,
            "type": change.type.value,
            "livemode": None if integration_id is None else around.livemodes.get(integration_id),
            "subject": {"type": change.subject_type.value, "id": change.subject_id},
            "sales_order_id": order_id,
            "integration_instance_id": integration_id,
            "actor": {"type": actor.type.value, "id": actor.id, "user_id": actor.user_id},
            "cause": dict(change.origin.cause),
            "changed": change.changed,
            "object_digest": digest(salt, content),
        },
    )


def number(head: Head, prepared: Sequence[PreparedChange], now: datetime) -> tuple[list[Entry], Head]:
    """Give the changes of one tenant their numbers, after those that its log has."""
    entries, occurred_at, hash_ = [], shown_time(now), head.hash
    for sequence, change in enumerate(prepared, start=head.sequence + 1):
        signed = canonical({**change.members, "sequence": sequence, "occurred_at": occurred_at})
        hash_ = chain(hash_, signed)
        entries.append(
            Entry(
                tenant_id=change.tenant_id,
                sequence=sequence,
                id=change.id,
                type=change.type,
                subject_type=change.subject_type,
                subject_id=change.subject_id,
                sales_order_id=change.sales_order_id,
                integration_id=change.integration_id,
                occurred_at=now,
                signed=signed,
                content=change.content,
                salt=change.salt,
                hash=hash_,
            )
        )
    return entries, replace(head, sequence=head.sequence + len(entries), hash=hash_)


def digest(salt: str, content: bytes) -> str:
    return hashlib.sha256(salt.encode() + b"\n" + content).hexdigest()


def chain(previous: str, signed: bytes) -> str:
    return hashlib.sha256(previous.encode() + b"\n" + signed).hexdigest()
