"""What an order still owes."""

from dataclasses import replace

import pytest

from stripe_bridge.domain.errors.base import SalesOrderNotFound
from tests.builders import AMOUNT, NOW
from tests.world import World


def test_an_order_owes_its_total_less_what_was_paid_elsewhere_and_through_stripe(world: World):
    world.put_order(paid_elsewhere=1_000)
    invoice = world.send(amount=4_000).view.invoice
    assert world.order().outstanding == AMOUNT - 1_000
    world.pay(invoice)
    world.deliver()

    view = world.order()

    assert (view.settled, view.outstanding, view.overpaid) == (4_000, AMOUNT - 5_000, 0)


def test_part_of_an_open_invoice_settles_what_was_paid_of_it(world: World):
    invoice = world.sent()
    world.pay(invoice, 3_000)
    world.deliver()

    assert (world.order().settled, world.order().outstanding) == (3_000, AMOUNT - 3_000)


def test_a_lower_total_after_payment_shows_as_overpaid(world: World):
    world.paid()

    view = world.put_order(total=10_000, source_updated_at=NOW).view

    assert (view.outstanding, view.overpaid) == (0, 2_000)


def test_a_refund_makes_the_order_owe_again(world: World):
    invoice = world.paid()
    world.refund(invoice.id, 2_500)

    assert (world.order().settled, world.order().outstanding) == (AMOUNT - 2_500, 2_500)


def test_a_lost_dispute_makes_the_order_owe_again_and_a_won_one_does_not(world: World):
    for order_id, result, owes in ((501, "lost", AMOUNT), (502, "won", 0)):
        invoice = world.paid(order_id)
        dispute = world.stripe.dispute(world.account_id, invoice.stripe_charge_id)
        world.deliver()
        world.stripe.change_dispute(world.account_id, dispute.id, result)
        world.deliver()

        assert world.order(order_id).outstanding == owes
        assert world.invoice(invoice.id).dispute_status == result


def test_a_dispute_that_was_prevented_by_giving_the_money_back_makes_the_order_owe_again(world: World):
    for order_id, took, owes in ((501, AMOUNT, AMOUNT), (502, 0, 0)):
        invoice = world.paid(order_id)
        dispute = world.stripe.dispute(world.account_id, invoice.stripe_charge_id)
        prevented = replace(dispute, status="prevented", amount=took)
        world.stripe.accounts[world.account_id].charges.disputes[dispute.id] = prevented
        world.deliver()

        assert world.order(order_id).outstanding == owes
        assert world.invoice(invoice.id).dispute_status == "prevented"


def test_each_tenant_has_orders_of_its_own(world: World):
    world.put_order(501, tenant="other", total=5_000)
    world.put_order(501)

    assert world.order(501, tenant="other").order.total == 5_000
    assert world.order(501).order.total == AMOUNT
    with pytest.raises(SalesOrderNotFound):
        world.order(502)
