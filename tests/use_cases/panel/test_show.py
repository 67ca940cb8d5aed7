from datetime import timedelta

import pytest

from stripe_bridge.domain.errors.base import InvoiceNotFound
from stripe_bridge.ports.stripe.errors import OutcomeUnknown
from tests.builders import TENANT
from tests.world import World


def show(world: World, order_id: int = 501, after: int | None = None):
    return world.bridge.panel.show(TENANT, order_id, after)


def test_an_order_with_its_invoice_its_refunds_and_its_story_is_one_read(world: World):
    invoice = world.paid()
    world.refund(invoice.id, 500)
    shown = show(world)
    (drawn,) = shown.invoices
    assert (shown.order.outstanding, drawn.view.invoice.id) == (500, invoice.id)
    assert [refund.amount for refund in drawn.refunds] == [500]
    assert [each.id for each in shown.integrations] == [world.integration_id]
    assert shown.timeline[0].sequence > shown.timeline[-1].sequence


def test_an_order_that_was_never_submitted_is_empty(world: World):
    shown = show(world, 999)
    assert (shown.order, shown.invoices, shown.timeline) == (None, [], [])


def test_only_integrations_that_can_charge_are_offered(world: World):
    world.add_integration()
    world.connect("acct_restricted", charges_enabled=False)
    assert [each.name for each in show(world).integrations] == ["Main shop"]


def test_there_is_news_for_whoever_does_not_know_the_orders_last_change(world: World):
    world.sent()
    latest = show(world).latest
    assert not show(world, after=latest).has_news
    world.put_order(502)
    assert not show(world, after=latest).has_news
    world.pay(world.invoice(world.invoice_id))
    world.deliver()
    assert show(world, after=latest).has_news


def test_whoever_knows_more_than_there_is_gets_news(world: World):
    world.sent()
    assert show(world, after=show(world).latest + 1).has_news


def test_a_long_story_is_its_newest_part(world: World):
    world.put_order()
    for minute in range(60):
        world.clock.advance(timedelta(minutes=1))
        world.put_order(total=10_000, source_updated_at=world.clock.now(), paid_elsewhere=minute)
    shown = show(world)
    assert len(shown.timeline) == 50
    assert shown.timeline[0].sequence == shown.latest


def test_a_panel_is_drawn_though_stripe_does_not_answer(world: World):
    world.sent()
    world.clock.advance(timedelta(days=60))
    world.stripe.fail_next("invoice", OutcomeUnknown("no answer"))
    assert show(world).invoices[0].view.invoice.hosted_invoice_url


def test_an_invoice_of_another_order_or_tenant_is_not_there(world: World):
    invoice = world.sent()
    world.bridge.panel.require_invoice(TENANT, 501, invoice.id)
    for tenant, order, invoice_id in (
        (TENANT, 502, invoice.id),
        ("other", 501, invoice.id),
        (TENANT, 501, 9),
    ):
        with pytest.raises(InvoiceNotFound):
            world.bridge.panel.require_invoice(tenant, order, invoice_id)
