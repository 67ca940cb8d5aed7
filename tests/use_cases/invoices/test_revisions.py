"""Merchants edit invoices in Stripe's dashboard: a new invoice takes the place of ours, which is then void."""

from dataclasses import replace

import pytest

from stripe_bridge.domain.errors.outcomes import InvoiceNotSent
from stripe_bridge.domain.errors.rules import InvoiceRevised, NothingOutstanding
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.ports.stripe.errors import (
    AccessRevoked,
    GatewayBusy,
    GatewayError,
    GatewayRefused,
    OutcomeUnknown,
)
from tests.builders import AMOUNT, an_order_line
from tests.world import World


def edited(world: World, invoice: Invoice | str) -> str:
    """Edit the invoice; returns the id of the one that took its place."""
    stripe_id = invoice if isinstance(invoice, str) else invoice.stripe_invoice_id
    revision: str = world.stripe.revise(world.account_id, stripe_id).id
    world.deliver()
    return revision


def refusal(world: World) -> InvoiceRevised:
    made = len(world.at_stripe())
    with pytest.raises(InvoiceRevised) as refused:
        world.send()
    assert len(world.at_stripe()) == made
    return refused.value


def put_order_with_payment_elsewhere(world: World, amount: int, *, grown_by: int = 0) -> None:
    total = AMOUNT + grown_by
    world.clock.advance(seconds=1)
    world.put_order(
        total=total,
        lines=(an_order_line(total),),
        paid_elsewhere=amount,
        source_updated_at=world.clock.now(),
    )


def test_an_order_whose_invoice_was_edited_is_not_billed_twice(world: World):
    invoice = world.sent()
    revision = edited(world, invoice)
    assert world.invoice(invoice.id).status is InvoiceStatus.VOID

    refused = refusal(world)

    assert (refused.revision_id, refused.is_paid) == (revision, False)
    assert revision in refused.message


def test_an_order_whose_invoice_is_not_void_at_stripe_after_all_is_not_billed_twice(world: World):
    invoice = world.sent()
    with world.store.writing() as work:
        work.invoices.save(replace(invoice, status=InvoiceStatus.VOID))
        work.commit()
    made = len(world.at_stripe())

    with pytest.raises(InvoiceNotSent) as refused:
        world.send()

    assert len(world.at_stripe()) == made
    assert (refused.value.final, str(invoice.stripe_invoice_id) in refused.value.reason) == (True, True)


def test_of_an_invoice_that_was_edited_again_and_again_the_newest_one_counts(world: World):
    newest = edited(world, edited(world, world.sent()))

    assert refusal(world).revision_id == newest


def test_once_the_revision_is_void_the_order_is_free(world: World):
    world.stripe.void(world.account_id, edited(world, world.sent()))

    assert world.send().created


def test_a_revision_that_was_paid_is_in_the_way_until_the_order_knows_of_it(world: World):
    revision = edited(world, world.sent())
    world.stripe.pay(world.account_id, revision)

    refused = refusal(world)

    assert (refused.revision_id, refused.is_paid) == (revision, True)
    put_order_with_payment_elsewhere(world, AMOUNT - 1, grown_by=3_000)
    refusal(world)
    put_order_with_payment_elsewhere(world, AMOUNT, grown_by=3_000)
    assert world.send().view.invoice.amount == 3_000


def test_once_all_that_a_revision_brought_in_is_refunded_the_order_is_free(world: World):
    payment = world.stripe.pay(world.account_id, edited(world, world.sent()))
    assert payment.charge_id is not None
    world.stripe.refund(world.account_id, payment.charge_id, AMOUNT - 1_000)
    assert refusal(world).is_paid
    world.stripe.refund(world.account_id, payment.charge_id)

    assert world.send().view.invoice.amount == AMOUNT


def test_what_was_paid_elsewhere_before_is_not_taken_for_what_the_revision_brought_in(world: World):
    deposit = AMOUNT // 2
    world.put_order(paid_elsewhere=deposit)
    revision = edited(world, world.send().view.invoice)
    world.clock.advance(seconds=1)
    world.stripe.pay(world.account_id, revision)

    assert refusal(world).is_paid
    put_order_with_payment_elsewhere(world, AMOUNT)
    with pytest.raises(NothingOutstanding):
        world.send()


def test_what_several_revisions_were_paid_counts_together(world: World):
    half = AMOUNT // 2
    world.put_order()
    first = edited(world, world.send(amount=half).view.invoice)
    world.stripe.pay(world.account_id, first)
    put_order_with_payment_elsewhere(world, half)
    second = edited(world, world.send().view.invoice)
    assert not refusal(world).is_paid
    world.stripe.pay(world.account_id, second)

    assert refusal(world).is_paid


def test_an_edit_of_an_uncollectible_invoice_that_we_have_not_heard_of_is_seen_as_well(world: World):
    invoice = world.sent()
    assert invoice.stripe_invoice_id is not None
    world.stripe.mark_uncollectible(world.account_id, invoice.stripe_invoice_id)
    world.deliver()
    revision = world.stripe.revise(world.account_id, invoice.stripe_invoice_id).id

    assert refusal(world).revision_id == revision


@pytest.mark.parametrize(
    "error", [GatewayBusy("busy"), GatewayRefused("no permission"), OutcomeUnknown("cut")]
)
def test_while_stripe_cannot_be_asked_nothing_is_sent(world: World, error: GatewayError):
    edited(world, world.sent())
    made = len(world.at_stripe())
    world.fail("invoice", error)

    with pytest.raises(InvoiceNotSent) as refused:
        world.send()

    assert refused.value.final
    assert len(world.at_stripe()) == made
    refusal(world)


def test_an_account_without_access_holds_no_order(world: World):
    edited(world, world.sent())
    world.fail("invoice", AccessRevoked("gone"))

    assert world.send().created


def test_stripe_is_asked_only_where_an_invoice_of_the_order_ended_unpaid(world: World):
    world.paid()
    world.refund(world.invoice_id, 2_000)
    asked = world.calls().count("invoice")

    assert world.send().created
    assert world.calls().count("invoice") == asked
