from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.domain.intent import Intent
from stripe_bridge.ports.stripe.errors import CallNotAccepted, GatewayRefused, OutcomeUnknown
from tests.adapters.cli.terminal import Terminal
from tests.builders import an_intent


@pytest.fixture
def connected(terminal: Terminal) -> Terminal:
    terminal.world.connect()
    terminal.world.come_to_rest()
    return terminal


def doubtful_refund(terminal: Terminal, order_id: int = 501, *, after_effect: bool = False) -> Intent:
    """A refund that Stripe did not answer."""
    paid = terminal.world.paid(order_id)
    terminal.stripe.fail_next("create_refund", OutcomeUnknown("timed out"), after_effect=after_effect)
    terminal.world.refund(paid.id)
    return terminal.world.unsettled()[-1]


def test_the_list_has_what_is_unsettled_and_the_rest_when_asked(connected: Terminal):
    intent = doubtful_refund(connected)

    (listed,) = connected.json("intents", "list")
    everything = connected.json("intents", "list", "--all")

    assert (listed["id"], listed["operation"], listed["state"]) == (intent.id, "refund", "unknown")
    assert (listed["last_error"], listed["resolving"]) == ("timed out", "looks at Stripe first")
    assert len(everything) > 1
    assert {row["resolving"] for row in everything[1:]} == {"nothing"}
    assert "timed out" in connected.shown("intents", "list")


def test_the_list_is_filtered_by_each_of_the_options(connected: Terminal):
    doubtful_refund(connected)
    connected.begin("other")
    integration = connected.world.integration_id

    def number(*arguments: object) -> int:
        return len(connected.json("intents", "list", *arguments))

    assert number("--tenant", "acme") == number("--integration", integration) == 1
    assert number("--tenant", "other") == number("--integration", integration + 1) == 0
    assert number("--state", "unknown") == 1
    assert number("--state", "failed") == 0
    assert number("--state", "confirmed") == number("--all") - 1
    assert "No such intents" in connected.shown("intents", "list", "--state", "planned")


def test_an_intent_is_shown_with_what_stripe_is_asked(connected: Terminal):
    intent = doubtful_refund(connected)

    reported = connected.json("intents", "show", intent.id)

    assert reported["parameters"]["amount"] == 12_000
    assert "amount: 12000" in connected.shown("intents", "show", intent.id)
    assert connected.refused("intents", "show", 9_001) == "Error: Intent not found.\n"


def test_an_effect_that_stripe_shows_is_found_without_waiting_and_not_repeated(connected: Terminal):
    intent = doubtful_refund(connected, after_effect=True)

    (resolved,) = connected.json("intents", "resolve", intent.id)

    assert (resolved["state"], resolved["resolving"]) == ("confirmed", "nothing")
    assert len(connected.world.refunds_at_stripe()) == 1
    assert connected.json("intents", "list") == []


def test_an_effect_that_stripe_does_not_show_yet_is_waited_for_before_asking_again(connected: Terminal):
    intent = doubtful_refund(connected)

    assert "Still unsettled: 1" in connected.refused("intents", "resolve", intent.id)
    assert connected.world.refunds_at_stripe() == []

    connected.world.clock.advance(timedelta(seconds=61))
    (resolved,) = connected.json("intents", "resolve", intent.id)

    assert resolved["state"] == "confirmed"
    assert len(connected.world.refunds_at_stripe()) == 1


def test_a_settled_intent_stays_as_it_is(connected: Terminal):
    intent = doubtful_refund(connected, after_effect=True)
    first = connected.json("intents", "resolve", intent.id)
    calls = connected.world.calls()

    assert connected.json("intents", "resolve", intent.id) == first
    assert connected.world.calls() == calls


def test_an_intent_that_stripe_refused_is_settled_and_can_be_found(connected: Terminal):
    intent = doubtful_refund(connected)
    connected.world.clock.advance(timedelta(seconds=61))
    connected.stripe.fail_next("create_refund", GatewayRefused("No."))

    (resolved,) = connected.json("intents", "resolve", intent.id)

    assert (resolved["state"], resolved["last_error"]) == ("failed", "No.")
    assert [row["id"] for row in connected.json("intents", "list", "--state", "failed")] == [intent.id]


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_a_leased_intent_is_refused_until_the_lease_ends(connected: Terminal, dry: tuple[str, ...]):
    now = connected.world.clock.now()
    with connected.store.writing() as work:
        planned = an_intent(
            id=0,
            integration_id=connected.world.integration_id,
            account_id=connected.world.account_id,
            created_at=now,
            due_at=now,
        )
        held = work.intents.add(planned.lease(now))
        work.commit()

    assert "right now" in connected.refused("intents", "resolve", held.id, *dry)
    assert connected.json("intents", "show", held.id)["attempts"] == 1


def test_all_that_are_due_are_settled_once_each_and_nothing_else(connected: Terminal):
    due = [doubtful_refund(connected, order_id).id for order_id in (501, 502, 503)]
    connected.world.clock.advance(timedelta(seconds=61))
    with connected.store.writing() as work:
        later = work.intents.find(due[2])
        assert later is not None
        work.intents.save(replace(later, due_at=connected.world.clock.now() + timedelta(seconds=1)))
        work.commit()
    connected.stripe.fail_next("create_refund", CallNotAccepted("busy"))

    result = connected.run("intents", "resolve", "--all-due")

    assert (result.exit_code, result.stderr) == (1, "Error: Still unsettled: 1 intent.\n")
    left = {row["id"]: row["last_error"] for row in connected.json("intents", "list")}
    assert left == {due[0]: "busy", due[2]: "timed out"}


def test_all_that_are_due_stop_at_the_limit(connected: Terminal):
    for order_id in (501, 502):
        doubtful_refund(connected, order_id)
    connected.world.clock.advance(timedelta(seconds=61))

    assert len(connected.json("intents", "resolve", "--all-due", "--limit", 1)) == 1
    assert len(connected.json("intents", "resolve", "--all-due")) == 1
    assert "No intents are due" in connected.shown("intents", "resolve", "--all-due")


def test_a_dry_run_says_what_would_be_done_and_does_nothing(connected: Terminal):
    intent = doubtful_refund(connected)
    connected.world.clock.advance(timedelta(seconds=61))
    before, calls = connected.store.committed.intents.rows, connected.world.calls()

    (one,) = connected.json("intents", "resolve", intent.id, "--dry-run")
    (due,) = connected.json("intents", "resolve", "--all-due", "--dry-run")

    assert one == due
    assert one["resolving"] == "looks at Stripe first"
    assert (connected.store.committed.intents.rows, connected.world.calls()) == (before, calls)


@pytest.mark.parametrize(
    "arguments",
    [("resolve",), ("resolve", "1", "--all-due"), ("resolve", "x"), ("list", "--state", "odd"), ("show",)],
)
def test_what_cannot_be_meant_is_a_usage_error(terminal: Terminal, arguments: tuple[str, ...]):
    terminal.refused("intents", *arguments, exit_code=2)
