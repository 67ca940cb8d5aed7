import pytest

from stripe_bridge.adapters.cli.output import counted


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0 refunds"), (1, "1 refund"), (2, "2 refunds"), (1000, "1000 refunds")]
)
def test_a_noun_agrees_with_its_number(number: int, shown: str):
    assert counted(number, "refund") == shown
