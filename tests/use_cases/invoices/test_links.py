"""The links of an invoice that is shown work for days to come, if Stripe answers quickly."""

from datetime import timedelta

import pytest

from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.ports.stripe.errors import GatewayBusy, GatewayError, ObjectMissing, OutcomeUnknown
from tests.builders import TENANT
from tests.world import World

DAYS = timedelta(days=1)


def shown(world: World, invoice: Invoice) -> Invoice:
    found: Invoice = world.bridge.invoices.show(TENANT, invoice.id).invoice
    return found


def test_an_invoice_whose_links_end_soon_is_shown_with_new_ones_that_are_kept(world: World):
    invoice = world.sent()
    world.clock.advance(54 * DAYS)

    after = shown(world, invoice)

    assert after.hosted_invoice_url != invoice.hosted_invoice_url
    assert after.invoice_pdf != invoice.invoice_pdf
    assert after.hosted_invoice_url_expires_at == world.clock.now() + 10 * DAYS
    assert world.invoice(invoice.id) == after
    (call,) = world.stripe.calls_of("invoice")
    assert call.arguments["quickly"]


def test_an_invoice_whose_links_last_is_shown_without_asking_stripe(world: World):
    invoice = world.sent()
    world.clock.advance(53 * DAYS)

    assert shown(world, invoice) == invoice
    assert not world.stripe.calls_of("invoice")


@pytest.mark.parametrize("error", [OutcomeUnknown("no answer"), GatewayBusy("429"), ObjectMissing("gone")])
def test_without_an_answer_the_stored_links_are_shown_and_stripe_is_left_alone_for_an_hour(
    world: World, error: GatewayError
):
    invoice = world.sent()
    world.clock.advance(54 * DAYS)
    world.fail("invoice", error)

    first = shown(world, invoice)
    world.clock.advance(timedelta(minutes=59))
    second = shown(world, invoice)

    assert first.hosted_invoice_url == second.hosted_invoice_url == invoice.hosted_invoice_url
    assert second.hosted_invoice_url_expires_at == invoice.hosted_invoice_url_expires_at
    assert len(world.stripe.calls_of("invoice")) == 1
    world.clock.advance(timedelta(minutes=1))
    assert shown(world, invoice).hosted_invoice_url != invoice.hosted_invoice_url


def test_stripe_is_not_asked_about_an_account_that_is_disconnected(world: World):
    invoice = world.sent()
    world.bridge.integrations.disconnect(TENANT, world.integration_id)
    world.come_to_rest()
    asked = len(world.stripe.calls_of("invoice"))
    world.clock.advance(54 * DAYS)

    assert shown(world, invoice).hosted_invoice_url == world.invoice(invoice.id).hosted_invoice_url
    assert len(world.stripe.calls_of("invoice")) == asked


def test_lists_show_the_links_as_they_are_stored(world: World):
    invoice = world.sent()
    world.clock.advance(54 * DAYS)

    (of_order,) = world.bridge.invoices.list_for_order(TENANT, invoice.sales_order_id)
    (listed,) = world.bridge.invoices.list(TENANT, world.integration_id, None, PageRequest()).items

    assert of_order.invoice == listed.invoice == invoice
    assert not world.stripe.calls_of("invoice")
