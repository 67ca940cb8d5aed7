"""Accounts whose default API version is years old: events are listed in it, and what they are about is read in ours."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.reconciliation import Drift
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.use_cases.webhook_events.handlers.table import EVENT_TABLE
from stripe_emulator.versions import CURRENT, OLDEST
from tests.builders import AMOUNT, TENANT
from tests.proofs.emulated_world import EmulatedWorld, emulated
from tests.proofs.whole_life import OTHERS, pay_out_of_band, whole_life
from tests.world import Event, without_our_times


@pytest.fixture(params=[OLDEST, "2024-06-20"])
def world(request: pytest.FixtureRequest, database_url: str) -> Iterator[EmulatedWorld]:
    store = SqlStore(create_engine(database_url))
    with emulated() as (emulator, clock):
        world = EmulatedWorld(emulator, clock, store)
        shop = world.control.create_account("Old Shop", api_version=request.param)
        world.connect(shop["id"])
        yield world
    store.close()


def catch_up(world: EmulatedWorld) -> None:
    """Fetch missed events and apply them, without the daily sweep."""
    world.bridge.reconciliation.reconcile(world.integration_id, sweep=False)
    world.work_off()


def listed(world: EmulatedWorld) -> list[Event]:
    pages = world.adapters.event_gateway.pages_since(world.account_id, datetime.fromtimestamp(0, UTC))
    return [json.loads(body) for page in pages for body in page]


def test_an_invoice_paid_out_of_band_and_caught_up_shows_what_was_paid(world: EmulatedWorld):
    invoice = world.sent()
    pay_out_of_band(world, invoice)
    (event,) = [event for event in listed(world) if event["type"] == "invoice.paid"]
    assert event["data"]["object"]["amount_paid"] == 0

    catch_up(world)

    shown = world.invoice(invoice.id)
    assert (shown.status, shown.amount_paid, shown.amount_remaining) == (InvoiceStatus.PAID, AMOUNT, 0)
    assert world.order().outstanding == 0


def test_after_catching_up_all_is_as_at_stripe_and_no_sweep_finds_a_difference(world: EmulatedWorld):
    invoices = whole_life(world)

    catch_up(world)

    assert {event["api_version"] for event in listed(world)} != {CURRENT}
    assert {event.status for event in world.events_stored()} == {EventStatus.PROCESSED}
    at_stripe = {each.id: each for each in world.at_stripe()}
    for invoice in invoices:
        shown, theirs = world.invoice(invoice.id), at_stripe[str(invoice.stripe_invoice_id)]
        assert (shown.status.value, shown.amount_paid) == (theirs.status.value, theirs.amount_paid)
    (refunded,) = [each for each in invoices if world.invoice(each.id).amount_refunded]
    assert world.invoice(refunded.id).amount_refunded == 2_500
    assert [world.invoice(each.id).dispute_status for each in invoices].count("won") == 1
    drift = world.bridge.reconciliation.reconcile(world.integration_id).drift
    assert not {kind: count for kind, count in drift.items() if count and kind is not Drift.MISSED_EVENT}


def test_every_type_of_event_that_is_handled_leaves_what_was_read_at_stripe(world: EmulatedWorld):
    invoices = whole_life(world)
    events = {event["type"]: event for event in reversed(listed(world))}
    for type_, like in OTHERS.items():
        assert type_ not in events, f"{type_} happens by now"
        events[type_] = events[like] | {"type": type_}
    events["account.application.deauthorized"] = events["account.updated"] | {
        "type": "account.application.deauthorized",
        "data": {"object": {"id": world.settings.stripe_client_id, "object": "application"}},
    }
    catch_up(world)
    before = [without_our_times(world.invoice(invoice.id)) for invoice in invoices]

    for row in EVENT_TABLE:
        event = events[row.event_type] | {"id": f"evt_{row.event_type}", "account": world.account_id}
        world.deliver([event])
        stored = world.events_stored()[0]
        assert (stored.event_type, stored.last_error) == (row.event_type, None)

    assert [without_our_times(world.invoice(invoice.id)) for invoice in invoices] == before
    assert world.bridge.integrations.show(TENANT, world.integration_id).integration.connected
