"""Currencies and their minor units, as at Stripe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_bridge.domain.errors.rules import AmountBelowMinimum
from stripe_bridge.domain.errors.values import AmountNotChargeable, CurrencyUnknown
from stripe_bridge.domain.money import Currency, known_currencies
from stripe_emulator import currencies as emulated

CODES = st.sampled_from(known_currencies())


@pytest.mark.parametrize(
    ("code", "decimals", "multiple", "minimum"),
    [
        ("USD", 2, 1, 50),
        ("eur", 2, 1, 50),
        ("GBP", 2, 1, 30),
        ("JPY", 0, 1, 50),
        ("KRW", 0, 1, 50),
        ("CLP", 0, 1, None),
        ("KWD", 3, 10, None),
        ("TND", 3, 10, None),
        ("ISK", 2, 100, None),
        ("UGX", 2, 100, None),
        ("HUF", 2, 1, 17_500),
        ("TWD", 2, 1, None),
        ("MXN", 2, 1, 1_000),
        ("XCG", 2, 1, None),
    ],
)
def test_a_currency_counts_as_stripe_says(code, decimals, multiple, minimum):
    assert Currency.of(code) == Currency(code.upper(), decimals, multiple, minimum)
    assert code.upper() in known_currencies()


def test_what_the_emulator_charges_in_is_known_and_the_other_way_round():
    """Its table was written separately from Stripe's pages, so a mistake in either shows here."""
    assert {code: (Currency.of(code).multiple, Currency.of(code).minimum) for code in known_currencies()} == {
        code.upper(): (emulated.step(code), emulated.MINIMUM_CHARGE.get(code)) for code in emulated.SUPPORTED
    }


@given(CODES)
def test_a_currency_is_known_in_either_case(code):
    assert Currency.of(code.lower()) == Currency.of(code)
    assert Currency.of(code).code == code


@given(st.text())
def test_what_is_not_in_the_table_is_unknown(code):
    if code.upper() not in known_currencies():
        with pytest.raises(CurrencyUnknown):
            Currency.of(code)


def test_every_currency_has_three_letters_and_stands_in_the_table_once():
    codes = known_currencies()
    assert len(codes) == len(set(codes)) > 130
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in codes)


@pytest.mark.parametrize(
    ("code", "exact", "inexact"), [("ISK", 500, 501), ("UGX", 100, 150), ("KWD", 5_120, 5_124)]
)
def test_what_stripe_would_round_is_refused(code, exact, inexact):
    Currency.of(code).check_exact(exact, "amount_in_cents")
    with pytest.raises(AmountNotChargeable) as refusal:
        Currency.of(code).check_exact(inexact, "amount_in_cents")
    assert refusal.value.field == "amount_in_cents"


@given(CODES, st.integers(min_value=-(10**15), max_value=10**15))
def test_an_amount_is_exact_or_refused_never_changed(code, amount):
    of = Currency.of(code)
    if of.is_exact(amount):
        of.check_exact(amount, "x")
    else:
        assert of.multiple > 1
        with pytest.raises(AmountNotChargeable):
            of.check_exact(amount, "x")


@given(CODES)
def test_the_minimum_itself_can_be_charged_and_one_step_less_cannot(code):
    of = Currency.of(code)
    if of.minimum is None:
        of.check_chargeable(of.multiple, "x")
    else:
        of.check_chargeable(of.minimum, "x")
        with pytest.raises(AmountBelowMinimum) as refusal:
            of.check_chargeable(of.minimum - of.multiple, "x")
        assert refusal.value.minimum == of.minimum
