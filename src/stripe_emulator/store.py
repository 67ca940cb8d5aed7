"""Every object of the emulator in memory, found by id, by account and by a few fields."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from stripe_emulator.errors import Json

# The fields by which objects are looked up so often that a scan would be too slow.
INDEXED_FIELDS: dict[str, tuple[str, ...]] = {
    "customers": ("email",),
    "customer_balance_transactions": ("customer",),
    "invoices": ("customer", "token"),
    "invoice_payments": ("invoice", "payment_intent"),
    "charges": ("payment_intent", "payment_method"),
    "refunds": ("charge", "payment_intent"),
    "disputes": ("charge", "payment_intent"),
    "credit_notes": ("invoice",),
    "deliveries": ("event",),
    "oauth_tokens": ("code", "account"),
}


@dataclass(slots=True, eq=False)
class Record:
    """One object: `body` is what the API shows, `hidden` is what only the emulator knows."""

    seq: int
    kind: str
    id: str
    account: str
    body: Json
    hidden: Json = field(default_factory=dict)

    def indexed(self) -> list[tuple[str, str, object]]:
        """The index entries of this record."""
        fields = INDEXED_FIELDS.get(self.kind, ())
        return [(self.kind, name, self.hidden.get(name, self.body.get(name))) for name in fields]


def clone(value: Json) -> Json:
    """A deep copy of JSON."""
    copy: Json = json.loads(json.dumps(value))
    return copy


class Store:
    """All records. Not thread-safe by itself: it is protected by the emulator's lock."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._by_id: dict[str, Record] = {}
        self._by_account: dict[tuple[str, str], dict[str, Record]] = {}
        self._by_kind: dict[str, dict[str, Record]] = {}
        self._index: dict[tuple[str, str, object], dict[str, Record]] = {}
        self._last_seq = 0
        for record in records:
            self.put(record)

    def next_seq(self) -> int:
        """A sequence number for a new record, higher than any before."""
        self._last_seq += 1
        return self._last_seq

    @property
    def last_seq(self) -> int:
        """The highest sequence number so far."""
        return self._last_seq

    def put(self, record: Record) -> None:
        """Add a record."""
        self._last_seq = max(self._last_seq, record.seq)
        self._by_id[record.id] = record
        self._by_account.setdefault((record.kind, record.account), {})[record.id] = record
        self._by_kind.setdefault(record.kind, {})[record.id] = record
        for key in record.indexed():
            self._index.setdefault(key, {})[record.id] = record

    def remove(self, record: Record) -> None:
        """Remove a record."""
        del self._by_id[record.id]
        del self._by_account[record.kind, record.account][record.id]
        del self._by_kind[record.kind][record.id]
        for key in record.indexed():
            self._index.get(key, {}).pop(record.id, None)

    def reindex(self, record: Record, before: list[tuple[str, str, object]]) -> None:
        """Update the index entries of a changed record."""
        after = record.indexed()
        if after == before:
            return
        for key in before:
            if key not in after:
                self._index.get(key, {}).pop(record.id, None)
        for key in after:
            self._index.setdefault(key, {})[record.id] = record

    def find(self, kind: str, object_id: str, account: str | None = None) -> Record | None:
        """The record of that kind and id, if it exists and belongs to the account."""
        record = self._by_id.get(object_id)
        if record is None or record.kind != kind or account not in (None, record.account):
            return None
        return record

    def find_any(self, object_id: str) -> Record | None:
        """The record with that id, of any kind."""
        return self._by_id.get(object_id)

    def all(self, kind: str) -> list[Record]:
        """Every record of a kind, oldest first."""
        return list(self._by_kind.get(kind, {}).values())

    def newest_first(self, kind: str, account: str) -> Iterator[Record]:
        """An account's records of a kind, newest first."""
        return reversed(self._by_account.get((kind, account), {}).values())

    def where(self, kind: str, field_name: str, value: object) -> list[Record]:
        """The records whose indexed field has that value, oldest first."""
        hits = self._index.get((kind, field_name, value), {})
        return sorted(hits.values(), key=lambda record: record.seq)
