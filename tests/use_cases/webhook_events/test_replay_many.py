from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from stripe_bridge.domain.errors.base import ReplayNotFound
from stripe_bridge.domain.errors.conflicts import ReplayEnded, ReplayPlanOutdated
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.origin import Actor, ActorType, Origin
from stripe_bridge.domain.replay import MAX_EVENTS, Replay, ReplayStatus
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.ports.origin import acting_as
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.use_cases.webhook_events.replay_many import BATCH_SIZE
from tests.builders import TENANT
from tests.fakes.stripe import payloads
from tests.proofs.folding import entries
from tests.world import World

WAITING = EventFilter(status=EventStatus.RECEIVED)
ANNA = Origin(actor=Actor(type=ActorType.OPERATOR, id="anna"), cause={"command": "events replay"})


@pytest.fixture
def many(world: World) -> World:
    """An invoice that is paid, and more events about that than are queued at once, none of which was applied."""
    invoice = world.sent()
    world.pay(invoice)
    paid = world.stripe.accounts[world.account_id].invoices[str(invoice.stripe_invoice_id)]
    for number in range(2 * BATCH_SIZE + 1):
        world.receive(world.event("invoice.paid", payloads.invoice_object(paid), id_=f"evt_{number}"))
    return world


def start(world: World, matching: EventFilter = WAITING) -> Replay:
    events = world.bridge.webhook_events
    digest = events.plan_replay(world.tenant, matching, MAX_EVENTS).digest
    started: Replay = events.start_replay(world.tenant, matching, MAX_EVENTS, digest)
    return started


def shown(world: World, replay: Replay) -> Replay:
    found: Replay = world.bridge.webhook_events.show_replay(world.tenant, replay.id).replay
    return found


def run(world: World) -> None:
    while world.bridge.webhook_events.run_replays():
        pass


def test_a_replay_is_a_record_of_who_asked_for_what_and_how_far_it_has_come(many: World):
    with acting_as(ANNA):
        replay = start(many)

    assert (replay.origin, replay.filter) == (ANNA, {"status": "received"})
    assert (replay.total, replay.planned["applied"]) == (2 * BATCH_SIZE + 1, 2 * BATCH_SIZE + 1)
    assert many.bridge.webhook_events.run_replays() == BATCH_SIZE
    half = shown(many, replay)
    assert (half.status, half.position, half.queued) == (ReplayStatus.RUNNING, BATCH_SIZE, BATCH_SIZE)
    run(many)
    whole = shown(many, replay)
    assert (whole.status, whole.queued, whole.ended_at) == (
        ReplayStatus.COMPLETED,
        replay.total,
        many.clock.now(),
    )


def test_its_events_are_applied_and_shown_with_what_became_of_them(many: World):
    replay = start(many)
    many.nudges.waiting.clear()
    run(many)
    assert set(many.nudges.waiting) == {"drain_inbox"}

    many.work_off()

    assert many.invoice(1).status is InvoiceStatus.PAID
    became = many.bridge.webhook_events.show_replay(many.tenant, replay.id).events
    assert became == {"received": 0, "processing": 0, "processed": replay.total, "skipped": 0, "failed": 0}


def test_each_event_that_it_queues_is_recorded_as_replayed_by_who_asked_for_it(many: World):
    with acting_as(ANNA):
        replay = start(many)
    run(many)

    with many.store.reading() as work:
        shown_all = [entry.shown() for entry in entries(work, TENANT)]
    replayed = [each for each in shown_all if each["type"] == "webhook_event.replayed"]

    assert len(replayed) == replay.total
    assert {each["actor"]["id"] for each in replayed} == {"anna"}
    assert {each["cause"]["replay_id"] for each in replayed} == {replay.id}


def test_replaying_twice_changes_nothing_the_second_time(many: World):
    start(many)
    run(many)
    many.work_off()
    once = many.invoice(1), many.payments(1), many.links(1)

    plan = many.bridge.webhook_events.plan_replay(
        many.tenant, EventFilter(account_id=many.account_id), MAX_EVENTS
    )
    start(many, EventFilter(account_id=many.account_id))
    run(many)
    many.work_off()

    assert plan.objects == []
    assert (many.invoice(1), many.payments(1), many.links(1)) == once


def an_event_arrives(world: World) -> None:
    world.receive(world.event("invoice.paid", {"id": "in_9", "object": "invoice"}, id_="evt_late"))


def the_invoice_moves(world: World) -> None:
    with world.store.writing() as work:
        invoice = work.invoices.lock(1)
        assert invoice is not None
        work.invoices.save(replace(invoice, sent_at=world.clock.now()))
        work.commit()


@pytest.mark.parametrize("move", [an_event_arrives, the_invoice_moves])
def test_a_plan_is_not_carried_out_once_an_event_arrived_or_an_object_moved(
    many: World, move: Callable[[World], None]
):
    events = many.bridge.webhook_events
    digest = events.plan_replay(many.tenant, WAITING, MAX_EVENTS).digest
    move(many)
    before = many.store.committed

    with pytest.raises(ReplayPlanOutdated):
        events.start_replay(many.tenant, WAITING, MAX_EVENTS, digest)

    assert many.store.committed is before


class Interrupted:
    """A store to which something happens just before the first transaction that writes."""

    def __init__(self, store: Store, happens: Callable[[], None]) -> None:
        self._store, self._happens = store, happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def writing(self) -> UnitOfWork:
        happens, self._happens = self._happens, lambda: None
        happens()
        return self._store.writing()


@pytest.mark.parametrize("move", [an_event_arrives, the_invoice_moves])
def test_nor_if_that_happens_while_it_is_being_looked_at_again(many: World, move: Callable[[World], None]):
    digest = many.bridge.webhook_events.plan_replay(many.tenant, WAITING, MAX_EVENTS).digest
    interrupted: Any = Interrupted(many.store, lambda: move(many))
    many.restart(lambda adapters: replace(adapters, store=interrupted))

    with pytest.raises(ReplayPlanOutdated):
        many.bridge.webhook_events.start_replay(many.tenant, WAITING, MAX_EVENTS, digest)


def test_a_plan_that_is_being_carried_out_is_not_carried_out_again(many: World):
    replay = start(many)

    with pytest.raises(ReplayPlanOutdated):
        many.bridge.webhook_events.start_replay(many.tenant, WAITING, MAX_EVENTS, replay.digest)


def test_one_that_is_canceled_in_the_middle_queues_nothing_more(many: World):
    replay = start(many)
    many.bridge.webhook_events.run_replays()

    with acting_as(ANNA):
        canceled = many.bridge.webhook_events.cancel_replay(many.tenant, replay.id)

    assert (canceled.status, canceled.canceled_by) == (ReplayStatus.CANCELED, ANNA.actor)
    assert many.bridge.webhook_events.run_replays() == 0
    assert shown(many, replay).queued == BATCH_SIZE
    with pytest.raises(ReplayEnded):
        many.bridge.webhook_events.cancel_replay(many.tenant, replay.id)


def test_what_is_being_processed_by_then_is_left_out_and_counted(many: World):
    replay = start(many)
    with many.store.writing() as work:
        now = many.clock.now()
        work.inbox.claim(now, now.replace(minute=now.minute + 1), 3)
        work.commit()

    run(many)

    ended = shown(many, replay)
    assert (ended.queued, ended.being_processed, ended.position) == (replay.total - 3, 3, replay.total)


def test_a_plan_without_events_is_completed_at_once(world: World):
    assert start(world).status is ReplayStatus.COMPLETED
    assert world.bridge.webhook_events.run_replays() == 0


def test_another_tenants_replay_is_not_there(many: World):
    replay = start(many)
    events = many.bridge.webhook_events

    for use_case in (events.show_replay, events.cancel_replay):
        with pytest.raises(ReplayNotFound):
            use_case("initech", replay.id)
    assert events.show_replay(None, replay.id).replay == replay
