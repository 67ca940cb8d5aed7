"""An all-or-nothing change of the emulator's state, and the events that it creates."""

from dataclasses import dataclass, field

from stripe_emulator.errors import Json
from stripe_emulator.identifiers import new_id
from stripe_emulator.misbehavior import Misbehavior
from stripe_emulator.settings import Settings
from stripe_emulator.snapshots import Happening, difference, version_for, version_of
from stripe_emulator.store import Record, Store, clone

PLATFORM = "acct_emulatorplatform"


@dataclass(frozen=True)
class Origin:
    """The API call that caused an event; both are None if a person or Stripe itself did."""

    request_id: str | None = None
    idempotency_key: str | None = None


@dataclass
class Transaction:
    """Finds, adds, changes and removes objects, and emits the events about it."""

    store: Store
    settings: Settings
    misbehavior: Misbehavior
    url: str
    time: float
    origin: Origin
    _before: dict[str, tuple[Record, Json, Json]] = field(default_factory=dict)
    _last_emitted: dict[str, Json] = field(default_factory=dict)
    _filed: dict[str, list[tuple[str, str, object]]] = field(default_factory=dict)
    _inserted: list[Record] = field(default_factory=list)
    _removed: list[Record] = field(default_factory=list)

    @property
    def now(self) -> int:
        """The time in whole seconds, as in Stripe's objects."""
        return int(self.time)

    def insert(self, kind: str, account: str, body: Json, hidden: Json | None = None) -> Record:
        """Add an object; its id is the body's."""
        record = Record(self.store.next_seq(), kind, body["id"], account, body, hidden or {})
        self.store.put(record)
        self._inserted.append(record)
        self._filed[record.id] = record.indexed()
        return record

    def edit(self, record: Record) -> Json:
        """Returns the record's body to be changed; call it before any change."""
        if record.id not in self._filed:
            self._filed[record.id] = record.indexed()
            self._before[record.id] = (record, clone(record.body), clone(record.hidden))
        if record.id not in self._last_emitted:
            self._last_emitted[record.id] = clone(record.body)
        return record.body

    def remove(self, record: Record) -> None:
        """Remove an object once the transaction succeeds."""
        self._removed.append(record)

    def emit(self, event_type: str, record: Record) -> None:
        """Emit an event about an object."""
        self.record_event(event_type, record.account, record.body)

    def emit_update(self, event_type: str, record: Record) -> Json:
        """Emit an event about a changed object, with the previous values of what changed since its last event.

        Returns those values; if there are none, there is no event.
        """
        before = self._last_emitted.pop(record.id, record.body)
        previous = difference(before, record.body)
        if previous:
            self.record_event(event_type, record.account, record.body, previous)
        return previous

    def record_event(
        self, event_type: str, account: str, body: Json, previous: Json | None = None, by_request: bool = True
    ) -> None:
        """Create an event and its deliveries."""
        endpoints = self.endpoints_for(account, event_type)
        own = version_of(self.store, account)
        versions = {endpoint.id: version_for(self.store, endpoint) for endpoint in endpoints}
        seq = self._inserted[0].seq - 1 if self._inserted else self.store.last_seq
        happening = Happening(body, previous, seq, self.now)
        renderings = happening.snapshots(self.store, {own, *versions.values()})
        event: Json = {
            "id": new_id("evt"),
            "object": "event",
            "api_version": own,
            "created": self.misbehavior.event_time(self.now),
            "data": renderings.pop(own),
            "livemode": False,
            "pending_webhooks": len(endpoints),
            "request": {"id": self.origin.request_id, "idempotency_key": self.origin.idempotency_key},
            "type": event_type,
        }
        if not by_request:
            event["request"] = None
        if account != PLATFORM:
            event["account"] = account
        self.insert("events", account, event, {"renderings": renderings} if renderings else {})
        for endpoint in endpoints:
            for status, delay in self.misbehavior.deliveries():
                version, due_at = versions[endpoint.id], self.time + delay
                self.insert("deliveries", account, delivery_of(event, endpoint, version, status, due_at))

    def endpoints_for(self, account: str, event_type: str) -> list[Record]:
        """The endpoints that an account's event of that type goes to."""
        return [one for one in self.store.all("webhook_endpoints") if self._wants(one, account, event_type)]

    def _wants(self, endpoint: Record, account: str, event_type: str) -> bool:
        body = endpoint.body
        if body["status"] != "enabled" or not {"*", event_type} & set(body["enabled_events"]):
            return False
        if not endpoint.hidden["connect"]:
            return endpoint.account == account
        # The event that a connection ends is sent while the connection still exists.
        return account != PLATFORM and self.store.find("connections", f"connection_{account}") is not None

    def deliveries(self) -> list[Record]:
        """The deliveries that this transaction has created."""
        return [record for record in self._inserted if record.kind == "deliveries"]

    def commit(self) -> tuple[list[Record], list[Record]]:
        """Carry out the removals; returns the records that are new or changed, and those removed."""
        kept = [*self._inserted, *(record for record, _, _ in self._before.values())]
        for record in kept:
            self.store.reindex(record, self._filed[record.id])
        for record in self._removed:
            self.store.remove(record)
        return [record for record in kept if record not in self._removed], self._removed

    def rollback(self) -> None:
        """Put everything back as it was."""
        for record in self._inserted:
            self.store.reindex(record, self._filed[record.id])
            self.store.remove(record)
        for record, body, hidden in self._before.values():
            record.body, record.hidden = body, hidden


def delivery_of(event: Json, endpoint: Record, version: str, status: str, due_at: float) -> Json:
    """A delivery of an event to an endpoint, not tried yet."""
    return {
        "id": new_id("dlv"),
        "object": "delivery",
        "event": event["id"],
        "type": event["type"],
        "endpoint": endpoint.id,
        "api_version": version,
        "url": endpoint.body["url"],
        "status": status,
        "due_at": due_at,
        "attempts": [],
    }
