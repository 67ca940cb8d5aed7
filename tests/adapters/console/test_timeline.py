from datetime import timedelta
from operator import attrgetter

from stripe_bridge.adapters.console.pages.timeline import moments
from stripe_bridge.domain.intent import IntentState
from stripe_bridge.domain.origin import Actor, ActorType, Origin
from stripe_bridge.domain.refusal import Refusal
from stripe_bridge.domain.webhook_event import EventStatus
from tests.builders import NOW, TENANT, a_webhook_event, an_intent
from tests.world import World


def test_what_happened_comes_newest_first_from_wherever_it_is_known():
    event = a_webhook_event(created_at=NOW + timedelta(seconds=1))
    first, last = an_intent(created_at=NOW), an_intent(created_at=NOW + timedelta(seconds=2))
    assert [moment.kind for moment in moments([], [event], [first, last], currency="EUR")] == [
        "call",
        "event",
        "call",
    ]


def test_a_change_says_in_money_what_it_changed_and_of_what_is_new_only_what_it_has():
    world = World()
    world.connect()
    invoice = world.paid()
    changes = world.bridge.invoices.show_timeline(TENANT, invoice.id).changes
    told = {moment.what: moment.detail for moment in moments(changes, currency="EUR")}
    assert told["invoice.created"] == "status draft"
    assert "amount paid 0.00 EUR \N{RIGHTWARDS ARROW} 120.00 EUR" in str(told["invoice.paid"])


def test_a_call_says_what_came_of_it_and_who_asked_for_it():
    actor = Actor(type=ActorType.TOKEN, id="token:5", user_id=7)
    refusal = Refusal(message="no such customer")
    call = an_intent(
        state=IntentState.FAILED,
        last_error="no such customer (request req_1)",
        refusal=refusal,
        origin=Origin(actor=actor),
    )
    (moment,) = moments([], [], [call], currency="EUR")
    assert (moment.state, moment.detail) == ("failed", "no such customer")
    assert moment.who == "token 5 for ERP user 7"


def test_a_call_that_nobody_is_known_to_have_asked_for_says_nobody():
    (moment,) = moments([], [], [an_intent(origin=None)], currency="EUR")
    assert moment.who is None


def test_why_something_went_wrong_in_here_is_for_operators_and_others_see_that_it_did():
    event = a_webhook_event(status=EventStatus.FAILED, last_error="KeyError at apply.py:7")
    call = an_intent(state=IntentState.UNKNOWN, last_error="KeyError at settle.py:7")
    told = moments([], [event], [call], currency="EUR")
    shown = moments([], [event], [call], currency="EUR", error_of=attrgetter("last_error"))
    assert {moment.detail for moment in told} == {event.public_error, call.public_error}
    assert {moment.detail for moment in shown} == {event.last_error, call.last_error}
