from datetime import timedelta
from functools import partial

import pytest

from stripe_bridge.domain.going_live import Outcome
from stripe_bridge.ports.own_address import Answer
from stripe_bridge.ports.stripe.errors import GatewayError, GatewayMisconfigured, OutcomeUnknown
from tests.use_cases.operations.patient import (
    RECEIVERS,
    check_of,
    checked,
    healthy,
    ready_to_go_live,
)
from tests.world import World

TEST = {"STRIPE_SECRET_KEY": "sk_test_1"}
PLAIN = {"PUBLIC_URL": "http://bridge.test"}


def test_a_test_key_is_no_fault_and_is_not_overlooked(ready: World):
    assert check_of(ready, "mode").outcome is Outcome.OK
    assert check_of(ready_to_go_live(**TEST), "mode").outcome is Outcome.WARN


def test_plain_http_is_for_tests_only():
    assert check_of(ready_to_go_live(**PLAIN), "PUBLIC_URL").outcome is Outcome.FAIL
    assert check_of(ready_to_go_live(**PLAIN, **TEST), "PUBLIC_URL").outcome is Outcome.WARN


def test_an_address_that_is_unreachable_from_here_may_be_reachable_from_stripe(ready: World):
    ready.own_address.is_reachable = False

    assert check_of(ready, "reachable").outcome is Outcome.WARN
    assert check_of(ready, "webhook path").outcome is Outcome.WARN


@pytest.mark.parametrize(
    ("path", "answer", "subject"),
    [
        ("/healthz", Answer(status=200), "reachable"),
        ("/healthz", Answer(status=502), "reachable"),
        ("/api/webhooks/stripe", Answer(status=405), "webhook path"),
        ("/api/webhooks/stripe", Answer(status=401, body={"request_id": "r"}), "webhook path"),
        ("/api/webhooks/stripe", Answer(status=302), "webhook path"),
    ],
)
def test_an_address_at_which_somebody_else_answers_fails(
    ready: World, path: str, answer: Answer, subject: str
):
    ready.own_address.answers[path] = answer

    check = check_of(ready, subject)

    assert check.outcome is Outcome.FAIL
    assert str(answer.status) in check.what


def test_a_key_that_may_not_read_what_the_service_reads_fails_in_stripes_words(ready: World):
    ready.probe.unreadable = {"refunds": "no rak_refund_read", "disputes": "nor that"}

    check = check_of(ready, "key")

    assert check.outcome is Outcome.FAIL
    assert "may not read refunds, disputes: no rak_refund_read" in check.what


def test_the_key_is_tried_in_a_connected_account_if_there_is_one(ready: World):
    checked(ready)
    alone = World()
    checked(alone)

    assert ready.stripe.calls_of("key")[-1].account_id == ready.account_id
    assert alone.stripe.calls_of("key")[-1].account_id is None


@pytest.mark.parametrize("error", [GatewayMisconfigured("Invalid API Key"), OutcomeUnknown("no answer")])
def test_if_stripe_takes_no_call_that_is_said_and_the_rest_left_out(ready: World, error: GatewayError):
    ready.stripe.fail_next("key", error)

    *others, last = checked(ready)

    assert (last.outcome, last.subject, last.what) == (Outcome.FAIL, "key", error.reason)
    assert "redirect URI" not in {each.subject for each in others}


def test_a_platform_that_may_not_charge_cannot_go_live(ready: World):
    ready.probe.may_charge = False
    in_test = ready_to_go_live(**TEST)
    in_test.probe.may_charge = False

    assert check_of(ready, "platform").outcome is Outcome.FAIL
    assert check_of(in_test, "platform").outcome is Outcome.WARN


@pytest.mark.parametrize(("seconds", "outcome"), [(20, Outcome.OK), (-40, Outcome.FAIL), (40, Outcome.FAIL)])
def test_a_clock_that_is_not_stripes_fails(ready: World, seconds: int, outcome: Outcome):
    ready.probe.ahead = timedelta(seconds=seconds)

    assert check_of(ready, "Stripe's clock").outcome is outcome


def test_a_redirect_uri_that_stripe_refuses_fails(ready: World):
    ready.probe.registered = frozenset({"https://bridge.test/api/stripe/oauth/callback"})
    taken = check_of(ready, "redirect URI")
    ready.probe.registered = frozenset()
    refused = check_of(ready, "redirect URI")

    assert (taken.outcome, refused.outcome) == (Outcome.OK, Outcome.FAIL)


@pytest.mark.parametrize("fault", RECEIVERS)
def test_an_endpoint_that_is_not_in_order_fails(world: World, fault: str):
    spoil, what = RECEIVERS[fault]
    spoil(world)

    found = [check_of(world, f"{kind} endpoint") for kind in ("platform", "connect")]

    assert Outcome.FAIL in {each.outcome for each in found}
    assert what in " ".join(each.what for each in found)


def test_endpoints_made_by_hand_cannot_be_checked():
    assert check_of(World(), "platform endpoint").outcome is Outcome.WARN


def test_that_stripe_reaches_the_service_shows_in_the_first_event(ready: World):
    assert check_of(ready, "webhooks").outcome is Outcome.OK
    assert check_of(healthy(World()), "webhooks").outcome is Outcome.WARN


def test_events_that_only_reconciling_brought_prove_that_webhooks_do_not_get_through(ready: World):
    for number in range(2):
        event = ready.event("invoice.updated", {"id": f"in_{number}", "object": "invoice"})
        ready.listed = partial(list, [event])
        ready.clock.advance(timedelta(minutes=15))
        ready.bridge.reconciliation.reconcile(ready.integration_id)

    assert check_of(ready, "webhooks").outcome is Outcome.FAIL
