"""A plan leaves a database as it was and holds nobody up; a replay is carried out once, and whoever dies on the way."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from stripe_bridge.adapters.database import SqlStore
from stripe_bridge.adapters.database.tables.base import Row
from stripe_bridge.adapters.stripe_gateway.snapshots import StripeSnapshots
from stripe_bridge.domain.errors.conflicts import ReplayPlanOutdated
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.replay import MAX_EVENTS, Replay, ReplayPlan, ReplayStatus
from stripe_bridge.domain.stripe_objects import StripeInvoice
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.use_cases.webhook_events.replay_many import BATCH_SIZE
from tests.contracts.stored import at_once
from tests.proofs.boundary import Crash, crash_at
from tests.proofs.emulated_world import EmulatedWorld
from tests.world import AnyWorld, World

WAITING = EventFilter(status=EventStatus.RECEIVED)
NewWorld = Callable[[], EmulatedWorld]


def waiting_events(world: EmulatedWorld) -> EmulatedWorld:
    """A paid invoice, of which a part was refunded, and a dispute: the events are stored, and none was applied."""
    world.connect()
    world.sent()
    known = len(world.events())
    world.pay(world.invoice(world.invoice_id))
    charge = world.invoice_charge()
    world.control.refund(charge, 1_000)
    world.control.dispute(charge, "inquiry")
    for event in world.events()[known:]:
        world.receive(event)
    return world


def plan_of(world: AnyWorld) -> ReplayPlan:
    plan: ReplayPlan = world.bridge.webhook_events.plan_replay(world.tenant, WAITING, MAX_EVENTS)
    return plan


def everything_in(store: Store) -> Mapping[str, Any]:
    """On SQLite the file, on PostgreSQL each row with the transaction that wrote it and its place, and the sequences."""
    assert isinstance(store, SqlStore)
    if store.engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(str(store.engine.url.database))) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return {"file": Path(str(store.engine.url.database)).read_bytes()}
    with store.engine.connect() as connection:
        rows = {
            name: sorted(map(str, connection.execute(text(f'SELECT ctid, xmin, t.* FROM "{name}" t')).all()))
            for name in Row.metadata.tables
        }
        given = text("SELECT sequencename, last_value FROM pg_sequences ORDER BY 1")
        return rows | {"sequences": list(map(str, connection.execute(given).all()))}


def test_a_plan_leaves_the_database_byte_for_byte_as_it_was(store: Store, new_world: NewWorld):
    world = waiting_events(new_world())
    before = everything_in(store)

    plan = plan_of(world)

    assert plan.objects
    assert everything_in(store) == before


def test_a_plan_waits_for_no_lock(store: Store, new_world: NewWorld):
    world = waiting_events(new_world())
    with store.writing() as work:
        locked = work.inbox.lock_due(world.clock.now(), world.clock.now(), 100)
        assert work.invoices.lock(world.invoice_id)
        assert work.integrations.find(world.integration_id, lock=True)

        assert len(plan_of(world).events) == len(locked)


class Writing(StripeSnapshots):
    """While a plan is being made, somebody writes."""

    def __init__(self, write: Callable[[], None]) -> None:
        self._write = write

    def invoice(self, object_: Mapping[str, Any]) -> StripeInvoice:
        write, self._write = self._write, lambda: None
        write()
        return super().invoice(object_)


def test_a_plan_keeps_nobody_from_writing_what_it_is_about(store: Store, new_world: NewWorld):
    """And shows one state of the database, as it was when it began."""
    world = waiting_events(new_world())
    expected = plan_of(world)

    def pay_elsewhere() -> None:
        with store.writing() as work:
            invoice = work.invoices.lock(world.invoice_id)
            assert invoice is not None
            work.invoices.save(replace(invoice, status=InvoiceStatus.VOID))
            work.commit()

    world.restart(lambda adapters: replace(adapters, snapshots=Writing(pay_elsewhere)))
    plan = plan_of(world)

    assert plan.objects == expected.objects
    assert world.invoice(world.invoice_id).status is InvoiceStatus.VOID
    with pytest.raises(ReplayPlanOutdated):
        world.bridge.webhook_events.start_replay(world.tenant, WAITING, MAX_EVENTS, plan.digest)


def test_of_two_who_have_the_same_plan_carried_out_at_once_one_wins(new_world: NewWorld):
    world = waiting_events(new_world())
    digest = plan_of(world).digest

    def start(_: int) -> Replay:
        started: Replay = world.bridge.webhook_events.start_replay(world.tenant, WAITING, MAX_EVENTS, digest)
        return started

    outcomes = at_once(2, start)

    assert sorted(type(each).__name__ for each in outcomes) == ["Replay", "ReplayPlanOutdated"]


def test_workers_that_run_one_replay_at_once_count_each_event_once(new_world: NewWorld):
    world = waiting_events(new_world())
    plan = plan_of(world)
    replay = world.bridge.webhook_events.start_replay(world.tenant, WAITING, MAX_EVENTS, plan.digest)

    at_once(4, lambda _: world.bridge.webhook_events.run_replays())

    shown = world.bridge.webhook_events.show_replay(world.tenant, replay.id).replay
    assert (shown.status, shown.queued) == (ReplayStatus.COMPLETED, len(plan.events))


def test_a_replay_whose_worker_dies_anywhere_is_resumed_and_counts_each_event_once():
    number = 0
    while True:
        number += 1
        world = World()
        world.connect()
        total = 2 * BATCH_SIZE + 1
        for each in range(total):
            foreign = {"id": f"in_{each}", "object": "invoice"}
            world.receive(world.event("invoice.paid", foreign, id_=f"evt_{each}"))
        digest = plan_of(world).digest
        replay = world.bridge.webhook_events.start_replay(world.tenant, WAITING, MAX_EVENTS, digest)
        boundary = crash_at(number)
        world.restart(boundary.around)
        try:
            run(world)
        except Crash:
            world.restart()
            run(world)
            is_over = False
        else:
            is_over = True
        shown = world.bridge.webhook_events.show_replay(world.tenant, replay.id).replay
        assert (shown.status, shown.queued, shown.position) == (ReplayStatus.COMPLETED, total, total)
        if is_over:
            break
    assert number > 6


def run(world: World) -> None:
    while world.bridge.webhook_events.run_replays():
        pass
