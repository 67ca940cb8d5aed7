"""What we make at Stripe says whose it is, and only what we signed is believed."""

from dataclasses import replace

import pytest

from stripe_bridge.domain.stripe_objects import OUR_METADATA, StripeInvoice, StripeInvoiceStatus
from stripe_bridge.use_cases.records.signed_metadata import SignedMetadata
from tests.builders import AMOUNT, TENANT
from tests.fakes.signer import FakeSigner
from tests.world import World


@pytest.fixture
def world() -> World:
    world = World()
    world.connect()
    return world


def signed(*keys: str) -> SignedMetadata:
    return SignedMetadata(FakeSigner(*keys))


def sent(world: World) -> StripeInvoice:
    world.sent()
    (invoice,) = world.at_stripe()
    return invoice


def test_an_invoice_carries_our_ids(world: World):
    invoice = sent(world)
    made = signed().invoice(world.account_id, invoice)
    assert made is not None
    assert (made.tenant_id, made.integration_id, made.invoice_id) == (
        TENANT,
        world.integration_id,
        world.invoice_id,
    )
    assert (made.sales_order_id, made.sales_order_number) == (501, "SO-501")
    assert (made.amount, made.currency) == (AMOUNT, "EUR")
    assert set(invoice.metadata) <= OUR_METADATA


def test_a_refund_carries_our_ids(world: World):
    invoice = world.paid()
    (refund,) = world.refund(invoice.id, 500)
    made = signed().refund(world.account_id, world.refunds_at_stripe()[0])
    assert made is not None
    assert (made.invoice_id, made.refund_id, made.amount) == (invoice.id, refund.id, 500)


def test_a_customer_is_signed_too(world: World):
    world.sent()
    (customer,) = world.stripe.accounts[world.account_id].customers.values()
    assert customer.metadata["tenant"] == TENANT
    assert "bridge_signature" in customer.metadata


@pytest.mark.parametrize(
    "key", ["tenant", "integration_id", "sales_order_id", "invoice_id", "amount", "bridge_intent"]
)
def test_metadata_that_was_changed_proves_nothing(world: World, key: str):
    invoice = sent(world)
    changed = replace(invoice, metadata={**invoice.metadata, key: "9"})
    assert signed().invoice(world.account_id, changed) is None


def test_metadata_that_was_copied_to_another_account_proves_nothing(world: World):
    assert signed().invoice("acct_other", sent(world)) is None


def test_an_invoice_that_asks_for_another_amount_or_currency_is_not_what_was_signed(world: World):
    invoice = sent(world)
    assert signed().invoice(world.account_id, replace(invoice, total=AMOUNT + 1)) is None
    assert signed().invoice(world.account_id, replace(invoice, currency="USD")) is None


def test_a_draft_that_has_no_lines_yet_is_believed(world: World):
    empty = replace(sent(world), status=StripeInvoiceStatus.DRAFT, total=0)
    assert signed().invoice(world.account_id, empty) is not None


def test_a_signature_by_a_key_that_is_not_configured_names_the_key(world: World):
    invoice = sent(world)
    assert signed("another").invoice(world.account_id, invoice) is None
    assert signed("another").unknown_key(invoice.metadata) == "key-1"
    assert signed().unknown_key(invoice.metadata) is None
