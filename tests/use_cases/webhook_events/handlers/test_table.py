"""One table says which event types are handled, by whom, and which of them receivers subscribe to."""

import re
from collections.abc import Callable

import pytest

from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.receiver import SUBSCRIBED_EVENTS
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.use_cases.webhook_events.handlers.table import EVENT_TABLE
from tests.use_cases.webhook_events.handlers.events import handler_table
from tests.world import Event, World

UNSUBSCRIBED = {row.event_type: row.not_subscribed for row in EVENT_TABLE if row.not_subscribed is not None}
# Stripe sends each of these only where an operator made the endpoint by hand, with more types than receivers ask for.
CHARGE_OF_ITS_PAYMENT_INTENT = "its charge belongs to the invoice"
STATE_OF_THE_INVOICE = "its payload is the invoice's newest snapshot"
WHY_HANDLED = {
    "invoice.payment_action_required": STATE_OF_THE_INVOICE,
    "invoice.payment_succeeded": STATE_OF_THE_INVOICE,
    "payment_intent.canceled": CHARGE_OF_ITS_PAYMENT_INTENT,
    "payment_intent.partially_funded": CHARGE_OF_ITS_PAYMENT_INTENT,
    "payment_intent.requires_action": CHARGE_OF_ITS_PAYMENT_INTENT,
    "payment_intent.succeeded": CHARGE_OF_ITS_PAYMENT_INTENT,
}


def test_the_types_that_receivers_subscribe_to_are_those_that_the_table_says():
    assert {row.event_type for row in EVENT_TABLE} - UNSUBSCRIBED.keys() == SUBSCRIBED_EVENTS


def test_no_type_is_in_the_table_twice():
    types = [row.event_type for row in EVENT_TABLE]

    assert len(set(types)) == len(types)


def test_each_type_is_applied_by_the_handler_of_its_row(world: World):
    table = handler_table(world)

    assert {type_: type(handler) for type_, handler in table.handlers.items()} == {
        row.event_type: row.handler for row in EVENT_TABLE
    }
    # Whatever locks an account is applied individually; only our own deauthorization outlives the connection.
    assert table.apply_individually == {"account.updated", "account.application.deauthorized"}
    assert table.applies_when_disconnected == {"account.application.deauthorized"}


def test_an_unsubscribed_type_has_a_reason_and_any_type_that_it_relies_on_is_subscribed():
    assert UNSUBSCRIBED.keys() == WHY_HANDLED.keys()
    for reason in UNSUBSCRIBED.values():
        assert reason.endswith(".")
        assert set(re.findall(r"\b\w+\.\w+\b", reason)) <= SUBSCRIBED_EVENTS


def sent_by_stripe(world: World, event_type: str) -> Event:
    """The event as if Stripe had sent it at this moment, with the object as Stripe has it now."""
    sort = event_type.split(".")[0]
    newest = [event for event in world.events() if event["type"].startswith(f"{sort}.")][-1]
    return newest | {"id": f"evt_{event_type}", "type": event_type}


@pytest.mark.parametrize("event_type", sorted(WHY_HANDLED))
def test_an_unsubscribed_type_that_arrives_even_so_is_applied(world: World, event_type: str):
    invoice = world.sent()
    world.pay(invoice)
    paid: dict[str, Callable[[], bool]] = {
        STATE_OF_THE_INVOICE: lambda: world.invoice(invoice.id).status is InvoiceStatus.PAID,
        CHARGE_OF_ITS_PAYMENT_INTENT: lambda: any(id_.startswith("ch_") for id_ in world.links(invoice.id)),
    }
    is_shown = paid[WHY_HANDLED[event_type]]
    assert not is_shown()

    world.deliver([sent_by_stripe(world, event_type)])

    assert world.events_stored()[0].status is EventStatus.PROCESSED
    assert is_shown()
