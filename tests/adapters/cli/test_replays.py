import pytest

from stripe_bridge.ports.storage.inbox import EventFilter
from tests.adapters.cli.terminal import Terminal


@pytest.fixture
def replayed(terminal: Terminal) -> Terminal:
    """With thirty events: more than are queued at once."""
    terminal.world.connect("acct_acme")
    for number in range(30):
        object_ = {"id": f"in_{number}", "object": "invoice"}
        terminal.world.receive(terminal.world.event("invoice.paid", object_, id_=f"evt_{number}"))
    return terminal


def start(terminal: Terminal) -> None:
    """As a command that was interrupted leaves it."""
    matching = EventFilter(event_type="invoice.paid")
    plan = terminal.bridge.webhook_events.plan_replay(None, matching, 100)
    terminal.bridge.webhook_events.start_replay(None, matching, 100, plan.digest)
    terminal.bridge.webhook_events.run_replays()


def test_a_replay_is_listed_with_who_asked_for_what_and_how_far_it_has_come(replayed: Terminal):
    assert "No replays" in replayed.shown("replays", "list")
    replayed.shown("events", "replay", "--type", "invoice.paid", "--limit", 30, "--yes")

    (listed,) = replayed.json("replays", "list")

    assert (listed["status"], listed["total"], listed["queued"]) == ("completed", 30, 30)
    assert listed["filter"] == {"event_type": "invoice.paid"}
    assert listed["requested_by"]["type"] == "operator"
    assert replayed.json("replays", "list", "--tenant", "acme") == []


def test_a_replay_is_shown_with_what_became_of_its_events(replayed: Terminal):
    replayed.shown("events", "replay", "--type", "invoice.paid", "--yes")
    assert replayed.json("replays", "show", 1)["events"]["received"] == 30

    replayed.world.work_off()

    assert replayed.json("replays", "show", 1)["events"]["skipped"] == 30
    assert "not found" in replayed.refused("replays", "show", 2)


def test_a_replay_that_was_interrupted_can_be_canceled_once(replayed: Terminal):
    start(replayed)

    canceled = replayed.json("replays", "cancel", 1, "--yes")

    assert (canceled["status"], canceled["queued"], canceled["total"]) == ("canceled", 25, 30)
    assert replayed.bridge.webhook_events.run_replays() == 0
    assert "already canceled" in replayed.refused("replays", "cancel", 1, "--yes")


def test_canceling_asks_first(replayed: Terminal):
    start(replayed)

    refused = replayed.run("replays", "cancel", 1, stdin="n\n")

    assert (refused.exit_code, replayed.json("replays", "show", 1)["status"]) == (1, "running")
    assert "leaves 5 of the replay's 30 events" in refused.stderr
