"""What events of invoices, their payments and their charges change, and what they do not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.domain.errors.outcomes import InvoiceNotSent
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.stripe_objects import StripeInvoice
from stripe_bridge.domain.webhook_event import EventStatus, SkipReason
from stripe_bridge.ports.stripe.errors import GatewayRefused
from stripe_bridge.use_cases.webhook_events.handlers.handler import NeedsRefetch
from tests.builders import AMOUNT, a_stripe_payment
from tests.fakes.stripe import payloads
from tests.use_cases.webhook_events.handlers.events import fetched_earlier, newest, of_type
from tests.world import World


def test_a_payment_shows_from_its_webhooks_alone(world: World):
    invoice = world.sent()
    world.pay(invoice)
    calls = world.calls()

    world.deliver()

    paid = world.invoice(invoice.id)
    assert (paid.status, paid.amount_paid, paid.paid_at) == (InvoiceStatus.PAID, AMOUNT, world.clock.now())
    assert (paid.stripe_charge_id, paid.amount_collected) == (paid.stripe_charge_id, AMOUNT)
    assert world.calls() == calls


def test_the_links_in_an_event_are_as_old_as_the_event(world: World):
    invoice = world.sent()
    world.clock.advance(timedelta(days=1))
    world.pay(invoice)
    events = world.events()
    created_at = world.clock.now()
    world.clock.advance(timedelta(days=2))

    world.deliver(events)

    paid = world.invoice(invoice.id)
    assert (paid.status, paid.links_made_at) == (InvoiceStatus.PAID, created_at)


def test_an_older_snapshot_changes_nothing(world: World):
    invoice = world.sent()
    (opened,) = of_type(world, "invoice.finalized")
    world.pay(invoice)
    world.deliver()
    before = world.invoice(invoice.id)

    world.deliver([opened])

    assert world.invoice(invoice.id) == before
    assert newest(world).status is EventStatus.PROCESSED


def test_a_void_by_the_merchant_frees_the_order(world: World):
    invoice = world.sent()
    world.adapters.invoice_gateway.void(world.account_id, str(invoice.stripe_invoice_id), "the-merchants-own")

    world.deliver()

    assert world.invoice(invoice.id).status is InvoiceStatus.VOID
    assert world.order().open_invoice is None


def test_an_uncollectible_invoice_that_is_paid_after_all_is_paid(world: World):
    invoice = world.sent()
    world.stripe.mark_uncollectible(world.account_id, invoice.stripe_invoice_id)
    world.deliver()
    assert world.invoice(invoice.id).status is InvoiceStatus.UNCOLLECTIBLE
    world.pay(invoice)
    world.deliver()

    assert world.invoice(invoice.id).status is InvoiceStatus.PAID


def test_an_event_about_an_invoice_that_stripe_no_longer_has_is_no_fault(world: World):
    invoice = world.sent()
    (opened,) = of_type(world, "invoice.finalized")
    del world.stripe.accounts[world.account_id].invoices[invoice.stripe_invoice_id]
    opened["data"]["object"]["metadata"] = {"something": "else"}

    world.deliver([opened])

    assert newest(world).status is EventStatus.PROCESSED
    assert world.invoice(invoice.id) == invoice


def test_a_payment_that_was_collected_before_it_was_tied_to_the_invoice_shows_its_charge(world: World):
    invoice = world.sent()
    account = world.stripe.accounts[world.account_id]
    payment = world.stripe.pay(world.account_id, invoice.stripe_invoice_id, 2_000)
    charge = account.charges.charges[payment.charge_id]
    succeeded = world.event("charge.succeeded", payloads.charge_object(charge, invoice.stripe_customer_id))
    tied = account.payments.pop(payment.id)
    world.deliver([succeeded])
    assert newest(world).skip_reason is SkipReason.FOREIGN_OBJECT

    account.payments[tied.id] = tied
    world.deliver([world.event("invoice_payment.paid", payloads.payment_object(tied))])

    shown = world.invoice(invoice.id)
    assert (shown.stripe_charge_id, shown.amount_collected) == (charge.id, 2_000)
    assert charge.id in world.links(invoice.id)


@pytest.mark.parametrize("kind", ["charge.failed", "payment_intent.payment_failed"])
def test_a_failed_charge_is_linked_but_never_shown_as_the_invoices(world: World, kind: str):
    invoice = world.sent()
    intent_id = invoice.stripe_payment_intent_id
    objects = {
        "charge.failed": {"id": "ch_failed", "payment_intent": intent_id, "status": "failed"},
        "payment_intent.payment_failed": {"id": intent_id, "latest_charge": "ch_failed"},
    }
    world.deliver([world.event(kind, objects[kind] | {"object": kind.split(".")[0]})])

    assert "ch_failed" in world.links(invoice.id)
    assert world.invoice(invoice.id).stripe_charge_id is None
    world.pay(invoice)
    world.deliver()
    assert world.invoice(invoice.id).stripe_charge_id != "ch_failed"


@pytest.mark.parametrize("kind", ["checkout.session.completed", "credit_note.created"])
def test_an_invoice_as_it_was_before_others_changed_it_is_not_taken_for_its_present_state(
    world: World, kind: str
):
    invoice = world.sent()
    named = {"id": "obj_1", "object": "object", "invoice": invoice.stripe_invoice_id}
    apply = fetched_earlier(world, world.event(kind, named))
    at_stripe = world.stripe.accounts[world.account_id].invoices
    shown = at_stripe[invoice.stripe_invoice_id]
    at_stripe[shown.id] = replace(shown, amount_remaining=AMOUNT - 500)
    world.deliver([world.event("credit_note.created", {"invoice": shown.id})])
    assert world.invoice(invoice.id).amount_remaining == AMOUNT - 500

    assert isinstance(apply(), NeedsRefetch)
    assert world.invoice(invoice.id).amount_remaining == AMOUNT - 500


def test_a_foreign_invoices_payment_is_skipped(world: World):
    payment = payloads.payment_object(a_stripe_payment(invoice_id="in_theirs"))

    world.deliver([world.event("invoice_payment.paid", payment)])

    assert newest(world).skip_reason is SkipReason.FOREIGN_OBJECT


def test_a_draft_that_is_deleted_while_it_is_being_sent_is_left_to_its_sending(world: World):
    world.put_order()

    def deleted_too_early() -> None:
        (draft,) = world.at_stripe()
        world.deliver([world.event("invoice.deleted", payloads.invoice_object(draft))])
        assert world.invoice(1).status is InvoiceStatus.DRAFT

    world.stripe.before_next("finalize", deleted_too_early)

    assert world.send().view.invoice.status is InvoiceStatus.OPEN


def test_a_draft_that_the_merchant_deletes_is_void_and_frees_its_order(world: World):
    world.put_order()
    for step in ("finalize", "delete_draft", "void"):
        world.fail(step, GatewayRefused("no"))
    with pytest.raises(InvoiceNotSent):
        world.send()
    (draft,) = world.at_stripe()
    assert world.invoice(1).status is InvoiceStatus.DRAFT

    world.deliver([world.event("invoice.deleted", payloads.invoice_object(draft))])

    assert world.invoice(1).status is InvoiceStatus.VOID
    assert world.order().open_invoice is None


def test_the_deletion_of_a_draft_whose_send_was_given_up_does_not_bring_it_back(world: World):
    world.put_order()
    world.stripe.before_next("delete_draft", lambda: drafts.extend(world.at_stripe()))
    world.fail("add_lines", GatewayRefused("no"))
    drafts: list[StripeInvoice] = []
    with pytest.raises(InvoiceNotSent):
        world.send()

    world.deliver([world.event("invoice.deleted", payloads.invoice_object(drafts[0]))])

    assert newest(world).status is EventStatus.PROCESSED
    assert world.invoice(1).status is InvoiceStatus.ABANDONED
