import json
from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.webhook_event import EventStatus, WebhookEvent
from tests.adapters.cli.terminal import Terminal
from tests.fakes.system import NOON

FAILED = ("--status", "failed")


@pytest.fixture
def reported(terminal: Terminal) -> Terminal:
    """A terminal with an integration of `acme` and one of `other`, and an event of an unknown account."""
    terminal.world.connect("acct_other", tenant="other")
    receive(terminal, "evt_other", "account.updated")
    terminal.world.connect("acct_acme")
    for name in ("evt_1", "evt_2", "evt_3"):
        receive(terminal, name, "invoice.paid")
    terminal.world.account_id = "acct_unknown"
    receive(terminal, "evt_nobodys", "invoice.paid")
    return terminal


def receive(terminal: Terminal, name: str, type_: str) -> None:
    object_ = {"id": "in_1", "object": "invoice", "text": "half a \ud83d character \x9b2J"}
    terminal.world.receive(terminal.world.event(type_, object_, id_=name))


def stored(terminal: Terminal) -> list[WebhookEvent]:
    return list(terminal.store.committed.events.rows.values())


def ids_of(terminal: Terminal) -> dict[str, int]:
    return {event.stripe_event_id: event.id for event in stored(terminal)}


def fail(terminal: Terminal, *names: str) -> None:
    """Make the events failed, as if a worker had given them up."""
    with terminal.store.writing() as work:
        for event in work.inbox.claim(NOON, NOON, 100):
            if event.stripe_event_id in names:
                failed = replace(event, status=EventStatus.FAILED, last_error="boom")
                work.inbox.settle(event.due_at, [failed])
            else:
                work.inbox.requeue(event.id, NOON)
        work.commit()


def names_of(rows: list[dict[str, str]]) -> list[str]:
    return [row["stripe_event_id"] for row in rows]


def test_the_list_has_the_events_of_all_tenants_and_of_none(reported: Terminal):
    rows = reported.json("events", "list")

    assert [(row["stripe_event_id"], row["tenant_id"]) for row in rows] == [
        ("evt_nobodys", None),
        ("evt_3", "acme"),
        ("evt_2", "acme"),
        ("evt_1", "acme"),
        ("evt_other", "other"),
    ]
    assert "evt" not in reported.shown("events", "list", "--status", "failed")


def test_the_list_is_filtered_by_each_of_the_options(reported: Terminal):
    acme = reported.world.integration_id
    fail(reported, "evt_2")

    def names(*arguments: object) -> list[str]:
        return names_of(reported.json("events", "list", *arguments))

    assert names("--tenant", "other") == ["evt_other"]
    assert names("--integration", acme) == ["evt_3", "evt_2", "evt_1"]
    assert names("--account", "acct_unknown") == ["evt_nobodys"]
    assert names("--type", "account.updated") == ["evt_other"]
    assert names("--object", "in_1", "--tenant", "acme", "--limit", 1) == ["evt_3"]
    assert names(*FAILED) == ["evt_2"]
    assert names("--since", "2026-11-23T12:00:01") == names("--until", "2026-11-23T12:00:00Z") == []
    assert len(names("--since", "2026-11-23", "--until", "2026-11-23T13:00:01+01:00")) == 5
    assert names("--before", ids_of(reported)["evt_1"]) == ["evt_other"]


def test_people_see_what_failed_and_why(reported: Terminal):
    fail(reported, "evt_2")

    shown = reported.shown("events", "list", *FAILED)

    assert {"invoice.paid", "boom", "acme"} <= set(shown.split())


def test_a_payload_is_shown_only_when_asked_for_and_cannot_move_the_cursor(reported: Terminal):
    event_id = ids_of(reported)["evt_1"]

    without = reported.json("events", "show", event_id)
    payload = reported.json("events", "show", event_id, "--payload")["payload"]
    shown = reported.shown("events", "show", event_id, "--payload")

    assert "payload" not in without
    assert without["stripe_event_id"] == "evt_1"
    assert payload["data"]["object"]["id"] == "in_1"
    assert '"id": "in_1"' in shown
    assert "\x9b" not in shown
    assert '"id": "in_1"' not in reported.shown("events", "show", event_id)


@pytest.mark.parametrize("damaged", [b'{"id": "evt_1", "da', b"\x28\xb5\x2f\xfd\x9b2J"])
def test_of_a_damaged_payload_is_shown_what_there_is(reported: Terminal, damaged: bytes):
    event_id = ids_of(reported)["evt_1"]
    events = reported.store.committed.events.rows
    events[event_id] = replace(events[event_id], payload=damaged)

    assert reported.json("events", "show", event_id, "--payload")["payload"] == damaged.decode(
        errors="replace"
    )
    assert "evt_1" in reported.shown("events", "show", event_id, "--payload")


def test_a_tenants_operator_reaches_no_other_tenants_event(reported: Terminal):
    event_id = ids_of(reported)["evt_other"]

    assert "not found" in reported.refused("events", "show", event_id, "--tenant", "acme")
    assert "No such" in reported.refused("events", "replay", event_id, "--tenant", "acme")


def test_a_failed_event_is_applied_again(reported: Terminal):
    fail(reported, "evt_2")

    reported.shown("events", "replay", ids_of(reported)["evt_2"], "--yes")

    assert "drain_inbox" in reported.world.nudges.waiting
    shown = reported.json("events", "show", ids_of(reported)["evt_2"])
    assert (shown["status"], shown["attempts"], shown["last_error"]) == ("received", 0, None)
    reported.world.work_off()
    # It is not about an invoice of ours, so applying it skips it.
    assert reported.json("events", "show", ids_of(reported)["evt_2"])["status"] == "skipped"


def test_what_matches_is_replayed_oldest_first_up_to_the_limit_and_the_rest_counted(reported: Terminal):
    fail(reported, "evt_1", "evt_2", "evt_3", "evt_nobodys", "evt_other")

    first = reported.json("events", "replay", *FAILED, "--limit", 3, "--yes")
    second = reported.run("events", "replay", *FAILED, "--limit", 1, "--yes")
    third = reported.json("events", "replay", *FAILED, "--yes")

    assert (names_of(first["queued"]), first["more"]) == (["evt_other", "evt_1", "evt_2"], 2)
    assert "1 more event not shown" in second.stdout
    assert (names_of(third["queued"]), third["more"]) == (["evt_nobodys"], 0)


def test_a_dry_run_shows_the_same_and_changes_nothing(reported: Terminal):
    fail(reported, "evt_1", "evt_2", "evt_3")
    reported.world.nudges.waiting.clear()
    before = stored(reported)

    dry = reported.json("events", "replay", *FAILED, "--type", "invoice.paid", "--limit", 2, "--dry-run")
    shown = reported.shown("events", "replay", *FAILED, "--dry-run")

    assert stored(reported) == before
    assert reported.world.nudges.waiting == []
    assert "Would be queued to be applied again: 3 events" in shown
    wet = reported.json("events", "replay", *FAILED, "--type", "invoice.paid", "--limit", 2, "--yes")
    assert wet == dry | {"dry_run": False, "replay_id": 1}


def test_a_replay_shows_what_would_change_and_asks_first(terminal: Terminal):
    terminal.world.connect()
    invoice = terminal.world.sent()
    terminal.world.pay(invoice)
    for event in terminal.world.events():
        if event["type"] in ("invoice.paid", "invoice_payment.paid"):
            terminal.world.receive(event)
    asked = ("events", "replay", "--status", "received")
    before = terminal.store.committed

    refused = terminal.run(*asked, stdin="n\n")
    unanswered = terminal.run(*asked)

    assert terminal.store.committed is before
    assert (refused.exit_code, unanswered.exit_code) == (1, 2)
    assert "This applies 2 events again." in refused.stderr
    assert "--yes" in unanswered.stderr
    lines = [line.split() for line in refused.stdout.splitlines()]
    assert ["1", "invoice", "1", "status", "open", "paid"] in lines
    agreed = terminal.run(*asked, stdin="y\n")
    assert "Queued to be applied again: 2 events: replay 1." in agreed.stdout
    terminal.world.work_off()
    assert terminal.world.invoice(invoice.id).status is InvoiceStatus.PAID


def test_what_only_stripe_can_tell_is_shown_as_unknown(terminal: Terminal):
    terminal.world.connect()
    invoice = terminal.world.paid()
    terminal.stripe.dispute(terminal.world.account_id, str(invoice.stripe_charge_id))
    (disputed,) = [each for each in terminal.world.events() if each["type"].startswith("charge.dispute")]
    terminal.world.receive(disputed)

    shown = terminal.run("events", "replay", "--status", "received", stdin="n\n").stdout

    assert ["1", "invoice", "1", "(any)", "-", "unknown"] in [line.split() for line in shown.splitlines()]
    assert "only Stripe can tell" in shown


@pytest.mark.parametrize("dry", [("--yes",), ("--dry-run",)])
def test_an_event_that_is_being_processed_is_left_alone(reported: Terminal, dry: tuple[str, ...]):
    with reported.store.writing() as work:
        claimed = work.inbox.claim(NOON, NOON + timedelta(seconds=60), 2)
        work.commit()

    replayed = reported.json("events", "replay", "--since", "2026-11-23", *dry)

    assert [row["id"] for row in replayed["being_processed"]] == [event.id for event in claimed]
    assert len(replayed["queued"]) == 3
    assert reported.json("events", "show", claimed[0].id)["status"] == "processing"
    assert "try again" in reported.refused("events", "replay", claimed[0].id, *dry)


def test_events_whose_payloads_are_no_longer_kept_are_left_alone_and_stop_no_others(reported: Terminal):
    reported.world.work_off()
    reported.world.clock.advance(timedelta(days=91))
    reported.bridge.operations.purge_payloads()
    reported.world.receive(
        reported.world.event("invoice.paid", {"id": "in_new", "object": "invoice"}, id_="evt_new")
    )
    forgotten = ids_of(reported)["evt_1"]

    dry = reported.json("events", "replay", "--type", "invoice.paid", "--dry-run")
    wet = reported.json("events", "replay", "--type", "invoice.paid", "--yes")

    assert names_of(wet["queued"]) == ["evt_new"]
    assert wet == dry | {"dry_run": False, "replay_id": 1}
    assert (
        "Skipped because their payloads have been deleted: 1."
        in reported.run("events", "replay", forgotten).output
    )
    assert "have been deleted" in reported.refused("events", "replay", forgotten)


def test_an_event_whose_worker_is_gone_is_replayed(reported: Terminal):
    with reported.store.writing() as work:
        (claimed,) = work.inbox.claim(NOON, NOON, 1)
        work.commit()

    assert reported.json("events", "replay", claimed.id, "--yes")["being_processed"] == []
    assert reported.json("events", "show", claimed.id)["status"] == "received"


def test_of_several_ids_those_that_exist_are_replayed_and_the_others_named(reported: Terminal):
    event_id = ids_of(reported)["evt_1"]
    fail(reported, "evt_1")

    result = reported.run("events", "replay", event_id, 9_001, "--yes", "--json")

    assert (result.exit_code, result.stderr) == (1, "Error: No such webhook event: 9001.\n")
    assert names_of(json.loads(result.stdout)["queued"]) == ["evt_1"]
    assert reported.json("events", "show", event_id)["status"] == "received"


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay",),
        ("replay", "--dry-run"),
        ("replay", "--tenant", "acme"),
        ("replay", "--status", "broken"),
        ("replay", "--status", "failed", "--limit", "0"),
        ("replay", "--status", "failed", "--limit", "1001"),
        ("list", "--since", "yesterday"),
        ("list", "--since", "0001-01-01T00:00:00+14:00"),
        ("show", "x"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error_and_changes_nothing(
    reported: Terminal, arguments: tuple[str, ...]
):
    before = stored(reported)

    reported.refused("events", *arguments, exit_code=2)

    assert stored(reported) == before


def test_a_mistyped_type_is_an_error_and_not_an_empty_list(terminal: Terminal):
    for command in ("list", "replay"):
        refused = terminal.refused("events", command, "--type", "invoice.payd", exit_code=2)

        assert "'invoice.payd'" in refused
        assert "invoice.paid" in refused


def test_a_type_without_events_is_an_empty_list(terminal: Terminal):
    assert terminal.json("events", "list", "--type", "invoice.paid") == []


def test_events_of_a_type_that_nothing_handles_are_listed_once_there_are_any(reported: Terminal):
    receive(reported, "evt_odd", "customer.created")

    assert [row["event_type"] for row in reported.json("events", "list", "--type", "customer.created")] == [
        "customer.created"
    ]
