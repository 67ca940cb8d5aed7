"""An event that is rendered in another API version proves nothing but which objects it is about: those are read at Stripe."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.errors.outcomes import InvoiceNotSent, Recovering
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.webhook_event import REFERENCES, EventStatus, SkipReason
from stripe_bridge.ports.stripe.errors import GatewayRefused
from tests.builders import TENANT
from tests.fakes.stripe import payloads
from tests.use_cases.webhook_events.handlers.events import newest
from tests.world import CLIENT_ID, Event, World, without_our_times

OTHER_VERSIONS = ["2020-08-27", "2025-02-24.acacia", "2027-03-31.future", None]
LIES = {
    "status": "void",
    "total": 1,
    "amount": 1,
    "amount_due": 1,
    "amount_paid": 0,
    "amount_remaining": 1,
    "amount_refunded": 0,
    "currency": "jpy",
    "number": "another",
    "is_charge_refundable": "unknown",
    "created": "long ago",
    "lines": None,
    "payment": None,
    "status_transitions": 7,
    "charges_enabled": False,
}
HISTORIES: dict[str, Callable[[World, Invoice], object]] = {
    "open": lambda world, invoice: None,
    "paid": lambda world, invoice: world.pay(invoice),
    "partly paid": lambda world, invoice: world.pay(invoice, 5_000),
    "uncollectible": lambda world, invoice: world.stripe.mark_uncollectible(
        world.account_id, invoice.stripe_invoice_id
    ),
    "void": lambda world, invoice: world.adapters.invoice_gateway.void(
        world.account_id, str(invoice.stripe_invoice_id), "the-merchants-own"
    ),
    "refunded": lambda world, invoice: world.stripe.refund(
        world.account_id, charge_of(world, invoice), 1_500
    ),
    "disputed": lambda world, invoice: world.stripe.dispute(world.account_id, charge_of(world, invoice)),
}


def charge_of(world: World, invoice: Invoice) -> str:
    world.pay(invoice)
    (charge,) = world.stripe.accounts[world.account_id].charges.charges
    return str(charge)


def in_version(event: Event, version: str | None) -> Event:
    """The event in a version in which all but the names of objects means something else."""
    shown = event["data"]["object"]
    ids = {name: shown[name] for name in REFERENCES if name in shown}
    return event | {"api_version": version, "data": {"object": LIES | ids}}


def stored(world: World, invoice: Invoice) -> tuple[Invoice, list[Refund], list[Dispute], set[str]]:
    with world.store.reading() as work:
        refunds = list(work.refunds.of_invoice(invoice.id))
        disputes = list(work.disputes.of_invoice(invoice.id))
    # Each read at Stripe brings new links.
    shown = replace(world.invoice(invoice.id), hosted_invoice_url=None, invoice_pdf=None)
    return without_our_times(shown), refunds, disputes, world.links(invoice.id)


@pytest.mark.parametrize("version", OTHER_VERSIONS)
@pytest.mark.parametrize("history", HISTORIES)
def test_whatever_it_shows_it_has_the_effect_that_the_event_in_our_version_has(history: str, version: str):
    ours, other = World(), World()
    for world in (ours, other):
        world.connect()
        invoice = world.sent()
        HISTORIES[history](world, invoice)
        events = world.events()
        world.deliver(events if world is ours else [in_version(event, version) for event in events])

    assert stored(other, invoice) == stored(ours, invoice)
    assert {event.status for event in other.events_stored()} == {EventStatus.PROCESSED}


@pytest.mark.parametrize("version", OTHER_VERSIONS)
@pytest.mark.parametrize("history", HISTORIES)
def test_one_that_is_applied_by_itself_never_changes_what_was_read_at_stripe(history: str, version: str):
    world = World()
    world.connect()
    invoice = world.sent()
    HISTORIES[history](world, invoice)
    world.deliver()
    before = stored(world, invoice)

    for number, event in enumerate(world.events()):
        world.deliver([in_version(event, version) | {"id": f"evt_other_{number}"}])

    assert stored(world, invoice) == before


def test_a_failed_charge_is_linked_but_not_shown(world: World):
    invoice = world.sent()
    failed = {"object": "charge", "id": "ch_failed", "payment_intent": invoice.stripe_payment_intent_id}

    world.deliver([in_version(world.event("charge.failed", failed), "2020-08-27")])

    assert "ch_failed" in world.links(invoice.id)
    assert world.invoice(invoice.id).stripe_charge_id is None


def test_an_account_is_read_again_even_if_it_looks_the_same(world: World):
    shown = world.stripe.accounts[world.account_id].snapshot
    same = world.event("account.updated", payloads.account_object(shown))
    calls = world.calls()

    world.deliver([same | {"api_version": "2020-08-27"}])

    assert world.calls()[len(calls) :] == ["account"]


def test_a_deleted_draft_is_void_since_nothing_can_be_read_any_more(world: World):
    world.put_order()
    world.fail("finalize", GatewayRefused("no"))
    world.fail("delete_draft", GatewayRefused("no"))
    with pytest.raises(InvoiceNotSent):
        world.send()
    world.come_to_rest()
    (draft,) = world.at_stripe()
    assert world.invoice(1).status is InvoiceStatus.DRAFT
    deleted = world.event("invoice.deleted", payloads.invoice_object(draft))

    world.deliver([in_version(deleted, "2020-08-27")])

    assert world.invoice(1).status is InvoiceStatus.VOID


def test_a_merchant_who_revokes_our_access_is_believed_since_nothing_can_be_read_any_more(world: World):
    world.stripe.revoke(world.account_id)
    revoked = world.event("account.application.deauthorized", payloads.application_object(CLIENT_ID))

    world.deliver([in_version(revoked, "2020-08-27")])

    assert not world.bridge.integrations.show(TENANT, world.integration_id).integration.connected


def test_an_invoice_that_a_restored_database_has_lost_is_noticed_by_what_is_read_at_stripe(world: World):
    world.sent()
    (lost,) = [event for event in world.events() if event["type"] == "invoice.finalized"]
    metadata = lost["data"]["object"]["metadata"]
    other = in_version(lost, "2020-08-27")
    other["data"]["object"]["metadata"] = metadata
    restored = World(stripe=world.stripe)
    restored.connect(world.account_id)
    restored.put_order(502)

    restored.deliver([other])

    assert newest(restored).skip_reason is SkipReason.FOREIGN_OBJECT
    with pytest.raises(Recovering):
        restored.send(502)
