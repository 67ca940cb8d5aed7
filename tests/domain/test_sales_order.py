"""What a sales order owes, and how it becomes an invoice's lines."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_bridge.domain.errors.conflicts import OrderOutdated
from stripe_bridge.domain.errors.values import AmountNotChargeable, CurrencyUnknown, LinesDoNotAddUp
from tests.builders import NOW, a_sales_order, an_order_line

AMOUNTS = st.integers(min_value=0, max_value=10**12)
LATER = NOW + timedelta(seconds=1)


@given(total=AMOUNTS, elsewhere=AMOUNTS, settled=AMOUNTS)
def test_what_is_outstanding_or_overpaid_makes_up_the_total(total, elsewhere, settled):
    order = a_sales_order(total=total, paid_elsewhere=elsewhere)
    outstanding, overpaid = order.outstanding(settled), order.overpaid(settled)
    assert outstanding >= 0
    assert overpaid >= 0
    assert 0 in (outstanding, overpaid)
    assert elsewhere + settled + outstanding - overpaid == total


def test_an_order_whose_lines_add_up_passes():
    a_sales_order(total=70, lines=(an_order_line(100), an_order_line(-30))).check()
    a_sales_order(total=0, lines=()).check()


@pytest.mark.parametrize(
    ("order", "error"),
    [
        (a_sales_order(total=100, lines=(an_order_line(99),)), LinesDoNotAddUp),
        (a_sales_order(currency="XXX"), CurrencyUnknown),
        (a_sales_order(currency="ISK", total=150), AmountNotChargeable),
    ],
)
def test_an_order_that_no_state_could_make_right_is_refused(order, error):
    with pytest.raises(error):
        order.check()


def test_a_newer_copy_takes_the_place_but_keeps_the_first_ones_birthday():
    order = a_sales_order()
    newer = replace(order, number="new", source_updated_at=LATER, created_at=LATER, updated_at=LATER)
    assert order.replaced_by(newer) == replace(newer, created_at=order.created_at)


def test_the_very_same_copy_changes_nothing():
    order = a_sales_order()
    assert order.replaced_by(replace(order, created_at=LATER, updated_at=LATER)) is order


@pytest.mark.parametrize("age", [timedelta(), timedelta(microseconds=1), timedelta(days=1)])
def test_a_copy_as_old_or_older_with_other_content_is_outdated(age):
    order = a_sales_order()
    with pytest.raises(OrderOutdated):
        order.replaced_by(replace(order, number="x", source_updated_at=order.source_updated_at - age))


LINES = st.lists(st.integers(min_value=-(10**6), max_value=10**6), min_size=1, max_size=10)


@given(LINES, st.integers(min_value=1, max_value=10**7), st.integers(min_value=0, max_value=10**7))
def test_an_invoices_lines_always_sum_to_its_amount(lines, amount, settled):
    order = a_sales_order(total=sum(lines), lines=tuple(map(an_order_line, lines)))
    invoiced = order.invoice_lines(amount, order.outstanding(settled))
    assert sum(line.amount for line in invoiced) == amount


def test_the_whole_of_an_untouched_order_is_itemized():
    order = a_sales_order(
        total=30,
        lines=(an_order_line(10, quantity=Decimal("2.500")), an_order_line(20, quantity=Decimal(100))),
    )
    lines = order.invoice_lines(30, 30)
    assert [line.description for line in lines] == ["2.5 × Widget", "100 × Widget"]


@pytest.mark.parametrize(("amount", "outstanding"), [(29, 30), (20, 20)])
def test_a_part_of_an_order_is_one_line_that_names_it(amount, outstanding):
    (line,) = a_sales_order(total=30).invoice_lines(amount, outstanding)
    assert (line.description, line.amount) == ("Sales order SO-501", amount)


def test_lines_that_stripe_would_round_one_by_one_are_not_itemized():
    lines = (an_order_line(150), an_order_line(50), an_order_line(100))
    order = a_sales_order(currency="ISK", total=300, lines=lines)
    assert len(order.invoice_lines(300, 300)) == 1


@given(st.decimals(min_value="0.001", max_value=10**9, places=3))
def test_a_quantity_is_shown_plainly_and_means_the_same(quantity):
    order = a_sales_order(total=30, lines=(an_order_line(30, quantity=quantity),))
    shown = order.invoice_lines(30, 30)[0].description.split(" × ")[0]
    assert Decimal(shown) == quantity
    assert "E" not in shown
