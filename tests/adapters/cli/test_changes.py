"""`stripe-bridge changes`."""

import json
from typing import Any

import pytest

from stripe_bridge.adapters.cli import changes as module
from tests.adapters.cli.terminal import Terminal
from tests.builders import TENANT
from tests.use_cases.changes.logs import alter, length, remove

OF_TENANT = ("--tenant", TENANT)


@pytest.fixture
def used(terminal: Terminal) -> Terminal:
    """With an order that was paid, and paid back by an operator who says who he is."""
    terminal.world.connect()
    invoice = terminal.world.paid()
    terminal.shown(
        "refunds", "--as", "alice", "issue", invoice.id, *OF_TENANT, "--reason", "duplicate", "--yes"
    )
    return terminal


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_operators_see_who_changed_what(used: Terminal):
    shown = used.shown("changes", "list", *OF_TENANT, "--type", "refund.*")
    assert shown.splitlines()[0].split()[:4] == ["sequence", "occurred_at", "type", "subject"]
    assert "refund.created" in shown
    assert "alice" in shown
    assert "invoice." not in shown


def test_programs_get_changes_as_they_are_in_the_feed(used: Terminal):
    found = used.json("changes", "list", *OF_TENANT, "--limit", 2)
    assert [each["sequence"] for each in found] == [length(used.world), length(used.world) - 1]
    assert {"hash", "object", "object_salt", "object_digest", "cause"} <= set(found[0])


def test_a_list_goes_on_below_a_number_and_may_be_of_one_order(used: Terminal):
    first = used.run("changes", "list", *OF_TENANT, "--limit", 2)
    assert f"--before {length(used.world) - 1}" in first.stderr
    rest = used.json("changes", "list", *OF_TENANT, "--before", 3)
    assert [each["sequence"] for each in rest] == [2, 1]
    of_order = used.json("changes", "list", *OF_TENANT, "--order", 501)
    assert {each["sales_order_id"] for each in of_order} == {501}


def test_a_mistyped_type_is_refused(used: Terminal):
    assert "invoice.payed" in used.refused(
        "changes", "list", *OF_TENANT, "--type", "invoice.payed", exit_code=2
    )


@pytest.mark.parametrize("command", ["list", "tail", "export"])
def test_whose_log_it_is_has_to_be_said(used: Terminal, command: str):
    assert "--tenant or --service" in used.refused("changes", command, exit_code=2)
    assert "--tenant or --service" in used.refused("changes", command, *OF_TENANT, "--service", exit_code=2)


def test_one_change_is_shown_whole(used: Terminal):
    entry = used.json("changes", "show", 2, *OF_TENANT)
    assert entry["sequence"] == 2
    assert json.loads(used.shown("changes", "show", 2, *OF_TENANT)) == entry
    assert "not found" in used.refused("changes", "show", 9999, *OF_TENANT)


def test_an_export_is_the_whole_log_line_by_line(used: Terminal):
    exported = lines(used.shown("changes", "export", *OF_TENANT))
    assert [each["sequence"] for each in exported] == list(range(1, length(used.world) + 1))
    after = lines(used.shown("changes", "export", *OF_TENANT, "--after", 3))
    assert after == exported[3:]


def test_the_tail_is_what_came_last_and_then_what_comes(used: Terminal, monkeypatch: pytest.MonkeyPatch):
    last = length(used.world)
    tail = lines(used.shown("changes", "tail", *OF_TENANT, "--lines", 2))
    assert [each["sequence"] for each in tail] == [last - 1, last]

    def wait() -> bool:
        is_first = length(used.world) == last
        if is_first:
            used.world.put_order(777)
        return is_first

    monkeypatch.setattr(module, "_wait", wait)
    followed = lines(used.shown("changes", "tail", *OF_TENANT, "--lines", 0, "--follow"))
    assert [each["sequence"] for each in followed] == [last + 1]


def test_what_belongs_to_no_tenant_has_a_log_of_its_own(used: Terminal):
    used.shown("keys", "rotate")
    newest, *_ = used.json("changes", "list", "--service")
    assert newest["type"] == "keys.rotated"


def test_logs_in_order_are_said_to_be_with_what_to_hold_of_them(used: Terminal):
    shown = used.shown("changes", "verify")
    hash_ = used.json("changes", "list", *OF_TENANT, "--limit", 1)[0]["hash"]
    assert f"{TENANT}: in order" in shown
    assert f"{length(used.world)} {hash_}" in shown
    (report,) = used.json("changes", "verify", *OF_TENANT, "--after", length(used.world), "--hash", hash_)
    assert (report["last"], report["hash"], report["faults"]) == (length(used.world), hash_, [])


def test_what_is_wrong_is_said_with_its_number_and_fails_the_command(used: Terminal):
    remove(used.world, 3)
    result = used.run("changes", "verify")
    assert result.exit_code == 1
    assert f"{TENANT}: missing 3: " in result.stdout
    result = used.run("changes", "verify", "--json", *OF_TENANT)
    assert result.exit_code == 1
    assert json.loads(result.stdout)[0]["faults"][0]["kind"] == "missing"


def test_a_hash_that_somebody_holds_belongs_to_a_number_and_a_log(used: Terminal):
    assert "belong together" in used.refused("changes", "verify", *OF_TENANT, "--after", 3, exit_code=2)
    assert "--tenant" in used.refused("changes", "verify", "--after", 3, "--hash", "f" * 64, exit_code=2)
    assert used.run("changes", "verify", *OF_TENANT, "--after", 3, "--hash", "f" * 64).exit_code == 1
    assert "either" in used.refused("changes", "verify", *OF_TENANT, "--service", exit_code=2)
    assert "not a hash" in used.refused(
        "changes", "verify", *OF_TENANT, "--after", 3, "--hash", "x", exit_code=2
    )


def test_the_chain_alone_can_be_verified(used: Terminal):
    (report,) = used.json("changes", "verify", *OF_TENANT, "--chain-only")
    assert report["objects"] == 0


def test_a_damaged_entry_is_a_sentence_and_no_traceback(used: Terminal):
    alter(used.world, length(used.world), signed=b"{")
    assert "damaged" in used.refused("changes", "list", *OF_TENANT)


def test_a_customers_data_is_purged_only_when_that_is_confirmed(used: Terminal):
    customer = used.world.store.committed.sales_orders.rows[TENANT, 501].customer.id
    before = length(used.world)
    refused = used.run("changes", "purge", "--customer", customer, stdin="n\n")
    assert (refused.exit_code, length(used.world)) == (1, before)
    assert "1 sales order of customer" in refused.stderr

    shown = used.shown("changes", "purge", "--customer", customer, "--yes")

    assert shown.startswith("Purged: the objects of ")
    assert length(used.world) == before + 1
    newest = used.json("changes", "list", *OF_TENANT, "--limit", 1)[0]
    assert (newest["type"], newest["actor"]["type"]) == ("changes.purged", "operator")
    assert used.run("changes", "verify").exit_code == 0


def test_a_customer_without_orders_is_a_mistake(used: Terminal):
    assert "Customer 123456 has no orders" in used.refused("changes", "purge", "--customer", 123456, "--yes")
