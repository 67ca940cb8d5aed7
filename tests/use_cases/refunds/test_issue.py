from dataclasses import replace

import pytest

from stripe_bridge.domain.errors.base import InvoiceNotFound
from stripe_bridge.domain.errors.outcomes import RefundNotIssued
from stripe_bridge.domain.errors.rules import (
    AmountOverRefundable,
    IntegrationNotConnected,
    NothingCollected,
    RefundBlockedByDispute,
)
from stripe_bridge.domain.errors.values import AmountNotChargeable
from stripe_bridge.domain.payment_status import RefundStatus
from stripe_bridge.domain.refund import RefundReason, RefundSource, RefundState
from stripe_bridge.domain.refusal import Refusal
from stripe_bridge.domain.stripe_objects import METADATA_REFERENCE
from stripe_bridge.ports.stripe.errors import GatewayBusy, GatewayError, GatewayRefused, OutcomeUnknown
from stripe_bridge.use_cases.refunds.issue import IssueRefundCommand
from tests.builders import AMOUNT, TENANT
from tests.proofs.boundary import Boundary
from tests.world import USER, World


def shown(world: World):
    return world.bridge.refunds.list(TENANT, 1)


def test_a_refund_is_made_at_stripe_and_shown(world: World):
    world.paid()

    (refund,) = world.refund(1, 4_000, reason=RefundReason.DUPLICATE)

    (theirs,) = world.refunds_at_stripe()
    assert (refund.stripe_refund_id, refund.state, refund.amount) == (theirs.id, RefundState.SUCCEEDED, 4_000)
    assert (refund.reason, refund.user_id) == ("duplicate", USER)
    invoice = world.invoice(1)
    assert (invoice.amount_refunded, invoice.refund_status) == (4_000, RefundStatus.PARTIAL)
    assert invoice.last_refunded_at == world.clock.now()
    assert "payments_of" not in world.calls()


def test_left_out_the_amount_is_all_that_may_still_be_refunded(world: World):
    world.paid()
    world.refund(1, 4_000)
    world.clock.advance(seconds=60)

    (rest,) = world.refund(1)

    assert rest.amount == AMOUNT - 4_000
    assert world.invoice(1).refund_status is RefundStatus.FULL
    assert world.invoice(1).last_refunded_at == world.clock.now()


def test_more_than_what_remains_is_refused_and_nothing_reserved(world: World):
    world.paid()
    world.refund(1, 4_000)

    with pytest.raises(AmountOverRefundable):
        world.refund(1, AMOUNT - 3_999)
    world.refund(1, AMOUNT - 4_000)
    with pytest.raises(AmountOverRefundable):
        world.refund(1)
    assert sum(each.amount for each in world.refunds_at_stripe()) == AMOUNT


def test_what_stripe_did_not_collect_cannot_be_refunded(world: World):
    world.sent()

    with pytest.raises(NothingCollected):
        world.refund(1)


def test_an_amount_that_stripe_would_round_is_not_refunded(world: World):
    world.paid(currency="ISK")

    with pytest.raises(AmountNotChargeable):
        world.refund(1, 150)
    assert not world.stripe.calls_of("create_refund")


def test_another_tenants_invoice_is_not_there(world: World):
    world.paid()
    command = IssueRefundCommand(tenant_id="other", user_id=None, invoice_id=1)
    with pytest.raises(InvoiceNotFound):
        world.bridge.refunds.issue(command)
    with pytest.raises(InvoiceNotFound):
        world.bridge.refunds.list("other", 1)
    assert not world.refunds_at_stripe()


def test_a_payment_whose_webhook_is_still_on_its_way_can_be_refunded(world: World):
    invoice = world.sent()
    world.pay(invoice)
    world.deliver([each for each in world.events() if each["type"] == "invoice.paid"])
    assert world.invoice(1).amount_collected == 0

    (refund,) = world.refund(1)

    assert refund.amount == AMOUNT


def test_a_partly_paid_open_invoice_can_be_refunded(world: World):
    invoice = world.sent()
    world.pay(invoice, 5_000)
    world.deliver()

    (refund,) = world.refund(1)

    assert refund.amount == 5_000


def test_what_no_single_payment_can_bear_is_split_newest_first_each_with_its_own_key(world: World):
    invoice = world.sent()
    world.pay(invoice, 5_000)
    world.clock.advance(seconds=60)
    world.pay(invoice)
    world.deliver()

    made = world.refund(1, 9_000)

    assert [each.amount for each in made] == [7_000, 2_000]
    keys = [call.key for call in world.stripe.calls_of("create_refund")]
    assert len(set(keys)) == 2
    assert world.invoice(1).amount_refunded == 9_000


def test_a_payment_under_a_chargeback_is_not_refunded_but_one_under_an_inquiry_is(world: World):
    for order_id, kind in ((501, "chargeback"), (502, "inquiry")):
        invoice = world.paid(order_id)
        world.stripe.dispute(world.account_id, invoice.stripe_charge_id, kind)
    world.deliver()

    with pytest.raises(RefundBlockedByDispute):
        world.refund(1)
    assert world.refund(2)[0].state is RefundState.SUCCEEDED


def test_a_refund_that_stripe_refuses_gives_its_reservation_back(world: World):
    world.paid()
    said = Refusal(message="No.", code="blocked", request_id="req_1")
    world.fail("create_refund", GatewayRefused("no", refusal=said))

    with pytest.raises(RefundNotIssued) as caught:
        world.refund(1)

    assert caught.value.refusal == said
    assert shown(world) == []
    assert world.refund(1)[0].amount == AMOUNT


@pytest.mark.parametrize("amount", [AMOUNT, None])
def test_a_request_that_is_repeated_says_again_what_stripe_refused_of_it(world: World, amount: int | None):
    invoice = world.sent()
    world.pay(invoice, 5_000)
    world.pay(invoice)
    world.deliver()
    command = IssueRefundCommand(
        tenant_id=TENANT, user_id=USER, invoice_id=invoice.id, amount=amount, request="abc"
    )
    for _ in range(2):
        world.fail("create_refund", GatewayRefused("no"))
    with pytest.raises(RefundNotIssued):
        world.bridge.refunds.issue(command)
    world.clock.advance(seconds=1)
    world.fail("create_refund", GatewayRefused("no"))
    first = world.bridge.refunds.issue(command)

    again = world.bridge.refunds.issue(command)

    assert again == first
    assert first.amount_refused == AMOUNT - first.refunds[0].amount > 0
    assert len(world.refunds_at_stripe()) == 1


def test_a_refund_that_the_dashboard_made_first_is_learned_from_the_refusal(world: World):
    invoice = world.paid()
    world.stripe.refund(world.account_id, invoice.stripe_charge_id, 10_000)

    with pytest.raises(AmountOverRefundable):
        world.refund(1, 3_000)

    assert [each.amount for each in shown(world)] == [10_000]
    assert world.refund(1)[0].amount == 2_000


@pytest.mark.parametrize("is_known", [False, True])
def test_a_dispute_that_no_webhook_has_reported_yet_is_learned_from_the_refusal(world: World, is_known: bool):
    invoice = world.paid()
    inquiry = world.stripe.dispute(world.account_id, invoice.stripe_charge_id, "inquiry")
    if is_known:
        world.deliver()
    world.stripe.change_dispute(world.account_id, inquiry.id, "needs_response")

    with pytest.raises(RefundBlockedByDispute):
        world.refund(1, 3_000)

    assert shown(world) == []
    assert world.invoice(1).dispute_status == "needs_response"


def test_a_dispute_as_it_was_before_a_webhook_told_of_it_is_not_taken_for_its_present_state(world: World):
    invoice = world.paid()
    dispute = world.stripe.dispute(world.account_id, invoice.stripe_charge_id, "chargeback")

    def win(_crossing: int, place: str) -> None:
        if place == "after disputes_of":
            world.stripe.change_dispute(world.account_id, dispute.id, "won")
            world.deliver()

    world.restart(Boundary(win).around)

    with pytest.raises(RefundNotIssued):
        world.refund(1, 3_000)

    assert world.invoice(1).dispute_status == "won"


@pytest.mark.parametrize("after_effect", [False, True])
def test_a_refund_of_unknown_outcome_is_reserved_pending_and_made_once(world: World, after_effect: bool):
    world.paid()
    world.fail("create_refund", OutcomeUnknown("cut"), after_effect=after_effect)

    (refund,) = world.refund(1, 9_000)

    assert (refund.state, refund.shown_status, refund.stripe_refund_id) == (
        RefundState.RESERVED,
        "pending",
        None,
    )
    with pytest.raises(AmountOverRefundable):
        world.refund(1, 4_000)
    world.come_to_rest()
    assert [each.amount for each in world.refunds_at_stripe()] == [9_000]
    assert [each.state for each in shown(world)] == [RefundState.SUCCEEDED]


def test_a_refund_of_the_dashboard_is_not_taken_for_one_of_ours_whose_outcome_is_unknown(world: World):
    invoice = world.paid()
    world.fail("create_refund", OutcomeUnknown("cut"))
    world.refund(1, 1_000)
    world.stripe.refund(world.account_id, invoice.stripe_charge_id, 1_000)

    world.come_to_rest()
    world.deliver()

    assert len(world.refunds_at_stripe()) == 2
    assert world.invoice(1).amount_refunded == 2_000


def test_a_refund_that_stripe_was_too_busy_for_is_made_later_under_its_key(world: World):
    world.paid()
    world.fail("create_refund", GatewayBusy("429"))

    (refund,) = world.refund(1)
    assert refund.state is RefundState.RESERVED
    world.come_to_rest()

    first, second = world.stripe.calls_of("create_refund")
    assert first.key == second.key
    assert len(world.refunds_at_stripe()) == 1


def test_a_webhook_that_outruns_the_answer_finds_the_reservation_and_makes_no_second_entry(world: World):
    world.paid()
    world.fail("create_refund", OutcomeUnknown("cut"), after_effect=True)
    world.refund(1)

    world.deliver()
    assert [each.state for each in shown(world)] == [RefundState.SUCCEEDED]
    world.come_to_rest()

    assert [each.amount for each in shown(world)] == [AMOUNT]
    assert world.invoice(1).amount_refunded == AMOUNT


def test_a_refund_that_a_webhook_has_shown_keeps_its_amount_whatever_our_call_is_answered(world: World):
    world.paid()

    def deliver_and_refuse(_crossing: int, place: str) -> None:
        if place == "after create_refund":
            world.deliver()
            raise GatewayRefused("no")

    world.restart(Boundary(deliver_and_refuse).around)

    (refund,) = world.refund(1)

    assert refund.state is RefundState.SUCCEEDED
    assert world.invoice(1).refund_status is RefundStatus.FULL


def test_a_refund_that_fails_later_is_taken_back_out(world: World):
    world.paid()
    world.stripe.new_refund_status = "pending"
    (refund,) = world.refund(1, 5_000)
    assert world.invoice(1).amount_refunded == 5_000

    world.stripe.change_refund(
        world.account_id, refund.stripe_refund_id, "failed", "expired_or_canceled_card"
    )
    world.deliver()

    assert (world.invoice(1).amount_refunded, world.invoice(1).last_refunded_at) == (0, None)
    (failed,) = shown(world)
    assert (failed.state, failed.failure_reason) == (RefundState.FAILED, "expired_or_canceled_card")
    assert world.refund(1)[0].amount == AMOUNT


def test_two_refunds_at_once_never_give_back_more_than_was_collected(world: World):
    world.paid()
    refused = []

    def another() -> None:
        with pytest.raises(AmountOverRefundable):
            world.refund(1, 7_000)
        refused.append(1)

    world.stripe.before_next("create_refund", another)
    world.refund(1, 7_000)

    assert refused
    assert [each.amount for each in world.refunds_at_stripe()] == [7_000]


def test_a_second_refund_of_what_remains_may_go_out_beside_the_first(world: World):
    world.paid()
    world.stripe.before_next("create_refund", lambda: world.refund(1, 5_000))

    world.refund(1, 7_000)

    assert sorted(each.amount for each in shown(world)) == [5_000, 7_000]


def test_refunds_are_listed_newest_first_without_those_that_never_came_to_be(world: World):
    world.paid()
    world.refund(1, 1_000)
    world.fail("create_refund", GatewayRefused("no"))
    with pytest.raises(RefundNotIssued):
        world.refund(1, 2_000)
    world.refund(1, 3_000)

    assert [each.amount for each in shown(world)] == [3_000, 1_000]


def test_with_stripe_unable_to_tell_what_was_paid_nothing_is_reserved(world: World):
    invoice = world.sent()
    world.pay(invoice)
    world.deliver([each for each in world.events() if each["type"] == "invoice.paid"])
    world.fail("payments_of", OutcomeUnknown("down"))

    with pytest.raises(GatewayError):
        world.refund(1)
    assert shown(world) == []


def test_after_a_disconnect_a_refund_is_refused_without_asking_stripe_what_was_paid(world: World):
    invoice = world.sent()
    world.pay(invoice)
    world.deliver([each for each in world.events() if each["type"] == "invoice.paid"])
    world.bridge.integrations.disconnect(TENANT, world.integration_id)
    asked = len(world.calls())

    with pytest.raises(IntegrationNotConnected):
        world.refund(1)
    assert len(world.calls()) == asked


def test_a_disconnect_while_stripe_is_asked_what_was_paid_leaves_nothing_reserved(world: World):
    invoice = world.sent()
    world.pay(invoice)
    world.deliver([each for each in world.events() if each["type"] == "invoice.paid"])

    def leave(_crossing: int, place: str) -> None:
        if place == "after payments_of":
            world.bridge.integrations.disconnect(TENANT, world.integration_id)

    world.restart(Boundary(leave).around)

    with pytest.raises(IntegrationNotConnected):
        world.refund(1)
    assert not world.stripe.calls_of("create_refund")


def test_an_invoice_is_refunded_through_whatever_integration_of_its_tenant_has_the_account_now(world: World):
    invoice = world.paid()
    world.bridge.integrations.disconnect(TENANT, world.integration_id)
    world.connect(world.account_id)

    world.refund(invoice.id)

    assert world.invoice(invoice.id).refund_status is RefundStatus.FULL


def test_a_refund_that_waits_outside_is_looked_up_when_the_account_is_back_whoever_sent_the_invoice(
    world: World,
):
    invoice = world.paid()
    world.bridge.integrations.disconnect(TENANT, world.integration_id)
    world.connect(world.account_id)
    world.fail("create_refund", OutcomeUnknown("500"), after_effect=True)
    world.fail("refunds_of", OutcomeUnknown("cut"), times=30)
    world.refund(invoice.id)
    world.stop_failing()
    world.stripe.revoke(world.account_id)
    world.clock.advance(seconds=60)
    world.work_off()
    world.bridge.reconciliation.reconcile(world.integration_id)

    world.connect(world.account_id, into=world.integration_id)
    world.work_off()

    (refund,) = shown(world)
    assert refund.state is RefundState.SUCCEEDED


@pytest.mark.parametrize("how", ["by its event", "by the charge's"])
def test_a_refund_that_bears_a_copy_of_anothers_metadata_is_one_of_its_own(world: World, how: str):
    invoice = world.paid()
    world.refund(1, 1_000)
    (ours,) = world.refunds_at_stripe()
    world.stripe.refund(world.account_id, invoice.stripe_charge_id, 2_000)
    refunds = world.stripe.accounts[world.account_id].charges.refunds
    (theirs,) = (refund for refund in refunds.values() if refund.id != ours.id)
    refunds[theirs.id] = replace(theirs, metadata=ours.metadata)

    kind = "refund.updated" if how == "by its event" else "charge.refunded"
    world.deliver([each for each in world.events() if each["type"] == kind])

    assert {each.stripe_refund_id: each.amount for each in shown(world)} == {
        ours.id: 1_000,
        theirs.id: 2_000,
    }
    assert world.invoice(1).amount_refunded == 3_000


def test_a_reference_of_another_accounts_refund_is_not_believed(world: World):
    world.paid()
    world.fail("create_refund", OutcomeUnknown("cut"))
    (reserved,) = world.refund(1, 1_000)
    world.connect()
    invoice = world.paid(502)
    made = world.stripe.refund(world.account_id, invoice.stripe_charge_id, 2_000)
    refunds = world.stripe.accounts[world.account_id].charges.refunds
    refunds[made.id] = replace(made, metadata={METADATA_REFERENCE: reserved.reference or ""})
    world.deliver([each for each in world.events() if each["type"] == "refund.updated"])

    assert world.invoice(invoice.id).amount_refunded == 2_000
    assert [each.state for each in shown(world)] == [RefundState.RESERVED]


@pytest.mark.parametrize("source", [RefundSource.API, RefundSource.CLI])
def test_where_a_refund_was_asked_for_is_kept_with_each_of_its_parts(world: World, source: RefundSource):
    invoice = world.sent()
    world.pay(invoice, 4_000)
    world.pay(invoice)
    world.deliver()

    parts = world.refund(invoice.id, source=source)
    world.deliver()

    assert len(parts) == 2
    assert [refund.shown_source for refund in shown(world)] == [source, source]
