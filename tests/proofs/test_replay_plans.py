"""What a plan says is what applying it does: whatever happened at Stripe, whichever of its events were lost, came out of
order, or were spoiled by a bug, and whichever of them are replayed.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.replay import MAX_EVENTS, FieldChange, Outcome, Replay, ReplayPlan
from stripe_bridge.domain.webhook_event import EventStatus, SkipReason
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.use_cases.webhook_events.rehearse import KIND_OF, difference, stripe_id_of
from stripe_emulator.errors import StripeError
from tests.fakes.storage.unit_of_work import FakeStore
from tests.proofs.emulated_world import EmulatedWorld, emulated
from tests.world import A_WHILE, Event

ORDERS = (501, 502)
Change = tuple[str, str, tuple[FieldChange, ...]]


def things_of(world: EmulatedWorld, invoice_id: int) -> list[Any]:
    """An invoice with all that belongs to it. What is new has Stripe's id alone, so that is what things are known by."""
    with world.store.reading() as work:
        return [
            work.invoices.find(invoice_id),
            *work.payments.of_invoice(invoice_id),
            *work.refunds.of_invoice(invoice_id),
            *work.disputes.of_invoice(invoice_id),
        ]


def key_of(thing: Any) -> tuple[str, str]:
    return KIND_OF[type(thing)].value, str(stripe_id_of(thing))


def differences(before: Sequence[Any], after: Sequence[Any]) -> list[Change]:
    earlier = {key_of(each): each for each in before}
    changes = [(*key_of(each), difference(earlier.get(key_of(each)), each)) for each in after]
    return sorted((each for each in changes if each[2]), key=lambda each: each[:2])


def planned(plan: ReplayPlan, invoice_id: int) -> list[Change]:
    changes = [
        (each.kind.value, str(each.stripe_id), each.changes)
        for each in plan.objects
        if each.invoice_id == invoice_id and each.changes
    ]
    return sorted(changes, key=lambda each: each[:2])


class Past:
    """Two invoices to which something happened at Stripe, and of which this service knows a part."""

    def __init__(self, world: EmulatedWorld, data: st.DataObject) -> None:
        self.world, self._data = world, data
        world.connect()
        self.invoices = [world.sent(order_id) for order_id in ORDERS]
        for _ in range(data.draw(st.integers(1, 3), label="rounds")):
            for _ in range(data.draw(st.integers(1, 4), label="steps")):
                self._happens()
            self._events_come()
        # Of what follows a bug no event is applied: that is left to the replay.
        self._spoil()

    def _happens(self) -> None:
        step = self._data.draw(st.sampled_from(STEPS), label="step")
        invoice = str(self._data.draw(st.sampled_from(self.invoices)).stripe_invoice_id)
        with suppress(StripeError, IndexError):
            step(self.world, invoice)

    def _drawn(self, label: str) -> list[Event]:
        known = {event.stripe_event_id for event in self.world.events_stored()}
        new = [event for event in self.world.events() if event["id"] not in known]
        return (
            self._data.draw(st.lists(st.sampled_from(new), unique_by=lambda each: each["id"]), label=label)
            if new
            else []
        )

    def _events_come(self) -> None:
        """Some are applied, in some order; the others are late or lost."""
        for event in self._drawn("applied"):
            self.world.receive(event)
        self.world.work_off()

    def _spoil(self) -> None:
        """Some are stored, and a bug makes them fail, or counts them as applied."""
        for event in self._drawn("spoiled"):
            self.world.receive(event)
        with self.world.store.writing() as work:
            claimed = work.inbox.claim(self.world.clock.now(), self.world.clock.now() + A_WHILE, 100)
            now = self.world.clock.now()
            work.inbox.settle(
                now + A_WHILE,
                [
                    replace(event, status=EventStatus.FAILED, last_error="A bug.")
                    if self._data.draw(st.booleans(), label="fails")
                    else event.skipped(SkipReason.FOREIGN_OBJECT, now)
                    for event in claimed
                ],
            )
            work.commit()


def _charge(world: EmulatedWorld, invoice: str) -> str:
    payments = [
        each["payment"]["payment_intent"]
        for each in world._objects("invoice_payments")
        if each["invoice"] == invoice and each["status"] == "paid"
    ]
    charges = [each["id"] for each in world._objects("charges") if each["payment_intent"] in payments]
    return str(charges[-1])


def _last_refund(world: EmulatedWorld) -> str:
    return str(world._objects("refunds")[-1]["id"])


def _last_dispute(world: EmulatedWorld) -> str:
    return str(world._objects("disputes")[-1]["id"])


STEPS: Sequence[Callable[[EmulatedWorld, str], object]] = (
    lambda world, invoice: world.control.pay(invoice),
    lambda world, invoice: world.control.pay(invoice, amount=4_000),
    lambda world, invoice: world.control.pay(invoice, outcome="decline"),
    lambda world, invoice: world.control.pay(invoice, outcome="processing"),
    lambda world, invoice: world.control.settle_processing(invoice, "succeed"),
    lambda world, invoice: world.control.void(invoice),
    lambda world, invoice: world.control.mark_uncollectible(invoice),
    lambda world, invoice: world.control.refund(_charge(world, invoice), 500),
    lambda world, invoice: world.control.refund(_charge(world, invoice)),
    lambda world, _: world.control.change_refund(_last_refund(world), "failed"),
    lambda world, invoice: world.control.dispute(_charge(world, invoice)),
    lambda world, _: world.control.change_dispute(_last_dispute(world), "lost"),
)


def filters(world: EmulatedWorld, data: st.DataObject) -> EventFilter:
    stored = world.events_stored()
    some = st.frozensets(st.sampled_from([each.id for each in stored]), min_size=1) if stored else st.none()
    return data.draw(
        st.one_of(
            st.just(EventFilter(account_id=world.account_id)),
            st.sampled_from([EventFilter(status=each) for each in (EventStatus.FAILED, EventStatus.SKIPPED)]),
            some.map(lambda ids: EventFilter(ids=ids)),
        ),
        label="filter",
    )


def apply(world: EmulatedWorld, plan: ReplayPlan, matching: EventFilter) -> Replay:
    replay: Replay = world.bridge.webhook_events.start_replay(world.tenant, matching, plan.limit, plan.digest)
    while world.bridge.webhook_events.run_replays():
        pass
    world.work_off()
    shown: Replay = world.bridge.webhook_events.show_replay(world.tenant, replay.id).replay
    return shown


def assert_the_plan_is_what_happens(
    world: EmulatedWorld, invoices: Sequence[Invoice], matching: EventFilter
) -> ReplayPlan:
    before = {each.id: things_of(world, each.id) for each in invoices}

    plan: ReplayPlan = world.bridge.webhook_events.plan_replay(world.tenant, matching, MAX_EVENTS)
    replay = apply(world, plan, matching)

    assert (replay.queued, replay.position) == (len(plan.events), replay.total)
    unknown = {each.invoice_id for each in plan.objects if each.is_unknown}
    for invoice_id, things in before.items():
        if invoice_id not in unknown:
            happened = differences(things, things_of(world, invoice_id))
            assert planned(plan, invoice_id) == happened
    outcomes = {event.id: event for event in world.events_stored()}
    for each in plan.events:
        outcome = outcomes[each.event.id]
        if each.outcome is Outcome.APPLIED:
            assert outcome.status is EventStatus.PROCESSED
        if each.outcome is Outcome.SKIPPED:
            assert (outcome.status, outcome.skip_reason) == (EventStatus.SKIPPED, each.skip_reason)
    return plan


SOME: dict[str, Any] = {
    "deadline": None,
    # The same steps give other ids again, because the emulator keeps everything.
    "phases": [Phase.generate, Phase.shrink],
    "suppress_health_check": list(HealthCheck),
}


@pytest.mark.slow
def test_what_a_plan_says_is_exactly_what_applying_it_does():
    store, tenants = FakeStore(), count(1)
    with emulated() as (emulator, clock):

        @settings(max_examples=40, **SOME)
        @given(data=st.data())
        def check(data: st.DataObject) -> None:
            world = EmulatedWorld(emulator, clock, store, tenant=f"tenant-{next(tenants)}")
            past = Past(world, data)
            assert_the_plan_is_what_happens(world, past.invoices, filters(world, data))

        check()


@pytest.mark.slow
def test_it_is_so_on_real_databases(new_world: Callable[[], EmulatedWorld]):
    @settings(max_examples=6, **SOME)
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        past = Past(new_world(), data)
        assert_the_plan_is_what_happens(past.world, past.invoices, filters(past.world, data))

    check()


def test_a_payment_and_its_refund_are_planned_in_full_and_so_applied(new_world: Callable[[], EmulatedWorld]):
    """What any history may miss: a plan that knows everything, and changes something of each kind."""
    world = new_world()
    world.connect()
    invoice = world.sent()
    known = len(world.events())
    world.pay(invoice)
    world.control.refund(world.invoice_charge(), 1_000)
    for event in world.events()[known:]:
        if event["type"] in ("invoice.paid", "invoice_payment.paid", "charge.succeeded", "refund.created"):
            world.receive(event)

    plan = assert_the_plan_is_what_happens(world, [invoice], EventFilter(status=EventStatus.RECEIVED))

    assert {each.outcome for each in plan.events} == {Outcome.APPLIED}
    assert {each.kind.value for each in plan.objects} == {"invoice", "payment", "refund"}
    assert not any(each.is_unknown for each in plan.objects)
