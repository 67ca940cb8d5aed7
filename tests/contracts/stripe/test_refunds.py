import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stripe_bridge.domain.sales_order import InvoiceLine
from stripe_bridge.domain.stripe_objects import METADATA_REFERENCE, StripeInvoiceStatus, StripePayment
from stripe_bridge.ports.stripe.errors import (
    AccessRevoked,
    GatewayBusy,
    GatewayError,
    GatewayRefused,
    ObjectMissing,
    OutcomeUnknown,
)
from stripe_bridge.ports.stripe.invoices import CustomerDraft, InvoiceDraft
from stripe_bridge.ports.stripe.refunds import RefundDraft, RefundGateway
from tests.contracts.stripe_worlds import BY_TOKEN, EMULATED, FAKE, World

TOTAL = 8_000


@pytest.fixture(params=[FAKE, EMULATED, BY_TOKEN])
def world(request: pytest.FixtureRequest, wire_log: Path) -> Iterator[World]:
    with request.param(wire_log) as world:
        yield world


@pytest.fixture
def account(world: World) -> str:
    return world.connect_account()


@pytest.fixture
def gateway(world: World) -> RefundGateway:
    return world.refunds


def new_key() -> str:
    return uuid.uuid4().hex


def opened_invoice(world: World, account: str) -> str:
    gateway = world.payments
    buyer = CustomerDraft(email="buyer@shop.test", name="Buyer", address=None, metadata={})
    customer = gateway.create_customer(account, buyer, new_key())
    draft = InvoiceDraft(customer_id=customer, currency="EUR", days_until_due=14, order_number="SO-7")
    invoice_id = gateway.create_draft(account, draft, new_key()).id
    gateway.add_lines(account, invoice_id, [InvoiceLine(description="Chair", amount=TOTAL)], new_key())
    return gateway.finalize(account, invoice_id, new_key()).id


def paid(world: World, account: str) -> StripePayment:
    invoice_id = opened_invoice(world, account)
    world.pay(account, invoice_id)
    (payment,) = world.payments.payments_of(account, invoice_id)
    return payment


@pytest.fixture
def payment(world: World, account: str) -> StripePayment:
    return paid(world, account)


def draft_for(payment: StripePayment, amount: int = TOTAL, **changes: Any) -> RefundDraft:
    given: dict[str, Any] = {
        "payment_intent_id": payment.payment_intent_id,
        "charge_id": payment.charge_id,
        "amount": amount,
        "reason": None,
    }
    return RefundDraft(**(given | changes))


def listed(gateway: RefundGateway, account: str, payment: StripePayment) -> list[str]:
    intent_id, charge_id = payment.payment_intent_id, payment.charge_id
    found = gateway.refunds_of(account, payment_intent_id=intent_id, charge_id=charge_id)
    return [refund.id for refund in found]


def test_a_refund_names_its_payment_and_the_intent_that_made_it(
    gateway: RefundGateway, account: str, payment: StripePayment
):
    draft = draft_for(payment, 3_000, reason="duplicate", metadata={METADATA_REFERENCE: "r-1"})

    refund = gateway.create_refund(account, draft, "key")

    assert (refund.status, refund.amount, refund.currency) == ("succeeded", 3_000, "EUR")
    assert (refund.payment_intent_id, refund.charge_id) == (payment.payment_intent_id, payment.charge_id)
    assert (refund.reason, refund.failure_reason) == ("duplicate", None)
    assert dict(refund.metadata) == {METADATA_REFERENCE: "r-1"}
    assert abs(refund.created_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert gateway.refund(account, refund.id) == refund


def test_a_payment_may_be_named_by_its_charge_alone(
    gateway: RefundGateway, account: str, payment: StripePayment
):
    by_charge = replace(payment, payment_intent_id=None)

    refund = gateway.create_refund(account, draft_for(by_charge, 1), new_key())

    assert (refund.payment_intent_id, refund.charge_id) == (payment.payment_intent_id, payment.charge_id)
    assert listed(gateway, account, by_charge) == listed(gateway, account, payment) == [refund.id]


def test_the_refunds_of_a_payment_are_its_own_whoever_made_them(
    world: World, account: str, payment: StripePayment
):
    other = paid(world, account)
    ours = world.refunds.create_refund(account, draft_for(payment, 1), new_key())
    by_dashboard = world.refund(account, str(payment.charge_id), 2)
    world.refunds.create_refund(account, draft_for(other, 3), new_key())

    assert listed(world.refunds, account, payment) == [by_dashboard, ours.id]


def test_all_refunds_of_a_payment_are_listed_beyond_stripes_first_page(
    world: World, account: str, payment: StripePayment
):
    for _ in range(101):
        world.refund(account, str(payment.charge_id), 1)

    assert len(listed(world.refunds, account, payment)) == 101


def test_a_payment_without_refunds_has_none(gateway: RefundGateway, account: str, payment: StripePayment):
    never_there = replace(payment, payment_intent_id="pi_never_there")

    assert listed(gateway, account, payment) == listed(gateway, account, never_there) == []


def test_a_payment_that_is_not_named_is_no_payment(gateway: RefundGateway, account: str):
    with pytest.raises(ValueError, match="neither"):
        gateway.refunds_of(account, payment_intent_id=None, charge_id=None)
    nothing = RefundDraft(payment_intent_id=None, charge_id=None, amount=1, reason=None)
    with pytest.raises(ValueError, match="neither"):
        gateway.create_refund(account, nothing, "key")


def test_a_refund_leaves_its_invoice_paid(world: World, account: str, payment: StripePayment):
    world.refunds.create_refund(account, draft_for(payment), "key")

    invoice = world.payments.invoice(account, payment.invoice_id)

    assert (invoice.status, invoice.amount_paid) == (StripeInvoiceStatus.PAID, TOTAL)


def refusal(gateway: RefundGateway, account: str, draft: RefundDraft, key: str) -> tuple[str | None, ...]:
    with pytest.raises(GatewayRefused) as caught:
        gateway.create_refund(account, draft, key)
    assert type(caught.value) is GatewayRefused
    return caught.value.code, caught.value.param


def test_no_more_goes_back_than_is_left(gateway: RefundGateway, account: str, payment: StripePayment):
    assert refusal(gateway, account, draft_for(payment, TOTAL + 1), new_key()) == (None, "amount")
    gateway.create_refund(account, draft_for(payment, TOTAL - 1), new_key())
    assert refusal(gateway, account, draft_for(payment, 2), new_key()) == (None, "amount")
    gateway.create_refund(account, draft_for(payment, 1), new_key())
    assert refusal(gateway, account, draft_for(payment, 1), new_key())[0] == "charge_already_refunded"


@pytest.mark.parametrize("amount", [0, -1])
def test_a_refund_of_nothing_is_refused(
    gateway: RefundGateway, account: str, payment: StripePayment, amount: int
):
    refused = refusal(gateway, account, draft_for(payment, amount), "key")

    assert refused == ("parameter_invalid_integer", "amount")


def test_what_was_never_paid_cannot_be_refunded(world: World, account: str):
    invoice_id = opened_invoice(world, account)
    (unpaid,) = world.payments.payments_of(account, invoice_id)

    assert refusal(world.refunds, account, draft_for(unpaid), "key")[0] is None


@pytest.mark.parametrize("status", ["pending", "requires_action", "succeeded"])
def test_a_refund_under_way_takes_its_amount(world: World, account: str, payment: StripePayment, status: str):
    world.begin_refunds_as(status)

    refund = world.refunds.create_refund(account, draft_for(payment), new_key())

    assert (refund.status, refund.failure_reason) == (status, None)
    assert refusal(world.refunds, account, draft_for(payment, 1), new_key())[0] == "charge_already_refunded"


@pytest.mark.parametrize(
    ("begins", "ends"),
    [("succeeded", "failed"), ("pending", "failed"), ("requires_action", "canceled"), ("failed", "failed")],
)
def test_what_did_not_reach_the_customer_may_be_refunded_again(
    world: World, account: str, payment: StripePayment, begins: str, ends: str
):
    world.begin_refunds_as(begins)
    refund = world.refunds.create_refund(account, draft_for(payment), new_key())
    if ends != begins:
        world.change_refund(account, refund.id, ends)

    ended = world.refunds.refund(account, refund.id)
    assert (ended.status, ended.failure_reason) == (ends, "unknown" if ends == "failed" else None)
    world.begin_refunds_as("succeeded")
    again = world.refunds.create_refund(account, draft_for(payment), new_key())
    assert listed(world.refunds, account, payment) == [again.id, refund.id]


def test_a_pending_refund_succeeds_later(world: World, account: str, payment: StripePayment):
    world.begin_refunds_as("pending")
    refund = world.refunds.create_refund(account, draft_for(payment), "key")

    world.change_refund(account, refund.id, "succeeded")

    assert world.refunds.refund(account, refund.id) == replace(refund, status="succeeded")


def test_a_chargeback_forbids_refunds_until_it_is_won(world: World, account: str, payment: StripePayment):
    dispute_id = world.dispute(account, str(payment.charge_id), "chargeback")

    dispute = world.refunds.dispute(account, dispute_id)
    assert (dispute.status, dispute.amount, dispute.currency) == ("needs_response", TOTAL, "EUR")
    assert (dispute.payment_intent_id, dispute.charge_id) == (payment.payment_intent_id, payment.charge_id)
    assert abs(dispute.created_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert not dispute.is_charge_refundable
    assert refusal(world.refunds, account, draft_for(payment), new_key())[0] == "charge_disputed"
    world.change_dispute(account, dispute_id, "won")
    won = replace(dispute, status="won", is_charge_refundable=True)
    assert world.refunds.dispute(account, dispute_id) == won
    assert world.refunds.create_refund(account, draft_for(payment), new_key()).status == "succeeded"


def test_a_chargeback_that_is_lost_forbids_refunds_for_good(
    world: World, account: str, payment: StripePayment
):
    dispute_id = world.dispute(account, str(payment.charge_id), "chargeback")
    world.change_dispute(account, dispute_id, "lost")

    assert world.refunds.dispute(account, dispute_id).status == "lost"
    assert refusal(world.refunds, account, draft_for(payment), "key")[0] == "charge_disputed"


def test_a_payments_disputes_are_found_by_its_intent_or_its_charge(
    world: World, account: str, payment: StripePayment
):
    world.dispute(account, str(payment.charge_id), "inquiry")
    named = {"payment_intent_id": payment.payment_intent_id, "charge_id": payment.charge_id}

    (dispute,) = world.refunds.disputes_of(account, **named)

    assert dispute == world.refunds.dispute(account, dispute.id)
    for name in named:
        assert world.refunds.disputes_of(account, **{**dict.fromkeys(named), name: named[name]}) == [dispute]
    assert world.refunds.disputes_of(account, payment_intent_id="pi_none", charge_id=None) == []


def test_a_full_refund_answers_an_inquiry(world: World, account: str, payment: StripePayment):
    dispute_id = world.dispute(account, str(payment.charge_id), "inquiry")
    for amount, status in ((1, "warning_needs_response"), (TOTAL - 1, "warning_closed")):
        world.refunds.create_refund(account, draft_for(payment, amount), new_key())

        dispute = world.refunds.dispute(account, dispute_id)
        assert (dispute.status, dispute.is_charge_refundable) == (status, True)


def test_an_inquiry_may_turn_into_a_chargeback(world: World, account: str, payment: StripePayment):
    dispute_id = world.dispute(account, str(payment.charge_id), "inquiry")

    world.change_dispute(account, dispute_id, "needs_response")

    assert not world.refunds.dispute(account, dispute_id).is_charge_refundable
    assert refusal(world.refunds, account, draft_for(payment), "key")[0] == "charge_disputed"


def test_what_an_account_does_not_have_is_missing(world: World, account: str, payment: StripePayment):
    elsewhere = world.connect_account()
    refund_id = world.refund(account, str(payment.charge_id), 1)
    dispute_id = world.dispute(account, str(payment.charge_id), "inquiry")
    by_charge = replace(payment, payment_intent_id=None)

    for call in calls(world.refunds, elsewhere, payment, refund_id, dispute_id):
        with pytest.raises(ObjectMissing) as caught:
            call()
        assert caught.value.code == "resource_missing"
    with pytest.raises(ObjectMissing) as caught:
        world.refunds.create_refund(elsewhere, draft_for(by_charge), "key-of-charge")
    assert caught.value.param == "id"
    assert listed(world.refunds, elsewhere, payment) == listed(world.refunds, elsewhere, by_charge) == []


def test_an_account_that_revoked_its_consent_is_closed_to_every_call(
    world: World, account: str, payment: StripePayment
):
    refund_id = world.refund(account, str(payment.charge_id), 1)
    dispute_id = world.dispute(account, str(payment.charge_id), "inquiry")

    world.revoke(account)

    for call in calls(world.refunds, account, payment, refund_id, dispute_id):
        with pytest.raises(AccessRevoked):
            call()
    with pytest.raises(AccessRevoked):
        listed(world.refunds, account, payment)


def calls(
    gateway: RefundGateway, account: str, payment: StripePayment, refund_id: str, dispute_id: str
) -> list[Callable[[], object]]:
    """Each call that names one object."""
    return [
        lambda: gateway.create_refund(account, draft_for(payment, 1), "key"),
        lambda: gateway.refund(account, refund_id),
        lambda: gateway.dispute(account, dispute_id),
    ]


def test_the_same_key_has_its_effect_once(gateway: RefundGateway, account: str, payment: StripePayment):
    first = gateway.create_refund(account, draft_for(payment, 1), "key")

    assert gateway.create_refund(account, draft_for(payment, 1), "key") == first
    assert listed(gateway, account, payment) == [first.id]
    with pytest.raises(OutcomeUnknown):
        gateway.create_refund(account, draft_for(payment, 2), "key")


def test_a_refund_whose_answer_was_lost_is_found_among_its_payments(
    world: World, account: str, payment: StripePayment
):
    world.lose_the_answer_of_the_next("create_refund")
    with pytest.raises(OutcomeUnknown):
        world.refunds.create_refund(account, draft_for(payment, metadata={METADATA_REFERENCE: "r-1"}), "key")

    (found,) = world.refunds.refunds_of(
        account, payment_intent_id=payment.payment_intent_id, charge_id=payment.charge_id
    )
    assert found.metadata[METADATA_REFERENCE] == "r-1"


def test_a_busy_stripe_has_given_nothing_back(world: World, account: str, payment: StripePayment):
    world.be_busy_for_the_next("create_refund")

    with pytest.raises(GatewayBusy):
        world.refunds.create_refund(account, draft_for(payment), "key")

    assert listed(world.refunds, account, payment) == []
    assert world.refunds.create_refund(account, draft_for(payment), "key").amount == TOTAL


def test_of_many_that_refund_all_at_once_one_does(
    gateway: RefundGateway, account: str, payment: StripePayment
):
    def refund(key: str) -> str:
        try:
            return gateway.create_refund(account, draft_for(payment), key).status
        except GatewayError as error:
            return type(error).__name__

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(refund, [new_key() for _ in range(4)]))

    assert outcomes == ["GatewayRefused", "GatewayRefused", "GatewayRefused", "succeeded"]


def test_an_accounts_refunds_and_disputes_are_listed_newest_first(world, gateway, account):
    first, second = paid(world, account), paid(world, account)
    refunds = [world.refund(account, first.charge_id, 100), world.refund(account, second.charge_id, 200)]
    dispute = world.dispute(account, second.charge_id, "inquiry")
    long_ago, later = datetime(2020, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(hours=1)
    assert [each.id for each in gateway.refunds_since(account, long_ago)] == refunds[::-1]
    assert [each.id for each in gateway.disputes_since(account, long_ago)] == [dispute]
    assert not list(gateway.refunds_since(account, later))
    assert not list(gateway.disputes_since(account, later))
