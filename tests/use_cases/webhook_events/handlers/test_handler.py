"""What holds for every handler, whichever type of event it is for."""

import json
from collections.abc import Sequence

import pytest

from stripe_bridge.domain.webhook_event import parse_event
from stripe_bridge.use_cases.webhook_events.handlers.handler import Applied, Fetched, NeedsRefetch
from tests.builders import TENANT
from tests.use_cases.webhook_events.handlers.events import handler_table
from tests.world import Event, World, without_our_times


def history(world: World) -> list[Event]:
    """The events of an invoice that is sent and paid, in part refunded, and disputed; none of them is delivered yet."""
    invoice = world.sent()
    events = world.events()
    paid = world.stripe.pay(world.account_id, invoice.stripe_invoice_id)
    events += world.events()
    refund = world.stripe.refund(world.account_id, paid.charge_id, 1_500)
    events += world.events()
    world.stripe.change_refund(world.account_id, refund.id, "failed")
    world.stripe.refund(world.account_id, paid.charge_id, 700)
    world.stripe.change_dispute(
        world.account_id, world.stripe.dispute(world.account_id, paid.charge_id).id, "lost"
    )
    return [event | {"id": f"evt_{number}"} for number, event in enumerate([*events, *world.events()])]


def state(world: World) -> object:
    """Everything that the events are about, as stored."""
    invoice = world.invoice(world.invoice_id)
    refunds = [
        (each.stripe_refund_id, each.amount, each.state)
        for each in world.bridge.refunds.list(TENANT, invoice.id)
    ]
    payments = sorted(map(str, world.payments(invoice.id)))
    return without_our_times(invoice), sorted(refunds), payments, world.links(invoice.id)


@pytest.mark.parametrize("kind", ["invoice", "invoice_payment", "charge", "payment_intent", "refund"])
def test_events_applied_again_and_in_reverse_leave_the_same_state(world: World, kind: str):
    events = history(world)
    world.deliver(events)
    before = state(world)
    repeated: Sequence[Event] = [
        event | {"id": f"{event['id']}_again"} for event in events if event["type"].split(".")[0] == kind
    ]
    assert repeated

    world.deliver(repeated[::-1])

    assert state(world) == before


def test_a_handler_calls_stripe_only_to_fetch(world: World):
    table = handler_table(world)
    results = set()
    for event in history(world):
        parsed, calls = parse_event(json.dumps(event).encode()), world.calls()
        handler = table.handlers[event["type"]]
        with world.store.writing() as work:
            result = handler.apply(work, world.account_id, parsed, None)
            assert world.calls() == calls, event["type"]
            work.commit()
        results.add(type(result))

    assert results >= {Applied, NeedsRefetch}


def test_what_was_fetched_settles_every_event_that_needs_it(world: World):
    table = handler_table(world)
    refetched = set()
    for event in history(world):
        parsed, handler = parse_event(json.dumps(event).encode()), table.handlers[event["type"]]
        with world.store.writing() as work:
            result = handler.apply(work, world.account_id, parsed, None)
        if not isinstance(result, NeedsRefetch):
            continue
        fetched = Fetched(handler.fetch(world.account_id, parsed), result.version)
        with world.store.writing() as work:
            assert isinstance(handler.apply(work, world.account_id, parsed, fetched), Applied), event["type"]
        refetched.add(event["type"])

    assert {"charge.refunded", "charge.dispute.updated"} <= refetched
