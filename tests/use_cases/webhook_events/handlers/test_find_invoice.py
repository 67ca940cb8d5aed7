"""The invoice behind a payment intent or a charge is found, at the price of one call at most."""

import json

import pytest

from tests.fakes.stripe import payloads
from tests.use_cases.webhook_events.handlers.events import of_type
from tests.world import World


def test_a_charge_of_a_second_payment_is_tied_to_its_invoice_by_asking_stripe(world: World):
    invoice = world.sent()
    payment = world.stripe.pay(world.account_id, invoice.stripe_invoice_id, 2_000)
    charge = world.stripe.accounts[world.account_id].charges.charges[payment.charge_id]

    world.deliver(
        [world.event("charge.succeeded", payloads.charge_object(charge, invoice.stripe_customer_id))]
    )

    assert {payment.payment_intent_id, payment.charge_id} <= world.links(invoice.id)
    assert world.invoice(invoice.id).amount_collected == 2_000


def test_a_second_payment_costs_one_call_whichever_of_its_events_comes_first(world: World):
    for order_id, of_first in ((501, "charge."), (502, "invoice_payment.")):
        invoice = world.sent(order_id)
        world.deliver()
        payment = world.stripe.pay(world.account_id, invoice.stripe_invoice_id, 2_000)
        calls = len(world.calls())
        events = [e for e in world.events() if payment.payment_intent_id in json.dumps(e)]

        world.deliver(sorted(events, key=lambda event: not event["type"].startswith(of_first)))

        assert len(world.calls()) == calls + 1
        assert world.invoice(invoice.id).stripe_charge_id == payment.charge_id


@pytest.mark.parametrize("kind", ["refund.updated", "charge.refunded", "charge.dispute.updated"])
def test_money_back_of_a_payment_that_is_not_known_yet_is_tied_to_its_invoice_by_asking_stripe(
    world: World, kind: str
):
    invoice = world.sent()
    payment = world.stripe.pay(world.account_id, invoice.stripe_invoice_id, 2_000)
    if kind == "charge.dispute.updated":
        world.stripe.dispute(world.account_id, payment.charge_id)
    else:
        world.stripe.refund(world.account_id, payment.charge_id, 500)

    world.deliver(of_type(world, kind))

    seen = world.invoice(invoice.id)
    assert seen.amount_collected == 2_000
    back = (0, "needs_response") if kind == "charge.dispute.updated" else (500, None)
    assert (seen.amount_refunded, seen.dispute_status) == back
