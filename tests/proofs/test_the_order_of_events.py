"""A paid invoice's events lead to the same result in whatever order, however often and however early they arrive; and none of
them leads back. Only Stripe itself does, when it is read and shows less than an event had said.

The events are the emulator's. Nothing changes at Stripe meanwhile, so its answers are remembered rather than asked for again.
"""

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.payment import Payment
from stripe_bridge.domain.receiver import SUBSCRIBED_EVENTS
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.settlement import CONFIRM_AFTER
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.use_cases.sales_orders.show import SalesOrderView
from tests.fakes.storage.unit_of_work import FakeStore
from tests.proofs.boundary import Boundary
from tests.proofs.emulated_world import EmulatedWorld, emulated
from tests.world import A_WHILE, AnyWorld, Event, without_our_times

SIX = (
    "charge.succeeded",
    "payment_intent.succeeded",
    "invoice_payment.paid",
    "invoice.updated",
    "invoice.paid",
    "invoice.payment_succeeded",
)
SEED = 20_261_123
SHUFFLES = 1_000

End = tuple[Invoice, list[Payment], set[str], list[Refund], list[Dispute], SalesOrderView]


def end_of(world: AnyWorld) -> End:
    """Everything that events change, without the times at which they changed it."""
    invoice = without_our_times(world.invoice(world.invoice_id))
    with world.store.reading() as work:
        refunds = [
            replace(each, updated_at=each.created_at, id=0, version=0)
            for each in work.refunds.of_invoice(invoice.id)
        ]
        disputes = [replace(each, version=0) for each in work.disputes.of_invoice(invoice.id)]
    refunds.sort(key=lambda refund: str(refund.stripe_refund_id))
    return (
        invoice,
        list(world.payments(invoice.id)),
        world.links(invoice.id),
        refunds,
        disputes,
        world.order(),
    )


class Remembering:
    """Remembers a gateway's answers while nothing changes at Stripe."""

    def __init__(self, gateway: Any) -> None:
        self._gateway = gateway
        self._answers: dict[Any, Any] = {}

    def __getattr__(self, name: str) -> Any:
        def ask(*args: Any, **kwargs: Any) -> Any:
            question = (name, args, tuple(sorted(kwargs.items())))
            if question not in self._answers:
                self._answers[question] = getattr(self._gateway, name)(*args, **kwargs)
            return self._answers[question]

        return ask


class Story:
    """A sent invoice, and what then happened to it at Stripe; our side can be reset to before it knew of that."""

    def __init__(
        self, world: EmulatedWorld, store: FakeStore, happen: Callable[[EmulatedWorld], None]
    ) -> None:
        self.world, self._store = world, store
        world.connect()
        world.sent()
        known = len(world.events())
        happen(world)
        self.events = world.events()[known:]
        remembering: dict[str, Any] = {
            name: Remembering(getattr(world.adapters, name)) for name in ("invoice_gateway", "refund_gateway")
        }
        world.restart(lambda adapters: replace(adapters, **remembering))
        self._before = store.committed

    def end_after(self, events: list[Event]) -> End:
        """The result if each event is applied before the next one arrives."""
        self._store.committed = self._before
        for event in events:
            if not self.world.receive(event):
                self.replay(event)
            self.world.work_off()
        assert {event.status for event in self.world.events_stored()} == {EventStatus.PROCESSED}
        return end_of(self.world)

    def replay(self, event: Event) -> None:
        """Apply the same event again, bypassing the inbox, which would recognize it."""
        (stored,) = [each for each in self.world.events_stored() if each.stripe_event_id == event["id"]]
        self.world.bridge.webhook_events.replay(self.world.tenant, stored.id)


def pay(world: EmulatedWorld) -> None:
    world.pay(world.invoice(world.invoice_id))


@pytest.fixture(scope="module")
def payment() -> Iterator[Story]:
    """The six events of a paid invoice."""
    store = FakeStore()
    with emulated() as (emulator, clock):
        story = Story(EmulatedWorld(emulator, clock, store), store, pay)
        assert sorted(event["type"] for event in story.events) == sorted(SIX)
        yield story


def is_paid(end: End) -> bool:
    invoice, (paid,), links, *_, order = end
    return (
        invoice.status is InvoiceStatus.PAID
        and invoice.stripe_charge_id == paid.charge_id
        and {invoice.stripe_invoice_id, paid.payment_intent_id, paid.charge_id} == links
        and order.outstanding == 0
    )


def test_every_order_of_the_six_events_each_twice_in_a_row_ends_alike(payment: Story):
    expected = payment.end_after(payment.events)
    assert is_paid(expected)

    for order in itertools.permutations(payment.events):
        end = payment.end_after([event for event in order for _ in range(2)])
        assert end == expected, [event["type"] for event in order]


def test_every_shuffle_of_the_twelve_ends_alike(payment: Story):
    expected = payment.end_after(payment.events)
    chance = random.Random(SEED)

    for _ in range(SHUFFLES):
        twelve = payment.events * 2
        chance.shuffle(twelve)
        assert payment.end_after(twelve) == expected, f"seed {SEED}: {[each['type'] for each in twelve]}"


def test_any_one_of_the_invoices_own_events_is_enough_to_show_it_paid(payment: Story):
    for event in payment.events:
        end = payment.end_after([event])
        if event["type"].startswith("invoice."):
            assert end[0].status is InvoiceStatus.PAID
        assert end[0].status in (InvoiceStatus.OPEN, InvoiceStatus.PAID)


def refund_and_dispute(world: EmulatedWorld) -> None:
    """Paid; refunded in part twice, one of which fails; disputed, and the dispute lost."""
    pay(world)
    charge = world.invoice_charge()
    world.control.refund(charge, 1_000)
    failing = world.control.refund(charge, 2_000)["id"]
    world.control.change_refund(failing, "failed")
    dispute = world.control.dispute(charge)["id"]
    world.control.change_dispute(dispute, "under_review")
    world.control.change_dispute(dispute, "lost")


def void(world: EmulatedWorld) -> None:
    world.control.void(str(world.invoice(world.invoice_id).stripe_invoice_id))


def pay_what_was_given_up(world: EmulatedWorld) -> None:
    world.control.mark_uncollectible(str(world.invoice(world.invoice_id).stripe_invoice_id))
    pay(world)


def pay_in_parts(world: EmulatedWorld) -> None:
    invoice = world.invoice(world.invoice_id)
    world.pay(invoice, 5_000)
    world.pay(invoice)


@pytest.fixture(scope="module", params=[refund_and_dispute, void, pay_what_was_given_up, pay_in_parts])
def longer_story(request: pytest.FixtureRequest) -> Iterator[Story]:
    store = FakeStore()
    with emulated() as (emulator, clock):
        yield Story(EmulatedWorld(emulator, clock, store), store, request.param)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_refunds_disputes_voids_and_parts_end_alike_in_any_order_and_number(longer_story: Story, data):
    known = [event for event in longer_story.events if event["type"] in SUBSCRIBED_EVENTS]
    expected = longer_story.end_after(known)
    order = data.draw(st.permutations(known))
    again = data.draw(st.lists(st.sampled_from(known), max_size=4))

    assert longer_story.end_after([*order, *again]) == expected


def nothing(_world: EmulatedWorld) -> None:
    """The customer has not paid."""


def forged_payment(events: list[Event]) -> Event:
    """An `invoice.paid` that Stripe never made, from the event that opened the invoice."""
    (opened,) = [event for event in events if event["type"] == "invoice.finalized"]
    due = opened["data"]["object"]["amount_due"]
    paid = opened["data"]["object"] | {"status": "paid", "amount_paid": due, "amount_remaining": 0}
    return opened | {"id": "evt_forged", "type": "invoice.paid", "data": {"object": paid}}


def test_only_stripe_itself_leads_back_from_what_a_forged_event_has_shown_and_no_event_does():
    store, chance = FakeStore(), random.Random(SEED)
    with emulated() as (emulator, clock):
        story = Story(EmulatedWorld(emulator, clock, store), store, nothing)
        world = story.world
        honest = [event for event in world.events() if event["type"] in SUBSCRIBED_EVENTS]
        forged = forged_payment(honest)
        for _ in range(40):
            events = [forged, *honest * 2]
            chance.shuffle(events)

            invoice, *_, order = story.end_after(events)

            assert (invoice.status, order.outstanding) == (InvoiceStatus.PAID, 0)
            clock.advance(CONFIRM_AFTER)
            world.bridge.reconciliation.confirm_settlements()
            for event in honest:
                story.replay(event)
                world.work_off()
            invoice, *_, order = end_of(world)
            assert (invoice.status, invoice.contradicted_at) == (InvoiceStatus.OPEN, clock.now())
            assert order.outstanding == invoice.amount


@pytest.mark.parametrize("seed", range(2))
def test_events_that_come_at_any_crossing_of_the_send_end_as_those_that_come_after_it(seed):
    store = FakeStore()
    with emulated() as (emulator, clock):
        number = 0
        while True:
            number += 1
            world = EmulatedWorld(emulator, clock, store, tenant=f"tenant-{number}")
            world.connect()
            world.put_order()
            boundary = interrupt(world, number, random.Random(seed))
            world.invoice_id = world.send().view.invoice.id
            deliver_all(world, random.Random(seed))
            world.come_to_rest()
            assert is_paid(end_of(world)), boundary.places[number - 1 :][:1]
            assert len(world.mails()) <= 1
            if number > len(boundary.places):
                break


def interrupt(world: EmulatedWorld, number: int, chance: random.Random) -> Boundary:
    """At this crossing of the boundary, the customer pays, if there is something to pay, and Stripe delivers all events."""

    def pay_and_deliver(crossing: int, place: str) -> None:
        # Nothing can come between a transaction's writes and its commit.
        if crossing == number and place != "before commit":
            pay_what_is_open(world)
            deliver_shuffled(world, chance)

    boundary = Boundary(pay_and_deliver)
    world.restart(boundary.around)
    return boundary


def deliver_all(world: EmulatedWorld, chance: random.Random) -> None:
    pay_what_is_open(world)
    deliver_shuffled(world, chance)


def pay_what_is_open(world: EmulatedWorld) -> None:
    for invoice in world.at_stripe():
        if invoice.status.value == "open":
            world.control.pay(invoice.id)


def deliver_shuffled(world: EmulatedWorld, chance: random.Random) -> None:
    twice = world.events() * 2
    chance.shuffle(twice)
    world.deliver_elsewhere(twice)


@pytest.mark.slow
def test_a_sample_of_orders_ends_alike_on_real_databases(new_world: Callable[[], EmulatedWorld]):
    chance = random.Random(SEED)
    for _ in range(12):
        world = new_world()
        world.connect()
        world.sent()
        pay(world)
        twelve = [event for event in world.events() if event["type"] in SIX] * 2
        chance.shuffle(twelve)
        for event in twelve:
            world.receive(event)
            world.bridge.webhook_events.apply()
        world.clock.advance(A_WHILE)
        world.work_off()
        assert is_paid(end_of(world)), [event["type"] for event in twelve]
