"""When a subscriber is tried again, when it is given up, and what signs."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_bridge.domain.subscriber import (
    GIVE_UP_AFTER,
    MAX_RETRY_AFTER,
    Attempt,
    DisabledReason,
    message_id,
    retry_delay,
)
from tests.builders import NOW, a_subscriber

SCHEDULE = [1, 5, 30, 120, 600, 1800, 7200, 14400, 14400, 14400]
FAILED = Attempt(status=500, error="The receiver answered 500")
jitters = st.floats(0, 1)


def test_attempts_are_further_and_further_apart_up_to_four_hours():
    assert [retry_delay(n, 0.5).total_seconds() for n in range(1, 11)] == SCHEDULE


@given(st.integers(1, 10_000), jitters)
def test_attempts_are_spread_by_a_fifth(failures: int, jitter: float):
    planned = timedelta(seconds=SCHEDULE[min(failures, len(SCHEDULE)) - 1])
    assert 0.8 * planned - timedelta(milliseconds=1) <= retry_delay(failures, jitter)
    assert retry_delay(failures, jitter) <= 1.2 * planned + timedelta(milliseconds=1)


@given(st.integers(1, 20), jitters, st.timedeltas(min_value=timedelta(), max_value=timedelta(days=900)))
def test_a_receiver_is_not_tried_before_it_asks_for_up_to_a_day(failures, jitter, asked):
    delay = retry_delay(failures, jitter, asked)
    assert delay >= min(asked, MAX_RETRY_AFTER)
    assert delay <= max(MAX_RETRY_AFTER, retry_delay(failures, jitter))


@given(st.lists(jitters, max_size=60))
def test_five_days_without_a_success_disable_and_nothing_shorter(jittered: list[float]):
    subscriber, now = a_subscriber(), NOW
    for jitter in jittered:
        subscriber = subscriber.fail(FAILED, now, jitter)
        is_over = now - NOW >= GIVE_UP_AFTER
        assert subscriber.enabled is not is_over
        if is_over:
            assert subscriber.disabled_reason is DisabledReason.FAILING
            assert subscriber.disabled_at == now
            return
        now = subscriber.next_attempt_at


def test_a_success_begins_the_five_days_anew():
    late = NOW + GIVE_UP_AFTER
    failing = a_subscriber().fail(FAILED, NOW, 0.5)
    again = failing.acknowledge(3, "hash", "log_1", 4, late).fail(FAILED, late, 0.5)
    assert again.enabled
    assert (again.failures, again.failing_since) == (1, late)


@pytest.mark.parametrize(
    ("status", "reason"), [(410, DisabledReason.GONE), (409, DisabledReason.HISTORY_CHANGED)]
)
def test_two_answers_disable_at_once(status: int, reason: DisabledReason):
    disabled = a_subscriber().fail(Attempt(status=status, error="no"), NOW, 0.5)
    assert (disabled.enabled, disabled.disabled_reason) == (False, reason)


@pytest.mark.parametrize("status", [None, 100, 301, 302, 400, 404, 408, 429, 500, 503])
def test_every_other_answer_is_tried_again(status: int | None):
    attempt = Attempt(status=status, error="no")
    failed = a_subscriber().fail(attempt, NOW, 0.5)
    assert not attempt.is_success
    assert failed.enabled
    assert (failed.failures, failed.last_error, failed.after) == (1, "no", 0)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_a_success(status: int):
    assert Attempt(status=status).is_success


def test_enabling_goes_on_at_the_cursor_and_at_once():
    subscriber = a_subscriber(after=7, after_hash="h", examined=9)
    for _ in range(9):
        subscriber = subscriber.fail(FAILED, NOW, 1.0)
    disabled = subscriber.disable(DisabledReason.FAILING, NOW)
    later = NOW + timedelta(days=9)
    enabled = disabled.enable(later)
    assert (enabled.after, enabled.after_hash, enabled.examined) == (7, "h", 9)
    assert (enabled.failures, enabled.failing_since, enabled.next_attempt_at) == (0, None, later)
    assert (enabled.disabled_reason, enabled.disabled_at) == (None, None)
    assert enabled.enable(later + timedelta(1)) == enabled


def test_what_is_disabled_keeps_its_first_reason():
    gone = a_subscriber().disable(DisabledReason.GONE, NOW)
    assert gone.disable(DisabledReason.REQUESTED, NOW + timedelta(1)) == gone


def test_both_secrets_sign_for_a_day():
    rotated = a_subscriber(sealed_secret="old").rotate("new", NOW)
    almost = NOW + timedelta(hours=24) - timedelta(microseconds=1)
    assert rotated.sealed_secrets(NOW) == rotated.sealed_secrets(almost) == ("new", "old")
    assert rotated.sealed_secrets(NOW + timedelta(hours=24)) == ("new",)
    assert rotated.rotate("newest", NOW).sealed_secrets(NOW) == ("newest", "new")


def test_another_address_starts_afresh():
    failing = a_subscriber().fail(FAILED, NOW, 0.5)
    assert failing.change(NOW, description="x").failures == 1
    moved = failing.change(NOW, url="https://other.example/")
    assert (moved.failures, moved.failing_since, moved.next_attempt_at) == (0, None, NOW)


def test_a_repeated_page_has_the_same_id_unless_the_cursor_was_set_by_hand():
    subscriber = a_subscriber(after=3, examined=5)
    id_ = message_id(subscriber, "log_1", 9)
    assert message_id(subscriber.fail(FAILED, NOW, 0.1), "log_1", 9) == id_
    others = [
        message_id(subscriber, "log_2", 9),
        message_id(subscriber, "log_1", 10),
        message_id(subscriber.resume(3, "h", "log_1", NOW), "log_1", 9),
        message_id(subscriber.acknowledge(4, "h", "log_1", 4, NOW), "log_1", 9),
        message_id(a_subscriber(id=2, after=3), "log_1", 9),
    ]
    assert len({id_, *others}) == 1 + len(others)


def test_what_was_passed_over_is_never_taken_back():
    assert a_subscriber(examined=9).pass_over(4).examined == 9
    assert a_subscriber(examined=9).pass_over(12).examined == 12
