"""Verifying a log: its chain, recomputed from what is stored, and the objects that it says there are.

Nothing stored is believed: an entry is wrong unless everything in it follows from the bytes that were hashed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from stripe_bridge.domain.changes.canonical import canonical
from stripe_bridge.domain.changes.change import ChangeType, SubjectType
from stripe_bridge.domain.changes.entry import GENESIS, Head, chain, digest
from stripe_bridge.domain.changes.purging import Purge
from stripe_bridge.domain.changes.recorded import KINDS, Recorded
from stripe_bridge.domain.changes.recorder import LogState


class FaultKind(StrEnum):
    MODIFIED = "modified"
    MISSING = "missing"
    REORDERED = "reordered"
    TRUNCATED = "truncated"


@dataclass(frozen=True, slots=True)
class Fault:
    """`sequence` is the first number that is wrong; None where an object has no entry at all."""

    kind: FaultKind
    sequence: int | None
    what: str


@dataclass(frozen=True, slots=True)
class Position:
    """What a reader holds of a log: the number of an entry, and its hash."""

    sequence: int = 0
    hash: str = GENESIS


class StoredEntry(NamedTuple):
    """As the database has it, of whatever types; `occurred_at` as it is shown."""

    sequence: int
    id: str
    type: str
    subject_type: str
    subject_id: str
    sales_order_id: int | None
    integration_id: int | None
    occurred_at: str
    signed: bytes
    content: bytes | None
    salt: str | None
    hash: str

    def shown(self) -> dict[str, Any]:
        """As readers get it. Raises ValueError if it is damaged."""
        content = {"object": None, "sales_order": None} if self.content is None else json.loads(self.content)
        return {**json.loads(self.signed), **content, "object_salt": self.salt, "hash": self.hash}


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedObject:
    """An object, what the log has of it, and its newest entry. One of `value` and `entry` may be missing."""

    subject_type: SubjectType
    subject_id: str
    value: Recorded | None
    state: LogState
    entry: StoredEntry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogCheck:
    """How far a log has been checked in the present pass. `order_id` is the last order whose objects were compared, None
    while the chain is followed. A pass goes no further than what it finds wrong."""

    tenant_id: str
    checked_at: datetime
    sequence: int = 0
    hash: str = GENESIS
    order_id: int | None = None
    completed_at: datetime | None = None
    fault_kind: FaultKind | None = None
    fault_sequence: int | None = None
    fault_what: str | None = None

    @property
    def position(self) -> Position:
        return Position(self.sequence, self.hash)


def follow(position: Position, entries: Iterable[StoredEntry]) -> tuple[Position, Fault | None]:
    """Follow the chain from a position on, up to the first entry that is wrong. Objects that are gone are no matter here."""
    sequence, hash_ = position.sequence, position.hash
    for entry in entries:
        fault = _fault_of(entry, sequence + 1, hash_)
        if fault is not None:
            return Position(sequence, hash_), fault
        sequence, hash_ = entry.sequence, entry.hash
    return Position(sequence, hash_), None


def _fault_of(entry: StoredEntry, expected: int, previous: str) -> Fault | None:
    if entry.sequence != expected:
        return Fault(FaultKind.MISSING, expected, f"the next one that there is has number {entry.sequence}")
    signed = _parsed(entry.signed)
    number = signed.get("sequence")
    if chain(previous, entry.signed) != entry.hash:
        if isinstance(number, int) and number != expected:
            return Fault(FaultKind.REORDERED, expected, f"what was signed there is entry {number}")
        return _modified(entry, "its hash is not that of what was signed and of the entry before")
    if number != expected:
        return Fault(FaultKind.REORDERED, expected, f"what was signed there is entry {number}")
    if differing := [name for name, derived in _derived(signed) if getattr(entry, name) != derived]:
        return _modified(entry, f"it was signed with another {', '.join(differing)}")
    if entry.content is None and entry.salt is None:
        return None
    if not (isinstance(entry.content, bytes) and isinstance(entry.salt, str)):
        return _modified(entry, "its object and its salt are not both there")
    if digest(entry.salt, entry.content) != signed.get("object_digest"):
        return _modified(entry, "its object is not the one that was signed")
    return None


def _derived(signed: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
    """The columns by name, as they follow from what was signed."""
    subject = signed.get("subject")
    subject = subject if isinstance(subject, dict) else {}
    id_ = subject.get("id")
    return (
        ("id", signed.get("id")),
        ("type", signed.get("type")),
        ("subject_type", subject.get("type")),
        ("subject_id", "" if id_ is None else str(id_)),
        ("sales_order_id", signed.get("sales_order_id")),
        ("integration_id", signed.get("integration_instance_id")),
        ("occurred_at", signed.get("occurred_at")),
    )


def held_fault(position: Position, found: StoredEntry | None, head: Head | None) -> Fault | None:
    """Whether the log still has what a reader of it holds."""
    if position.sequence == 0:
        return None
    if found is None or found.sequence != position.sequence:
        end = 0 if head is None else head.sequence
        if position.sequence > end:
            return Fault(FaultKind.TRUNCATED, end + 1, f"{position.sequence} entries were there before")
        return Fault(FaultKind.MISSING, position.sequence, "it was there before")
    if found.hash != position.hash:
        return _modified(found, "it was there before with another hash")
    return None


def end_fault(position: Position, head: Head | None, purges: Sequence[Purge]) -> Fault | None:
    """Whether the end of the entries is the end that the head names."""
    if head is None:
        return None if position.sequence == 0 else Fault(FaultKind.MODIFIED, 1, "the log has lost its head")
    if position.sequence < head.sequence:
        what = f"the log had {head.sequence} entries"
        return Fault(FaultKind.TRUNCATED, position.sequence + 1, what)
    if position.sequence > head.sequence:
        what = f"the log's head names {head.sequence} as the last"
        return Fault(FaultKind.MODIFIED, head.sequence + 1, what)
    if position.hash != head.hash:
        return Fault(FaultKind.MODIFIED, head.sequence, "the log's head has another hash")
    oldest = 1 + max((purge.last for purge in purges if purge.is_by_age), default=0)
    if head.oldest != oldest:
        return Fault(
            FaultKind.MODIFIED, oldest, f"the log's head names {head.oldest} as the first with its object"
        )
    return None


def gone_fault(entries: Iterable[StoredEntry], purges: Sequence[Purge]) -> Fault | None:
    """The first of these entries whose object is gone without a purge that says so."""
    for entry in entries:
        # What was purged stands in what such an entry has signed, so that nothing of it is lost.
        is_explained = entry.type == ChangeType.CHANGES_PURGED or any(
            purge.covers(entry.sequence, entry.sales_order_id) for purge in purges
        )
        if entry.content is None and not is_explained:
            return _modified(entry, "its object is gone, and nothing says that it was purged")
    return None


def pair_up(
    values: Iterable[tuple[Recorded, LogState]], newest: Iterable[StoredEntry]
) -> Sequence[ComparedObject]:
    """Objects with their newest entries; each of both is in the result."""
    entries = {(entry.subject_type, entry.subject_id): entry for entry in newest}
    paired = []
    for value, state in values:
        kind = KINDS[type(value)]
        subject = kind.subject_type, str(kind.subject_id(value))
        entry = entries.pop((subject[0].value, subject[1]), None)
        paired.append(
            ComparedObject(
                subject_type=subject[0], subject_id=subject[1], value=value, state=state, entry=entry
            )
        )
    left = [
        ComparedObject(
            subject_type=SubjectType(type_), subject_id=id_, value=None, state=LogState.CURRENT, entry=entry
        )
        for (type_, id_), entry in entries.items()
    ]
    return [*paired, *left]


def compare(compared: ComparedObject) -> Fault | LogState | None:
    """An object with its newest entry. A LogState says that the log does not have it, or not as it is, which is no fault;
    None that they agree, or that the entry's object was purged."""
    value, entry = compared.value, compared.entry
    name = f"{compared.subject_type.replace('_', ' ')} {compared.subject_id}"
    if value is None:
        return None if entry is None else Fault(FaultKind.MODIFIED, entry.sequence, f"{name} is gone")
    if compared.state is LogState.OUTDATED:
        return LogState.OUTDATED
    if entry is None:
        # Tokens from before the log are not recorded, and have nothing that says whether they are.
        is_unrecorded = compared.state is LogState.MISSING or compared.subject_type is SubjectType.TOKEN
        return LogState.MISSING if is_unrecorded else Fault(FaultKind.MISSING, None, f"{name} has no entry")
    if entry.content is None:
        return None
    recorded = _parsed(entry.content).get("object")
    if differing := _differing(value, recorded if isinstance(recorded, dict) else {}):
        return Fault(FaultKind.MODIFIED, entry.sequence, f"{name} has another {', '.join(differing)}")
    return None


def _differing(value: Recorded, recorded: Mapping[str, Any]) -> list[str]:
    """The members that differ, of those that the entry has: a later release may show more."""
    kind = KINDS[type(value)]
    shown = json.loads(canonical(kind.show(value)))
    return [
        name
        for name, then in recorded.items()
        if name in shown and name not in kind.not_compared and shown[name] != then
    ]


def _modified(entry: StoredEntry, what: str) -> Fault:
    return Fault(FaultKind.MODIFIED, entry.sequence, what)


def _parsed(document: bytes) -> dict[str, Any]:
    """Empty if it cannot be read."""
    try:
        parsed = json.loads(document)
    except (ValueError, TypeError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}
