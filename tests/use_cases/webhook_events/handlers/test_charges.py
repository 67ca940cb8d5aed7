"""What a bank payment under way, and a decline, change on their invoice."""

from typing import Any

import pytest

from stripe_bridge.domain.errors.outcomes import VoidRefused
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.payment_status import PaymentStatus
from stripe_bridge.domain.stripe_objects import PaymentProgress, StripePayment
from tests.builders import AMOUNT, TENANT
from tests.world import World

Event = dict[str, Any]


def tried(
    world: World, invoice: Invoice, progress: PaymentProgress, reason: str | None = None
) -> StripePayment:
    payment: StripePayment = world.stripe.try_payment(
        invoice.stripe_account_id, str(invoice.stripe_invoice_id), progress, reason
    )
    return payment


def event_about(world: World, type_: str, payment: StripePayment, number: int = 1) -> Event:
    """An event about the payment intent, as it was when the event was made."""
    object_ = {"id": payment.payment_intent_id, "object": "payment_intent", "latest_charge": f"ch_{number}"}
    return world.event(type_, object_, id_=f"evt_{type_}_{number}")


def shown(world: World, invoice: Invoice) -> tuple[PaymentStatus, str | None]:
    current = world.invoice(invoice.id)
    return current.payment_status, current.shown_payment_failure


def test_a_bank_payment_under_way_shows_and_stands_in_the_way_of_a_void(world: World):
    invoice = world.sent()
    assert shown(world, invoice) == (PaymentStatus.NONE, None)
    world.deliver(
        [event_about(world, "payment_intent.processing", tried(world, invoice, PaymentProgress.PENDING))]
    )

    assert shown(world, invoice) == (PaymentStatus.PENDING, None)
    with pytest.raises(VoidRefused) as refused:
        world.bridge.invoices.void(TENANT, invoice.id)
    assert refused.value.refusal.message.endswith("while a payment on it is still pending.")
    assert world.invoice(invoice.id).status is InvoiceStatus.OPEN


def test_a_decline_shows_with_its_reason_until_the_invoice_is_paid(world: World):
    invoice = world.sent()
    failed = tried(world, invoice, PaymentProgress.FAILED, "insufficient_funds")
    world.deliver([event_about(world, "payment_intent.payment_failed", failed)])

    assert shown(world, invoice) == (PaymentStatus.FAILED, "insufficient_funds")

    world.pay(invoice)
    world.deliver()
    assert shown(world, invoice) == (PaymentStatus.PAID, None)


@pytest.mark.parametrize("is_reversed", [False, True])
def test_of_several_tries_the_last_one_counts_in_whatever_order_the_events_come(
    world: World, is_reversed: bool
):
    invoice = world.sent()
    first = tried(world, invoice, PaymentProgress.PENDING)
    events = [
        event_about(world, "payment_intent.processing", first),
        event_about(world, "payment_intent.payment_failed", first),
        event_about(world, "payment_intent.processing", first, number=2),
    ]
    tried(world, invoice, PaymentProgress.FAILED, "account_closed")
    for event in reversed(events) if is_reversed else events:
        world.deliver([event])

    assert shown(world, invoice) == (PaymentStatus.FAILED, "account_closed")


def test_what_was_fetched_before_another_change_is_fetched_again(world: World):
    invoice = world.sent()
    first = tried(world, invoice, PaymentProgress.PENDING)
    newer = event_about(world, "payment_intent.payment_failed", first)

    def another_worker_is_faster() -> None:
        tried(world, invoice, PaymentProgress.FAILED, "account_closed")

    world.stripe.before_next("find_payment", another_worker_is_faster)
    world.deliver([event_about(world, "payment_intent.processing", first), newer])

    assert shown(world, invoice) == (PaymentStatus.FAILED, "account_closed")


def test_of_a_partly_paid_invoice_a_decline_shows_as_partial_with_the_reason(world: World):
    invoice = world.sent()
    world.pay(invoice, AMOUNT // 2)
    world.deliver()
    failed = tried(world, invoice, PaymentProgress.FAILED, "card_declined")
    world.deliver([event_about(world, "payment_intent.payment_failed", failed)])

    assert shown(world, invoice) == (PaymentStatus.PARTIAL, "card_declined")


def test_of_a_paid_invoice_a_late_decline_is_not_even_fetched(world: World):
    invoice = world.sent()
    failed = tried(world, invoice, PaymentProgress.FAILED, "card_declined")
    world.pay(invoice)
    world.deliver()
    calls = world.calls()
    world.deliver([event_about(world, "payment_intent.payment_failed", failed)])

    assert shown(world, invoice) == (PaymentStatus.PAID, None)
    assert world.calls() == calls


@pytest.mark.parametrize("shown_as", [None, [], {"type": None}, {"type": {"id": 7}}, {"type": "kl\u00e4rna"}])
def test_a_charge_that_says_nothing_readable_of_its_method_counts_all_the_same(world: World, shown_as: Any):
    invoice = world.sent()
    world.pay(invoice)
    events = world.events()
    (charged,) = (event for event in events if event["type"] == "charge.succeeded")
    charged["data"]["object"]["payment_method_details"] = shown_as
    world.deliver(events)

    (payment,) = world.payments(invoice.id)
    assert payment.charge_id == world.invoice(invoice.id).stripe_charge_id == charged["data"]["object"]["id"]
    assert payment.method is None


@pytest.mark.parametrize("is_reversed", [False, True])
def test_a_payments_method_is_that_of_its_charge_in_whatever_order_the_events_come(
    world: World, is_reversed: bool
):
    invoice = world.sent()
    pending = tried(world, invoice, PaymentProgress.PENDING)
    world.deliver([event_about(world, "payment_intent.processing", pending)])
    assert [payment.method for payment in world.payments(invoice.id)] == ["us_bank_account"]
    world.pay(invoice)
    events = world.events()
    for event in reversed(events) if is_reversed else events:
        world.deliver([event])

    assert [payment.method for payment in world.payments(invoice.id)] == ["card"]
