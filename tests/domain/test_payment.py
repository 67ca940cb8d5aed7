"""The payments of an invoice, and which one leads."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from stripe_bridge.domain.payment import observe_payment, primary_payment, total_collected
from tests.builders import NOW, a_payment, a_stripe_payment

OPEN = a_stripe_payment(status="open")
PAID = a_stripe_payment(status="paid")
CANCELED = a_stripe_payment(status="canceled")


@given(st.permutations([OPEN, PAID, OPEN, PAID]))
def test_a_payment_that_was_paid_stays_paid_whatever_comes_late(snapshots):
    known = None
    for snapshot in snapshots:
        known = observe_payment(known, snapshot, invoice_id=1, account_id="acct_1")
    assert known == a_payment()


def test_a_canceled_payment_is_not_opened_again():
    canceled = observe_payment(None, CANCELED, invoice_id=1, account_id="acct_1")
    assert observe_payment(canceled, OPEN, invoice_id=1, account_id="acct_1") is canceled


def test_a_payment_that_is_still_open_is_as_it_was_last_seen():
    known = observe_payment(None, OPEN, invoice_id=1, account_id="acct_1")
    seen = a_stripe_payment(status="open", is_default=False)
    assert not observe_payment(known, seen, invoice_id=1, account_id="acct_1").is_default


def test_a_charge_that_failed_is_not_the_payments_charge():
    attempted = a_stripe_payment(status="open", charge_id="ch_failed")
    assert observe_payment(None, attempted, invoice_id=1, account_id="acct_1").charge_id is None


def test_a_payments_method_is_that_of_the_charge_that_paid_it():
    tried = a_stripe_payment(status="open", charge_id="ch_failed", method="us_bank_account")
    failed = observe_payment(None, tried, invoice_id=1, account_id="acct_1")
    assert failed.method == "us_bank_account"

    # A webhook's payload names no charge, and so does not say what it was paid with.
    paid = observe_payment(failed, replace(PAID, charge_id=None), invoice_id=1, account_id="acct_1")
    assert paid.method is None
    charged = paid.charged_by("ch_1", "card")
    assert charged.charged_by("ch_1").method == "card"

    for late in (PAID, tried, OPEN, replace(PAID, charge_id=None)):
        assert observe_payment(charged, late, invoice_id=1, account_id="acct_1").method == "card"


def test_the_newest_paid_payment_leads_else_the_default_one():
    payments = [
        a_payment(stripe_id="inpay_1", paid_at=NOW),
        a_payment(stripe_id="inpay_2", paid_at=NOW + timedelta(seconds=1), is_default=False),
        a_payment(stripe_id="inpay_3", paid_at=None, status="open"),
    ]
    assert primary_payment(payments) == primary_payment(payments[::-1]) == payments[1]
    assert (
        primary_payment([payments[2], a_payment(stripe_id="x", status="open", is_default=False)])
        == payments[2]
    )
    replaced = a_payment(stripe_id="inpay_2", paid_at=None, status="open")
    assert primary_payment([payments[2], replaced]) == primary_payment([replaced, payments[2]]) == payments[2]
    assert primary_payment([]) is None


def test_a_payment_that_stripe_did_not_collect_does_not_hide_one_that_it_did():
    by_card = a_payment(stripe_id="inpay_1", paid_at=NOW, is_default=False)
    by_hand = a_payment(
        stripe_id="inpay_2",
        payment_intent_id=None,
        charge_id=None,
        paid_at=NOW + timedelta(seconds=1),
        is_default=False,
    )
    assert primary_payment([by_card, by_hand]) == primary_payment([by_hand, by_card]) == by_card
    assert primary_payment([by_hand]) == by_hand


def test_what_was_paid_out_of_band_was_not_collected_by_stripe():
    by_card = a_payment(amount_paid=50)
    charge_unknown = a_payment(stripe_id="inpay_4", charge_id=None, amount_paid=20)
    by_hand = a_payment(stripe_id="inpay_2", payment_intent_id=None, charge_id=None, amount_paid=30)
    unpaid = a_payment(stripe_id="inpay_3", status="open", amount_paid=99)
    assert total_collected([by_card, charge_unknown, by_hand, unpaid]) == 70
