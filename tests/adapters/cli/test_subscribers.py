"""`stripe-bridge subscribers`."""

from typing import Any

import pytest

from stripe_bridge.ports.deliveries import Answer
from tests.adapters.cli.terminal import Terminal

URL = "https://erp.example/changes"


def create(terminal: Terminal, *more: object) -> dict[str, Any]:
    terminal.begin("acme")
    made: dict[str, Any] = terminal.json("subscribers", "create", "--tenant", "acme", "--url", URL, *more)
    return made


def test_a_subscriber_is_created_with_a_secret_that_is_shown_once(terminal: Terminal):
    made = create(terminal, "--type", "invoice.*", "--type", "refund.failed", "--max-batch", 7, "--after", 0)
    assert made["secret"].startswith("whsec_")
    assert (made["types"], made["max_batch"], made["after"]) == (["invoice.*", "refund.failed"], 7, 0)
    [listed] = terminal.json("subscribers", "list")
    assert "secret" not in listed
    # It was recorded, too.
    assert listed | {"behind": 1} == {name: value for name, value in made.items() if name != "secret"}
    assert terminal.json("subscribers", "list", "--tenant", "acme") == [listed]


def test_people_are_advised_to_save_the_secret(terminal: Terminal):
    terminal.begin("acme")
    result = terminal.run("subscribers", "create", "--tenant", "acme", "--url", URL)
    assert "whsec_" in result.stdout
    assert "cannot be shown again" in result.stderr
    assert "whsec_" not in terminal.shown("subscribers", "list")


def test_what_is_refused_is_a_sentence(terminal: Terminal):
    terminal.begin("acme")
    how = ("subscribers", "create", "--tenant", "acme", "--url")
    assert "https" in terminal.refused(*how, "http://erp.example/")
    assert "neither a type of change" in terminal.refused(*how, URL, "--type", "nothing")
    assert "newest change" in terminal.refused(*how, URL, "--after", 99)
    assert "not found" in terminal.refused("subscribers", "ping", 99)
    assert terminal.json("subscribers", "list") == []


def test_a_ping_shows_the_answer_and_fails_if_it_was_none(terminal: Terminal):
    id_ = create(terminal)["id"]
    assert terminal.json("subscribers", "ping", id_)["status"] == 200
    terminal.world.deliveries.answers = [Answer(status=401, body="bad signature")]
    result = terminal.run("subscribers", "ping", id_)
    assert result.exit_code == 1
    assert "The receiver answered 401: bad signature" in result.stdout
    assert [each["status"] for each in terminal.json("subscribers", "deliveries", id_)] == [401, 200]


@pytest.mark.parametrize("command", [("rotate-secret", 1), ("delete", 1), ("resume", 1, "--after", 1)])
def test_what_cannot_be_undone_is_asked_first(command: tuple[object, ...], terminal: Terminal):
    create(terminal, "--after", 0)
    [before] = terminal.bridge.subscribers.list("acme")
    declined = terminal.run("subscribers", *command, stdin="n\n")
    assert declined.exit_code == 1
    assert "Nothing was done" in declined.stderr
    assert terminal.bridge.subscribers.list("acme") == [before]
    assert terminal.run("subscribers", *command, "--yes").exit_code == 0
    assert terminal.bridge.subscribers.list("acme") != [before]


def test_resuming_without_a_number_goes_on_where_it_was(terminal: Terminal):
    made = create(terminal, "--after", 1)
    terminal.bridge.subscribers.update("acme", made["id"], {"enabled": False})
    [disabled] = terminal.json("subscribers", "list")
    assert disabled["disabled_reason"] == "requested"
    resumed = terminal.json("subscribers", "resume", made["id"])
    assert (resumed["enabled"], resumed["after"]) == (True, 1)


def test_a_new_secret_is_shown_once(terminal: Terminal):
    made = create(terminal)
    rotated = terminal.json("subscribers", "rotate-secret", made["id"], "--yes")
    assert rotated["secret"] not in (made["secret"], None)


def test_a_list_of_nothing_says_so(terminal: Terminal):
    assert "No subscribers" in terminal.shown("subscribers", "list")
    assert "No deliveries" in terminal.shown("subscribers", "deliveries", create(terminal)["id"])
