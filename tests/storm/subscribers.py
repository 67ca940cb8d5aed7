"""Two subscribers of the storm's first shop, one of which fails at random, and one is dead for half of the storm.

They are the receiver of examples/receivers/python. In the end both hold all that the shop's log has.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from stripe_bridge.use_cases.changes.feed import FeedQuery, read_page
from stripe_bridge.use_cases.subscribers.manage import NewSubscriber
from tests.servers.example_receivers import PythonReceiver, rows_of
from tests.servers.relay import MISHAPS, Relay
from tests.storm.reading import Reader
from tests.storm.service import Service
from tests.storm.users import Shop, new_token
from tests.waiting import wait_until

_MISHAP_CHANCE = 0.3
# What GET shows and the log does not: links are secrets, and times of ours are no change.
_NOT_COMPARED = {
    "hosted_invoice_url",
    "hosted_invoice_url_expires_at",
    "invoice_pdf",
    "updated_at",
    "last_reconciled_at",
}
Json = dict[str, Any]
Held = list[tuple[int, str]]


@dataclass
class _Subscriber:
    name: str
    receiver: PythonReceiver
    relay: Relay
    id: int = 0
    secret: str = ""


class Subscribers:
    def __init__(self, service: Service, seed: int) -> None:
        self._service, self._chance, self._is_calm = service, random.Random(f"{seed}-subscribers"), False
        self._on_shutdown = ExitStack()
        self._shop: Shop | None = None
        self._failing, self._dead = self._new("failing", fails=True), self._new("dead", fails=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._on_shutdown.close()

    def subscribe(self, shops: list[Shop]) -> None:
        self._shop = shops[0]
        for each in (self._failing, self._dead):
            new = NewSubscriber(url=f"{each.relay.url}/changes", after=0, description=each.name)
            view, each.secret = self._service.operator.subscribers.create(self._shop.tenant, new)
            each.id = view.subscriber.id
        self._failing.receiver.start(self._failing.secret)

    def go_on(self, done: float) -> None:
        """`done` is how much of the storm is over."""
        if done >= 0.5 and not self._dead.receiver.is_running:
            self._dead.receiver.start(self._dead.secret)

    def faults(self) -> list[str]:
        """Every difference between what they hold, what the log has, and what GET shows. Call it once all is at rest."""
        assert self._shop is not None
        self._is_calm = True
        self.go_on(1.0)
        for each in (self._failing, self._dead):
            self._retry_now(self._shop.tenant, each)
        while True:
            log = changes_of(self._service, self._shop.tenant)
            found = [fault for each in (self._failing, self._dead) for fault in self._faults_of(each, log)]
            # A payment may have been confirmed meanwhile, say.
            if changes_of(self._service, self._shop.tenant) == log:
                return found

    def _faults_of(self, subscriber: _Subscriber, log: Held) -> list[str]:
        assert self._shop is not None
        with suppress(AssertionError):
            wait_until(lambda: len(subscriber.receiver.held()) >= len(log))
        held = subscriber.receiver.held()
        found = [] if held[: len(log)] == log else _differences(held, log)
        found += _disorder(subscriber.relay)
        found += wrong_states(self._service, self._shop, subscriber.receiver.database)
        return [f"{subscriber.name} subscriber: {fault}" for fault in found]

    def requests(self) -> Counter[str]:
        """How many requests were acknowledged, and how many were not."""
        relayed = [*self._failing.relay.relayed, *self._dead.relay.relayed]
        return Counter("acknowledged" if each.answered == 204 else "failed" for each in relayed)

    def _new(self, name: str, *, fails: bool) -> _Subscriber:
        folder = self._service.log.parent / f"{name}-subscriber"
        folder.mkdir()
        receiver = PythonReceiver(folder)
        relay = self._on_shutdown.enter_context(Relay(receiver.url, self._mishap if fails else lambda: None))
        self._on_shutdown.callback(receiver.kill)
        return _Subscriber(name, receiver, relay)

    def _mishap(self) -> str | None:
        is_due = not self._is_calm and self._chance.random() < _MISHAP_CHANCE
        return self._chance.choice(MISHAPS) if is_due else None

    def _retry_now(self, tenant: str, subscriber: _Subscriber) -> None:
        """An administrator says that it is up: what waits for its next attempt begins at once."""
        for enabled in (False, True):
            self._service.operator.subscribers.update(tenant, subscriber.id, {"enabled": enabled})


def changes_of(service: Service, tenant: str, *, acts: bool = False) -> Held:
    """The number and hash of each change in the tenant's log."""
    found: Held = []
    after, latest = 0, 1
    while after < latest:
        with service.store.reading() as work:
            page = read_page(work, FeedQuery(tenant_id=tenant, after=after, limit=500, may_read_acts=True))
        found += [(entry.sequence, entry.hash) for entry in page.entries if acts or not entry.type.is_act]
        after, latest = page.next_after, page.latest
    return found


def wrong_states(service: Service, shop: Shop, database: Path) -> Iterator[str]:
    """What differs between the objects in a receiver's database and what GET shows."""
    rows = rows_of(database, "SELECT type, id, object FROM objects WHERE object IS NOT NULL")
    folded = {(type_, id_): json.loads(object_) for type_, id_, object_ in rows}
    owed = dict(rows_of(database, "SELECT id, outstanding_in_cents FROM orders"))
    reader = Reader(service.url, lambda: new_token(service, shop))
    shown = reader.objects(folded)
    yield from (f"{key} is shown and was not told" for key in shown.keys() - folded.keys())
    for key, object_ in folded.items():
        yield from _wrong_fields(key, object_, shown.get(key))
        if key[0] == "sales_order":
            outstanding = (shown.get(key) or {}).get("outstanding_in_cents")
            if owed.get(int(key[1])) != outstanding:
                yield f"{key} owes {outstanding}, told was {owed.get(int(key[1]))}"


def _wrong_fields(key: tuple[str, str], told: Json, shown: Json | None) -> Iterator[str]:
    if shown is None:
        yield f"{key} was told and is not shown"
        return
    for name in told.keys() - _NOT_COMPARED:
        if name in shown and told[name] != shown[name]:
            yield f"{key} {name}: {told[name]!r} was told, {shown[name]!r} is shown"


def _differences(held: Held, log: Held) -> list[str]:
    missing, more = sorted(set(log) - set(held)), sorted(set(held) - set(log))
    return [f"holds {len(held)} of {len(log)} changes; missing {missing[:5]}, not in the log {more[:5]}"]


def _disorder(relay: Relay) -> list[str]:
    """Each request follows what was acknowledged, or repeats it from where it began; and never are there two at once."""
    found = [f"{relay.most_at_once} requests at once"] if relay.most_at_once > 1 else []
    pages = [(each, json.loads(each.body)) for each in relay.relayed if each.method == "POST"]
    for (former, before), (_, page) in pairwise(pages):
        follows = {before["after"]}
        # Whoever delivered may have been killed before the acknowledgement was stored.
        if former.answered == 204:
            follows.add(before["data"][-1]["sequence"])
        if page["after"] not in follows:
            found.append(f"a page after {page['after']} came where one after {sorted(follows)} was to come")
    for _, page in pages:
        sequences = [entry["sequence"] for entry in page["data"]]
        if sequences != sorted(set(sequences)) or sequences[0] <= page["after"]:
            found.append(f"a page after {page['after']} has {sequences}")
    return found
