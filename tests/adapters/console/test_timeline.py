from datetime import timedelta

from stripe_bridge.adapters.console.pages.timeline import moments
from stripe_bridge.domain.intent import IntentState
from stripe_bridge.domain.origin import Actor, ActorType, Origin
from tests.builders import NOW, a_webhook_event, an_intent


def test_what_happened_comes_newest_first_from_wherever_it_is_known():
    event = a_webhook_event(event_created_at=NOW + timedelta(seconds=1))
    first, last = an_intent(created_at=NOW), an_intent(created_at=NOW + timedelta(seconds=2))
    assert [moment.kind for moment in moments([], [event], [first, last])] == ["call", "event", "call"]


def test_a_call_says_what_came_of_it_and_who_asked_for_it():
    actor = Actor(type=ActorType.TOKEN, id="token:5", user_id=7)
    call = an_intent(state=IntentState.FAILED, last_error="no such customer", origin=Origin(actor=actor))
    (moment,) = moments([], [], [call])
    assert (moment.state, moment.detail) == ("failed", "no such customer")
    assert moment.who == "token 5 for ERP user 7"


def test_a_call_that_nobody_is_known_to_have_asked_for_says_nobody():
    (moment,) = moments([], [], [an_intent(origin=None)])
    assert moment.who is None


def test_events_of_the_second_in_which_we_called_come_where_they_came_in():
    call = an_intent(created_at=NOW + timedelta(milliseconds=200))
    came = NOW + timedelta(milliseconds=400)
    event = a_webhook_event(event_created_at=NOW, created_at=came)
    late = a_webhook_event(event_created_at=NOW - timedelta(seconds=5), created_at=came)
    assert [moment.kind for moment in moments([], [event, late], [call])] == ["event", "call", "event"]
