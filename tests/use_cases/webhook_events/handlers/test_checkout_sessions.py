"""What events of checkout sessions change, and what they do not."""

from dataclasses import replace

import pytest

from stripe_bridge.domain.webhook_event import EventStatus, SkipReason
from tests.builders import AMOUNT
from tests.use_cases.webhook_events.handlers.events import newest
from tests.world import World


@pytest.mark.parametrize("named_by", ["invoice", "payment_intent"])
def test_a_checkout_session_that_pays_our_invoice_is_read_from_the_invoice_itself(
    world: World, named_by: str
):
    invoice = world.sent()
    payment = world.stripe.pay(world.account_id, invoice.stripe_invoice_id, AMOUNT - 500)
    at_stripe = world.stripe.accounts[world.account_id].invoices
    partly_paid = at_stripe[invoice.stripe_invoice_id]
    names = {"invoice": partly_paid.id, "payment_intent": payment.payment_intent_id}
    session = {"object": "checkout.session", named_by: names[named_by]}

    world.deliver([world.event("checkout.session.completed", session | {"id": "cs_1"})])
    assert world.invoice(invoice.id).amount_paid == AMOUNT - 500
    # A credit note: only Stripe could tell that this is newer, and just has.
    at_stripe[partly_paid.id] = replace(partly_paid, amount_remaining=100)
    world.deliver([world.event("checkout.session.completed", session | {"id": "cs_2"})])
    assert world.invoice(invoice.id).amount_remaining == 100


def test_a_checkout_session_for_an_invoice_that_stripe_no_longer_has_is_no_fault(world: World):
    invoice = world.sent()
    del world.stripe.accounts[world.account_id].invoices[invoice.stripe_invoice_id]
    session = {"id": "cs_1", "object": "checkout.session", "invoice": invoice.stripe_invoice_id}

    world.deliver([world.event("checkout.session.completed", session)])

    assert newest(world).status is EventStatus.PROCESSED
    assert world.invoice(invoice.id) == invoice


def test_a_foreign_checkout_session_is_skipped(world: World):
    session = {"id": "cs_1", "object": "checkout.session", "payment_intent": "pi_theirs"}
    asked = world.calls()

    world.deliver([world.event("checkout.session.completed", session)])

    assert newest(world).skip_reason is SkipReason.FOREIGN_OBJECT
    assert world.calls() == [*asked, "find_payment"]
