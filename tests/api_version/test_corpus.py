"""What the service reads of everything that Stripe shows it: the part of the corpus that the gateways' contract lacks.

`make api-version` records it. The store is the one in memory, since texts keep what they note only in there.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from stripe_bridge.adapters.event_reader import read_event
from stripe_bridge.adapters.stripe_gateway.snapshots import StripeSnapshots
from stripe_bridge.domain.stripe_objects import PaymentProgress
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.use_cases.webhook_events.handlers.table import EVENT_TABLE
from tests.fakes.storage.unit_of_work import FakeStore
from tests.proofs.emulated_world import EmulatedWorld, emulated
from tests.proofs.whole_life import OTHERS, whole_life
from tests.world import Event


@pytest.fixture
def world() -> Iterator[EmulatedWorld]:
    with emulated() as (emulator, clock):
        world = EmulatedWorld(emulator, clock, FakeStore())
        world.restart(lambda adapters: replace(adapters, read_event=read_event))
        world.connect()
        yield world


def every_event(world: EmulatedWorld) -> list[Event]:
    events = world.events()
    like = {event["type"]: event for event in events}
    others = [like[type_] | {"id": f"evt_{other}", "type": other} for other, type_ in OTHERS.items()]
    application = {"id": world.settings.stripe_client_id, "object": "application"}
    deauthorized = like["account.updated"] | {
        "id": "evt_deauthorized",
        "type": "account.application.deauthorized",
        "data": {"object": application},
    }
    return [*events, *others, deauthorized]


def test_every_type_of_event_that_is_handled_is_received_and_applied(world: EmulatedWorld):
    whole_life(world)
    world.control.finish_checkout(
        "completed", payment_intent=world.control.objects("payment_intents")[0]["id"]
    )
    events = every_event(world)
    assert {event["type"] for event in events} >= {row.event_type for row in EVENT_TABLE}

    world.deliver([event | {"account": world.account_id} for event in events])
    # As it is after a restore: the invoices are not known, but signed.
    elsewhere = EmulatedWorld(world.emulator, world.clock, FakeStore())
    elsewhere.connect(world.account_id)
    elsewhere.deliver([event | {"account": world.account_id} for event in events])

    for each in (*world.events_stored(), *elsewhere.events_stored()):
        assert each.status in (EventStatus.PROCESSED, EventStatus.SKIPPED), each.last_error


@pytest.fixture
def declined(world: EmulatedWorld) -> dict[str, Any]:
    """A payment whose last try failed, with its payment intent."""
    invoice = world.sent()
    world.control.pay(str(invoice.stripe_invoice_id), "decline")
    (payment,) = world.control.objects("invoice_payments")
    (intent,) = world.control.objects("payment_intents")
    return payment | {"payment": payment["payment"] | {"payment_intent": intent}}


@pytest.mark.parametrize("lacking", [(), ("decline_code",), ("decline_code", "code")])
def test_a_decline_is_told_by_the_most_exact_of_what_stripe_shows(
    declined: dict[str, Any], lacking: tuple[str, ...]
):
    shown = deepcopy(declined)
    error = shown["payment"]["payment_intent"]["last_payment_error"]
    for name in lacking:
        del error[name]

    payment = StripeSnapshots().payment(shown)

    told = next(error[name] for name in ("decline_code", "code", "message") if name in error)
    assert (payment.progress, payment.failure_reason) == (PaymentProgress.FAILED, told)


def test_a_charge_without_a_payment_intent_is_named_by_its_payment(declined: dict[str, Any]):
    payment = StripeSnapshots().payment(declined | {"payment": {"type": "charge", "charge": "ch_1"}})

    assert (payment.charge_id, payment.payment_intent_id) == ("ch_1", None)


def test_a_prevented_dispute_is_measured_by_what_it_took_from_the_balance(world: EmulatedWorld):
    world.pay(world.sent())
    dispute = world.control.dispute(world.invoice_charge())
    moved = {"object": "balance_transaction", "id": "txn_1", "amount": -dispute["amount"]}

    read = StripeSnapshots().dispute(dispute | {"status": "prevented", "balance_transactions": [moved]})

    assert read.amount == dispute["amount"]
