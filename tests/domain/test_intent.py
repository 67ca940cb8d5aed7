"""A call to Stripe, from planned to settled."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_bridge.domain.intent import DEFAULT_LEASE_POLICY, UNSETTLED, IntentState
from stripe_bridge.domain.refusal import Refusal
from tests.builders import NOW, an_intent

JITTER = st.floats(min_value=0, max_value=1)
SECOND = timedelta(seconds=1)


def test_a_planned_intent_is_due_and_nothing_has_happened_yet():
    intent = an_intent()
    assert intent.is_due(NOW)
    assert not intent.is_due(NOW - SECOND)
    assert not intent.may_have_happened
    assert not intent.is_settled


def test_taking_leases_it_and_marks_it_sent_before_the_call():
    taken = an_intent().lease(NOW)
    assert (taken.state, taken.attempts, taken.first_sent_at) == (IntentState.SENT, 1, NOW)
    assert taken.may_have_happened
    assert not taken.is_due(NOW + DEFAULT_LEASE_POLICY.lease - SECOND)
    assert taken.is_due(NOW + DEFAULT_LEASE_POLICY.lease)


def test_taking_again_remembers_when_it_was_first_sent():
    again = an_intent().lease(NOW).lease(NOW + SECOND)
    assert (again.attempts, again.first_sent_at) == (2, NOW)


def test_callers_see_stripes_sentence_or_what_happens_next_and_never_what_is_for_operators():
    sent = an_intent().lease(NOW)
    reason = "KeyError at settle.py:7"
    retried = (sent.mark_unknown(reason, NOW, jitter=0), sent.postpone(reason, NOW, jitter=0))
    assert {each.public_error for each in retried} == {
        "Stripe has not confirmed it yet; it will be tried again."
    }
    assert sent.fail(reason, NOW, Refusal(message="No such customer.")).public_error == "No such customer."
    assert sent.fail(reason, NOW).public_error == "It will not be tried again."
    assert retried[0].confirm(NOW).public_error is None


def test_the_key_stays_the_same_until_it_is_given_up():
    intent = an_intent()
    tried = (
        intent.lease(NOW).postpone("busy", NOW, jitter=0).lease(NOW).mark_unknown("no answer", NOW, jitter=0)
    )
    assert tried.idempotency_key == intent.idempotency_key
    renewed = tried.renew_key("spent", NOW + SECOND)
    assert renewed.idempotency_key != intent.idempotency_key
    assert renewed.first_sent_at == NOW + SECOND


def test_no_two_intents_share_a_key():
    one, other = an_intent(), an_intent()
    assert one.idempotency_key != other.idempotency_key


def test_absence_counts_only_when_the_call_cannot_be_running_any_more():
    taken = an_intent().lease(NOW)
    settle_after = DEFAULT_LEASE_POLICY.settle_after
    assert not taken.absence_is_conclusive(NOW + settle_after - SECOND)
    assert taken.absence_is_conclusive(NOW + settle_after)
    assert not an_intent().absence_is_conclusive(NOW + timedelta(days=1))


def test_a_call_under_a_new_key_waits_until_none_under_the_old_one_can_be_running():
    renewed = an_intent().lease(NOW).renew_key("spent", NOW + SECOND)
    settle_after = DEFAULT_LEASE_POLICY.settle_after
    assert (renewed.state, renewed.last_error) == (IntentState.UNKNOWN, "spent")
    assert not renewed.is_due(NOW + settle_after)
    assert renewed.is_due(NOW + SECOND + settle_after)
    assert not renewed.absence_is_conclusive(NOW + settle_after)
    assert renewed.absence_is_conclusive(NOW + SECOND + settle_after)


def test_a_key_is_used_for_less_than_the_day_that_stripe_keeps_it():
    hour = timedelta(hours=1)
    taken = an_intent().lease(NOW).lease(NOW + hour)
    assert an_intent().is_key_usable(NOW + 30 * hour)
    assert taken.is_key_usable(NOW + 23 * hour - SECOND)
    assert not taken.is_key_usable(NOW + 23 * hour)
    assert taken.renew_key("old", NOW + 23 * hour).is_key_usable(NOW + 24 * hour)


def test_what_stripe_did_not_take_has_not_happened():
    postponed = an_intent().lease(NOW).postpone("busy", NOW, jitter=1)
    assert postponed.state is IntentState.PLANNED
    assert not postponed.may_have_happened


def test_what_stripe_did_not_answer_may_have_happened():
    doubted = an_intent().lease(NOW).mark_unknown("no answer", NOW, jitter=1)
    assert doubted.state is IntentState.UNKNOWN
    assert doubted.may_have_happened
    assert not doubted.is_settled


@pytest.mark.parametrize("state", IntentState)
def test_confirmed_and_failed_are_settled_and_never_due(state):
    intent = an_intent(state=state)
    assert (
        intent.is_settled
        == (state in (IntentState.CONFIRMED, IntentState.FAILED))
        == (state not in UNSETTLED)
    )
    assert intent.is_due(NOW) != intent.is_settled


def test_settling_records_the_outcome():
    taken = an_intent().lease(NOW).mark_unknown("no answer", NOW, jitter=0)
    assert (taken.confirm(NOW).state, taken.confirm(NOW).last_error) == (IntentState.CONFIRMED, None)
    assert (taken.fail("no", NOW).state, taken.fail("no", NOW).last_error) == (IntentState.FAILED, "no")


@given(st.integers(min_value=1, max_value=10_000), JITTER)
def test_a_delay_is_between_half_a_second_and_a_quarter_of_an_hour(attempts, jitter):
    due_at = an_intent(attempts=attempts).mark_unknown("x", NOW, jitter=jitter).due_at
    assert timedelta(seconds=0.5) <= due_at - NOW <= timedelta(minutes=15)


@given(st.integers(min_value=1, max_value=100), JITTER)
def test_delays_grow_with_the_attempts(attempts, jitter):
    first, second = (
        an_intent(attempts=number).postpone("x", NOW, jitter=jitter).due_at
        for number in (attempts, attempts + 1)
    )
    assert second >= first


def test_only_what_waits_is_hastened():
    waiting = an_intent().lease(NOW).wait_for_access("no access", NOW)
    held = an_intent().lease(NOW)

    assert waiting.due_at > NOW
    assert waiting.make_due(NOW).due_at == NOW
    assert held.make_due(NOW) == held
    assert waiting.fail("no", NOW).make_due(NOW).due_at == waiting.due_at
