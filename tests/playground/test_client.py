"""How the story checks what it sees."""

import pytest

from stripe_bridge_playground.client import expect, wait_for
from stripe_bridge_playground.faults import Fault


def test_a_field_that_is_not_as_expected_is_reported_with_both_values():
    with pytest.raises(Fault, match="The invoice: status is 'open', not 'paid'"):
        expect("The invoice", {"status": "open", "amount": 5}, status="paid", amount=5)


def test_what_is_as_expected_passes():
    expect("The invoice", {"status": "paid", "amount": 5}, status="paid")


def test_waiting_ends_as_soon_as_the_condition_holds():
    looks = iter([1, 2, 3, 4])
    assert wait_for("three", lambda: next(looks), lambda seen: seen == 3) == 3


def test_waiting_in_vain_reports_the_last_state():
    with pytest.raises(Fault, match="Not within 0 s: paid") as fault:
        wait_for("paid", lambda: {"status": "open"}, lambda seen: seen["status"] == "paid", within=0)
    assert '"status": "open"' in str(fault.value)
