from datetime import timedelta

import pytest

from stripe_bridge.domain.errors.base import InvoiceNotFound
from stripe_bridge.domain.errors.conflicts import InvoiceSentRecently
from stripe_bridge.domain.errors.outcomes import EmailRefused
from stripe_bridge.domain.errors.rules import IntegrationNotConnected, InvoiceNotPayable
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.ports.storage.unit_of_work import IntentUnsettled
from stripe_bridge.ports.stripe.errors import GatewayRefused, OutcomeUnknown
from tests.builders import TENANT
from tests.world import World

MINUTE = timedelta(minutes=1)


def again(world: World, tenant: str = TENANT):
    return world.bridge.invoices.send_again(tenant, world.invoice_id).invoice


def test_an_open_invoice_is_emailed_again_and_says_when(world: World):
    world.sent()
    world.clock.advance(MINUTE)
    assert again(world).sent_at == world.clock.now()
    assert len(world.mails()) == 2


def test_that_it_was_emailed_again_is_a_change(world: World):
    world.sent()
    world.clock.advance(MINUTE)
    again(world)
    with world.store.reading() as work:
        types = [entry.type.value for entry in work.changes.page(TENANT, 0, 100, sales_order_id=501)]
    assert types.count("invoice.sent") == 2


def test_an_invoice_is_emailed_at_most_once_a_minute(world: World):
    world.sent()
    with pytest.raises(InvoiceSentRecently):
        again(world)
    world.clock.advance(MINUTE)
    again(world)
    with pytest.raises(InvoiceSentRecently):
        again(world)
    assert len(world.mails()) == 2


def test_only_an_open_invoice_is_emailed(world: World):
    world.paid()
    world.clock.advance(MINUTE)
    with pytest.raises(InvoiceNotPayable):
        again(world)


def test_an_invoice_that_stripe_refuses_to_email_again_stays_open(world: World):
    world.sent()
    world.clock.advance(MINUTE)
    world.stripe.fail_next("send", GatewayRefused("no more emails today"))
    with pytest.raises(EmailRefused, match="no more emails today"):
        again(world)
    assert world.invoice(world.invoice_id).status is InvoiceStatus.OPEN
    assert world.unsettled() == []


def test_what_became_of_an_email_that_was_not_answered_is_found_out_later(world: World):
    world.sent()
    world.clock.advance(MINUTE)
    world.stripe.fail_next("send", OutcomeUnknown("no answer"))
    with pytest.raises(IntentUnsettled):
        again(world)
    with pytest.raises(IntentUnsettled):
        again(world)
    world.come_to_rest()
    assert len(world.mails()) == 2


def test_a_disconnected_account_emails_nothing(world: World):
    world.sent()
    world.bridge.integrations.disconnect(TENANT, world.integration_id)
    world.clock.advance(MINUTE)
    with pytest.raises(IntegrationNotConnected):
        again(world)


def test_anothers_invoice_is_not_found(world: World):
    world.sent()
    with pytest.raises(InvoiceNotFound):
        again(world, "other")
