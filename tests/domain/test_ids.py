import pytest

from stripe_bridge.domain.ids import LARGEST_ID, read_id


@pytest.mark.parametrize("number", [0, 1, LARGEST_ID])
def test_an_id_is_read_from_its_digits(number: int):
    assert read_id(str(number)) == number


@pytest.mark.parametrize("text", ["", " 1", "-1", "1.0", "¹", "٣", str(LARGEST_ID + 1), "9" * 5_000])
def test_what_no_database_can_hold_is_no_id(text: str):
    assert read_id(text) is None
