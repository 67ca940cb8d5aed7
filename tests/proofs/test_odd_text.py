"""What PostgreSQL cannot take with the rest of a batch, or not at all, holds up nothing else."""

import logging
from collections.abc import Iterator

import pytest

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.webhook_event import EventStatus
from tests.proofs.emulated_world import EmulatedWorld, emulated
from tests.world import Event

NUL, LONE_SURROGATE = "a\0b", "a\ud800b"


@pytest.fixture
def world(postgres_url: str) -> Iterator[EmulatedWorld]:
    store = SqlStore(create_engine(postgres_url))
    with emulated() as (emulator, clock):
        world = EmulatedWorld(emulator, clock, store)
        world.connect()
        yield world
    store.close()


def payments_of_two(world: EmulatedWorld) -> list[Event]:
    """What Stripe tells about two invoices that were paid."""
    for order_id in (501, 502):
        world.pay(world.sent(order_id))
    first, second = (event for event in world.events() if event["type"] == "invoice.paid")
    return [first, second]


def statuses(world: EmulatedWorld) -> list[EventStatus]:
    return [event.status for event in sorted(world.events_stored(), key=lambda event: event.id)]


@pytest.mark.parametrize("text", [NUL, LONE_SURROGATE])
@pytest.mark.parametrize(
    ("batches_before", "rolled_back"),
    [(0, ["event batch rolled back"]), (1, ["unclaimed event batch rolled back", "event batch rolled back"])],
    ids=["claimed", "unclaimed"],
)
def test_what_fails_a_batch_is_stored_by_itself(
    world: EmulatedWorld,
    text: str,
    batches_before: int,
    rolled_back: list[str],
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.INFO)
    odd, plain = payments_of_two(world)
    odd["data"]["object"]["metadata"]["note"] = text
    for _ in range(batches_before):
        world.bridge.webhook_events.apply()
    for event in (odd, plain):
        world.receive(event)

    world.bridge.webhook_events.apply()

    assert [message for message in caplog.messages if "rolled back" in message] == rolled_back
    assert statuses(world) == [EventStatus.PROCESSED, EventStatus.PROCESSED]
    invoices = {invoice.stripe_invoice_id: invoice for invoice in map(world.invoice, (1, 2))}
    stored = invoices[odd["data"]["object"]["id"]]
    assert stored.metadata["note"] == text
    assert {invoice.status for invoice in invoices.values()} == {InvoiceStatus.PAID}


@pytest.mark.parametrize("text", [NUL, LONE_SURROGATE])
def test_what_cannot_be_stored_at_all_is_tried_again_and_the_rest_applied(world: EmulatedWorld, text: str):
    odd, plain = payments_of_two(world)
    odd["data"]["object"]["number"] = text
    for event in (odd, plain):
        world.receive(event)

    world.bridge.webhook_events.apply()

    assert statuses(world) == [EventStatus.RECEIVED, EventStatus.PROCESSED]
