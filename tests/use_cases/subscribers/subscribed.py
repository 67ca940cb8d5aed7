"""A world with changes to deliver, and receivers that keep what they get."""

from dataclasses import dataclass, field
from typing import Any

from stripe_bridge.domain.changes.change import Change, ChangeType, SubjectType
from stripe_bridge.domain.changes.entry import GENESIS
from stripe_bridge.domain.origin import SERVICE
from stripe_bridge.domain.subscriber import Subscriber
from stripe_bridge.ports.deliveries import Answer, Message
from stripe_bridge.use_cases.subscribers.manage import NewSubscriber
from tests.builders import TENANT
from tests.world import World

URL = "https://erp.example/changes"


def record(world: World, *types: ChangeType, tenant_id: str = TENANT) -> None:
    """Entries of these types, in one commit."""
    with world.store.writing() as work:
        for type_ in types:
            work.acts.add(
                Change(
                    type=type_,
                    subject_type=SubjectType.INVOICE,
                    subject_id=1,
                    origin=SERVICE,
                    object={"id": 1},
                    tenant_id=tenant_id,
                )
            )
        work.commit()


def subscribe(world: World, tenant_id: str = TENANT, **given: Any) -> Subscriber:
    values: dict[str, Any] = {"url": URL, "after": 0, **given}
    view, _ = world.bridge.subscribers.create(tenant_id, NewSubscriber(**values))
    subscriber: Subscriber = view.subscriber
    return subscriber


def now_is(world: World, subscriber: Subscriber) -> Subscriber:
    with world.store.reading() as work:
        return work.subscribers.get(subscriber.tenant_id, subscriber.id)


def latest(world: World, tenant_id: str = TENANT) -> int:
    with world.store.reading() as work:
        head = work.changes.head(tenant_id)
    return 0 if head is None else head.sequence


@dataclass
class ChainingReceiver:
    """What a receiver should be: it takes only what follows what it has, and drops what it has already."""

    log: str | None = None
    after: int = 0
    hash: str = GENESIS
    held: list[dict[str, Any]] = field(default_factory=list)
    repeated: int = 0

    def take(self, page: dict[str, Any]) -> int:
        if self.log not in (None, page["log"]):
            return 409
        if page["after"] > self.after or (page["after"] == self.after and page["after_hash"] != self.hash):
            return 409
        self.log = page["log"]
        for entry in page["data"]:
            if entry["sequence"] <= self.after:
                self.repeated += 1
                continue
            self.held.append(entry)
            self.after, self.hash = entry["sequence"], entry["hash"]
        return 200


def answer_of(receiver: ChainingReceiver, world: World, url: str, message: Message) -> Answer:
    return Answer(status=receiver.take(world.deliveries.pages(url)[-1]))
