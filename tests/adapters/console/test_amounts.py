import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_bridge.adapters.console.amounts import as_written, in_minor_units
from stripe_bridge.adapters.web.problems import RequestInvalid
from stripe_bridge.adapters.web.schemas.fields import MAX_AMOUNT
from stripe_bridge.domain.money import known_currencies


@given(st.integers(min_value=1, max_value=MAX_AMOUNT), st.sampled_from(known_currencies()))
def test_an_amount_is_read_as_it_is_written(amount, currency):
    assert in_minor_units(as_written(amount, currency), currency) == amount


@pytest.mark.parametrize(
    ("written", "currency", "amount"),
    [("5", "EUR", 500), ("5.5", "eur", 550), ("1234", "JPY", 1234), ("1.234", "KWD", 1234)],
)
def test_decimals_that_are_zero_may_be_left_out(written, currency, amount):
    assert in_minor_units(written, currency) == amount


@given(st.text().filter(lambda text: not text.isascii() or not text.replace(".", "").isdigit()))
def test_whatever_is_no_amount_is_refused_by_name(written):
    with pytest.raises(RequestInvalid) as refused:
        in_minor_units(written, "EUR", "amount")
    assert refused.value.errors.keys() == {"amount"}


@pytest.mark.parametrize(
    ("written", "currency"),
    [("1.5", "JPY"), ("0.00", "EUR"), ("1.001", "EUR"), ("1,000", "EUR"), ("1e3", "EUR"), ("٣", "EUR")],
)
def test_what_could_be_misread_is_refused(written, currency):
    with pytest.raises(RequestInvalid):
        in_minor_units(written, currency)
