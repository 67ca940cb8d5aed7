from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stripe_bridge.adapters.stripe_gateway.snapshots import StripeSnapshots
from stripe_bridge.domain.sales_order import InvoiceLine
from stripe_bridge.ports.stripe.invoices import CustomerDraft, InvoiceDraft
from tests.contracts.stripe_worlds import EmulatedWorld


@pytest.fixture
def world(wire_log: Path) -> Iterator[EmulatedWorld]:
    with EmulatedWorld(wire_log) as world:
        yield world


def paid_invoice(world: EmulatedWorld, account: str) -> str:
    gateway = world.payments
    buyer = CustomerDraft(email="buyer@shop.test", name="Buyer", address=None, metadata={})
    customer = gateway.create_customer(account, buyer, "key-1")
    draft = InvoiceDraft(customer_id=customer, currency="EUR", days_until_due=14, order_number="SO-7")
    invoice_id = gateway.create_draft(account, draft, "key-2").id
    lines = [InvoiceLine(description="Chair", amount=4_500)]
    gateway.add_lines(account, invoice_id, lines, "key-3")
    gateway.finalize(account, invoice_id, "key-4")
    world.pay(account, invoice_id)
    return invoice_id


def payload(world: EmulatedWorld, event_type: str) -> dict[str, Any]:
    """The object in the latest event of the type."""
    events = world.emulator.control.objects("events")
    objects = [event["data"]["object"] for event in events if event["type"] == event_type]
    shown: dict[str, Any] = objects[-1]
    return shown


def test_a_webhook_and_an_answer_read_the_same(world: EmulatedWorld):
    account = world.connect_account()
    invoice_id = paid_invoice(world, account)
    world.restrict(account)

    by_webhook = StripeSnapshots()

    asked = world.payments.invoice(account, invoice_id)
    assert by_webhook.invoice(payload(world, "invoice.paid")) == replace(asked, payments=None)
    (payment,) = asked.payments or ()
    assert by_webhook.payment(payload(world, "invoice_payment.paid")) == payment
    assert by_webhook.account(payload(world, "account.updated")) == world.connect.account(account)


def test_a_webhook_and_an_answer_read_the_same_of_refunds_and_disputes(world: EmulatedWorld):
    account = world.connect_account()
    (payment,) = world.payments.payments_of(account, paid_invoice(world, account))
    refund_id = world.refund(account, str(payment.charge_id), 1)
    dispute_id = world.dispute(account, str(payment.charge_id), "inquiry")

    by_webhook = StripeSnapshots()

    refund = world.refunds.refund(account, refund_id)
    assert by_webhook.refund(payload(world, "refund.created")) == refund
    dispute = world.refunds.dispute(account, dispute_id)
    assert by_webhook.dispute(payload(world, "charge.dispute.created")) == dispute
    world.change_refund(account, refund_id, "failed")
    failed = world.refunds.refund(account, refund_id)
    assert by_webhook.refund(payload(world, "refund.failed")) == failed
