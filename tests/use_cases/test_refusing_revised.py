"""Merchants edit invoices in Stripe's dashboard: another one takes the place of ours, which is void then."""

import pytest

from stripe_bridge.domain.errors import InvoiceNotSent, InvoiceRevised
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.ports.gateway_errors import AccessRevoked, GatewayBusy, GatewayError, OutcomeUnknown
from tests.builders import AMOUNT, an_order_line
from tests.world import World


def edited(world: World, invoice: Invoice | str) -> str:
    """The id of the invoice that took its place."""
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


def tell_of_what_was_paid_elsewhere(world: World, amount: int) -> None:
    """And that the order has grown by 3,000."""
    lines = (an_order_line(AMOUNT + 3_000),)
    world.clock.advance(seconds=1)
    world.put_order(
        total=AMOUNT + 3_000, lines=lines, paid_elsewhere=amount, source_updated_at=world.clock.now()
    )


def test_an_order_whose_invoice_was_edited_is_not_billed_twice(world: World):
    invoice = world.sent()
    revision = edited(world, invoice)
    assert world.invoice(invoice.id).status is InvoiceStatus.VOID

    refused = refusal(world)

    assert (refused.revision_id, refused.is_paid) == (revision, False)
    assert revision in refused.message


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
    tell_of_what_was_paid_elsewhere(world, AMOUNT - 1)
    refusal(world)
    tell_of_what_was_paid_elsewhere(world, AMOUNT)
    assert world.send().view.invoice.amount == 3_000


def test_what_several_revisions_were_paid_counts_together(world: World):
    half = AMOUNT // 2
    world.put_order(paid_elsewhere=half)
    for is_paid in (True, False):
        revision = edited(world, world.send(amount=half).view.invoice)
        if is_paid:
            world.stripe.pay(world.account_id, revision)
    assert not refusal(world).is_paid
    world.stripe.pay(world.account_id, revision)

    assert refusal(world).is_paid


@pytest.mark.parametrize("error", [GatewayBusy("busy"), OutcomeUnknown("cut")])
def test_while_stripe_cannot_be_asked_nothing_is_sent(world: World, error: GatewayError):
    edited(world, world.sent())
    made = len(world.at_stripe())
    world.fail("invoice", error)

    with pytest.raises(InvoiceNotSent) as refused:
        world.send()

    assert refused.value.final
    assert len(world.at_stripe()) == made
    refusal(world)


def test_an_account_that_does_not_let_us_look_holds_no_order(world: World):
    edited(world, world.sent())
    world.fail("invoice", AccessRevoked("gone"))

    assert world.send().created


def test_stripe_is_asked_only_where_an_invoice_of_the_order_is_void(world: World):
    world.paid()
    world.refund(world.invoice_id, 2_000)
    asked = world.calls().count("invoice")

    assert world.send().created
    assert world.calls().count("invoice") == asked
