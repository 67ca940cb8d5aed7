"""The ledger of refunds: never more goes back than was collected."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_bridge.domain.errors.rules import AmountOverRefundable, NothingCollected, RefundBlockedByDispute
from stripe_bridge.domain.refund import (
    RefundSource,
    RefundState,
    refundable_amounts,
    split_refund,
    total_refundable,
    total_refunded,
)
from tests.builders import NOW, a_dispute, a_payment, a_refund, a_stripe_refund

LATER = NOW + timedelta(seconds=1)
SUCCEEDED = a_stripe_refund()
FAILED = a_stripe_refund(status="failed", failure_reason="lost_or_stolen_card")
CANCELED = a_stripe_refund(status="canceled")


def paid(number: int, amount: int):
    return a_payment(
        stripe_id=f"inpay_{number}",
        payment_intent_id=f"pi_{number}",
        charge_id=f"ch_{number}",
        amount_paid=amount,
        paid_at=NOW + timedelta(minutes=number),
    )


@st.composite
def ledgers(draw: st.DrawFn):
    """Payments, refunds of them that Stripe or a reservation allowed, and what each payment has left."""
    payments = [
        paid(number, draw(st.integers(min_value=1, max_value=1_000)))
        for number in range(draw(st.integers(min_value=1, max_value=4)))
    ]
    refunds = []
    left = {}
    for payment in payments:
        left[payment] = payment.amount_paid
        for state in draw(st.lists(st.sampled_from(RefundState), max_size=3)):
            amount = draw(st.integers(min_value=0, max_value=left[payment]))
            intent_id, charge_id = draw(
                st.sampled_from([(payment.payment_intent_id, None), (None, payment.charge_id)])
            )
            refund = a_refund(amount=amount, state=state, payment_intent_id=intent_id, charge_id=charge_id)
            left[payment] -= amount if refund.reserves_amount else 0
            refunds.append(refund)
    return payments, refunds, left


@given(ledgers(), st.none() | st.integers(min_value=1, max_value=5_000))
def test_never_more_goes_back_than_each_payment_has_left(ledger, amount):
    payments, refunds, left = ledger
    try:
        parts = split_refund(amount, payments, refunds, [])
    except AmountOverRefundable:
        assert (amount or 0) > sum(left.values()) or sum(left.values()) == 0
        return
    assert sum(part for _, part in parts) == (sum(left.values()) if amount is None else amount)
    assert len({payment for payment, _ in parts}) == len(parts)
    assert all(0 < part <= left[payment] for payment, part in parts)


@given(ledgers())
def test_the_limit_of_a_refund_is_what_each_payment_has_left_and_not_one_cent_more(ledger):
    payments, refunds, left = ledger

    amounts = refundable_amounts(payments, refunds, [])

    assert amounts == {payment: amount for payment, amount in left.items() if amount}
    limit = sum(amounts.values())
    if limit:
        assert sum(part for _, part in split_refund(limit, payments, refunds, [])) == limit
    with pytest.raises(AmountOverRefundable) as refusal:
        split_refund(limit + 1, payments, refunds, [])
    assert refusal.value.refundable == limit


def test_one_payment_that_can_bear_it_all_does():
    old, new = paid(1, 100), paid(2, 30)
    assert split_refund(80, [new, old], [], []) == [(old, 80)]
    assert split_refund(30, [old, new], [], []) == [(new, 30)]


def test_what_no_single_payment_can_bear_is_split_newest_first():
    old, new = paid(1, 100), paid(2, 30)
    assert split_refund(None, [old, new], [], []) == [(new, 30), (old, 100)]
    assert split_refund(120, [paid(0, 10), old, new], [], []) == [(new, 30), (old, 90)]


def test_nothing_goes_back_where_stripe_collected_nothing():
    by_hand = a_payment(payment_intent_id=None, charge_id=None)
    for payments in ([], [by_hand], [a_payment(status="open")]):
        with pytest.raises(NothingCollected):
            split_refund(None, payments, [], [])


def test_what_was_refunded_in_full_is_refunded_once():
    with pytest.raises(AmountOverRefundable):
        split_refund(None, [paid(1, 100)], [a_refund(amount=100, payment_intent_id="pi_1")], [])


def test_more_than_what_is_left_is_refused_with_what_is_left():
    with pytest.raises(AmountOverRefundable) as refusal:
        split_refund(71, [paid(1, 100)], [a_refund(amount=30, payment_intent_id="pi_1")], [])
    assert refusal.value.refundable == 70


@pytest.mark.parametrize(
    "dispute",
    [
        a_dispute(is_charge_refundable=False),
        a_dispute(is_charge_refundable=True, status="lost"),
        a_dispute(is_charge_refundable=True, status="prevented"),
        a_dispute(payment_intent_id=None),
    ],
)
def test_a_disputed_payment_is_not_refunded_but_another_one_is(dispute):
    with pytest.raises(RefundBlockedByDispute):
        split_refund(None, [paid(1, 100)], [], [dispute])
    assert split_refund(None, [paid(1, 100), paid(2, 30)], [], [dispute]) == [(paid(2, 30), 30)]
    total_returned = a_refund(amount=30, payment_intent_id="pi_2")
    with pytest.raises(RefundBlockedByDispute):
        split_refund(None, [paid(1, 100), paid(2, 30)], [total_returned], [dispute])


@pytest.mark.parametrize(
    "harmless", [{"status": "warning_needs_response"}, {"status": "prevented", "amount": 0}]
)
def test_a_dispute_that_takes_nothing_leaves_a_payment_refundable(harmless):
    dispute = a_dispute(is_charge_refundable=True, **harmless)
    assert split_refund(None, [paid(1, 100)], [], [dispute]) == [(paid(1, 100), 100)]


@given(
    st.sampled_from([FAILED, CANCELED]).flatmap(
        lambda end: st.tuples(
            st.just(end), st.permutations([SUCCEEDED, end, SUCCEEDED, a_stripe_refund(status="pending")])
        )
    )
)
def test_a_refund_that_failed_or_was_canceled_stays_taken_back_whatever_comes_late(history):
    end, snapshots = history
    refund = a_refund()
    for snapshot in snapshots:
        refund = refund.observe(snapshot, LATER)
    assert refund.state is RefundState(end.status)
    assert not refund.reserves_amount


def test_a_refund_that_we_took_for_refused_counts_once_stripe_shows_it():
    refused = a_refund().refuse("no such charge", LATER)
    assert (refused.failure_reason, refused.reserves_amount) == ("no such charge", False)
    assert refused.observe(SUCCEEDED, LATER).is_effective


def test_what_stripe_shows_of_a_refund_is_taken_over_and_its_charge_kept_when_it_shows_none():
    shown = a_stripe_refund(status="pending", charge_id=None, amount=9, reason="expired_uncaptured_charge")
    pending = a_refund(charge_id="ch_old", reason="duplicate").observe(shown, LATER)
    assert (pending.charge_id, pending.amount, pending.reason) == ("ch_old", 9, "expired_uncaptured_charge")
    assert pending.observe(shown, NOW) is pending
    assert pending.observe(a_stripe_refund(charge_id="ch_new"), LATER).charge_id == "ch_new"


@pytest.mark.parametrize(
    ("state", "reserves", "is_effective", "shown"),
    [
        (RefundState.RESERVED, True, False, "pending"),
        (RefundState.PENDING, True, True, "pending"),
        (RefundState.REQUIRES_ACTION, True, True, "requires_action"),
        (RefundState.SUCCEEDED, True, True, "succeeded"),
        (RefundState.FAILED, False, False, "failed"),
        (RefundState.CANCELED, False, False, "canceled"),
        (RefundState.REFUSED, False, False, "refused"),
    ],
)
def test_a_reservation_reserves_its_amount_and_a_refund_at_stripe_is_effective(
    state, reserves, is_effective, shown
):
    refund = a_refund(state=state, amount=10)
    assert (refund.reserves_amount, refund.is_effective, refund.shown_status) == (
        reserves,
        is_effective,
        shown,
    )
    assert total_refunded([refund]) == (10 if is_effective else 0)


@given(ledgers())
def test_what_may_be_refunded_is_all_that_a_refund_without_an_amount_gives_back(ledger):
    payments, refunds, _ = ledger
    limit = total_refundable(payments, refunds, [])
    try:
        assert limit == sum(part for _, part in split_refund(None, payments, refunds, []))
    except AmountOverRefundable:
        assert limit == 0


def test_nothing_may_be_refunded_of_what_was_not_collected_or_is_disputed():
    by_hand = a_payment(payment_intent_id=None, charge_id=None)
    assert total_refundable([], [], []) == total_refundable([by_hand], [], []) == 0
    assert total_refundable([a_payment()], [], [a_dispute()]) == 0


@pytest.mark.parametrize(
    ("refund", "source"),
    [
        (a_refund(source=RefundSource.API), RefundSource.API),
        (a_refund(source=RefundSource.CLI), RefundSource.CLI),
        # From before it was stored: it was ours, but nobody knows whose.
        (a_refund(), None),
        (a_refund(reference=None), RefundSource.DASHBOARD),
    ],
)
def test_a_refund_without_a_reference_of_ours_was_made_in_the_dashboard(refund, source):
    assert refund.shown_source is source
