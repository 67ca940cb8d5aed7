"""A log's name tells which of a tenant's histories is the later one."""

import pytest

from stripe_bridge.domain.changes.history import is_earlier, is_first, is_name_of_log, name_log


def test_each_history_has_a_name_of_its_own_and_is_later_than_those_before_it():
    first = name_log("aa")
    second = name_log("bb", after=first)
    third = name_log("aa", after=second)
    assert len({first, second, third}) == 3
    assert is_earlier(first, second)
    assert is_earlier(first, third)
    assert is_earlier(second, third)
    assert not is_earlier(third, second)
    assert is_first(first)
    assert not is_first(second)


def test_two_histories_that_followed_the_same_one_are_not_earlier_than_each_other():
    first = name_log("aa")
    one, other = name_log("bb", after=first), name_log("cc", after=first)
    assert not is_earlier(one, other)
    assert not is_earlier(other, one)


def test_before_anything_is_recorded_no_history_is_earlier():
    assert not is_earlier(name_log("aa"), None)
    assert is_first(None)


@pytest.mark.parametrize("name", [name_log("a1"), name_log("a1", after=name_log("b2")), "log_acme"])
def test_names_are_known_as_such(name):
    assert is_name_of_log(name)


@pytest.mark.parametrize("text", ["", "log_", "log", "LOG_a", "log_a b", "log_a\n", "log_" + "a" * 100])
def test_nothing_else_is_a_name(text):
    assert not is_name_of_log(text)
