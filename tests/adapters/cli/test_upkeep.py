"""`stripe-bridge reconcile` and `stripe-bridge doctor`."""

import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from stripe_bridge.domain.errors.rules import IntegrationNotConnected
from stripe_bridge.ports.stripe.errors import GatewayBusy
from tests.adapters.cli.terminal import Terminal
from tests.adapters.web.world import ENVIRONMENT
from tests.fakes.vault import FakeVault


@pytest.fixture
def connected(terminal: Terminal) -> Terminal:
    terminal.world.connect()
    return terminal


def test_reconciling_corrects_drift_and_reports_it_by_cause(connected: Terminal):
    world = connected.world
    world.pay(world.sent())

    shown = connected.run("reconcile", "--json")

    (row,) = json.loads(shown.stdout)
    assert (shown.exit_code, row["integration_id"]) == (0, world.integration_id)
    assert row["missed_event"] > 0
    assert (row["invoice_differs"], row["refund_differs"], row["faults"]) == (1, 0, [])
    assert f"integration {world.integration_id}: 1 unsettled invoices" in shown.stderr


def test_people_see_a_table_of_drift(connected: Terminal):
    shown = connected.shown("reconcile", "--integration", connected.world.integration_id)

    assert "missed_event" in shown.splitlines()[0]


def test_what_could_not_be_reconciled_fails_the_command(connected: Terminal):
    connected.stripe.fail_next("pages_since", GatewayBusy("too many requests"))

    result = connected.run("reconcile", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)[0]["faults"] == ["Stripe: too many requests"]


@pytest.mark.parametrize(
    ("error", "reported"),
    [(IntegrationNotConnected(), "not connected"), (RuntimeError("broken"), "RuntimeError, see the logs")],
)
def test_one_that_cannot_be_reconciled_at_all_stops_no_other(
    connected: Terminal, error: Exception, reported: str
):
    first = connected.world.integration_id
    connected.world.connect()
    connected.stripe.fail_next("account", error)

    result = connected.run("reconcile", "--json")

    sick, well = json.loads(result.stdout)
    assert (result.exit_code, sick["integration_id"]) == (1, first)
    assert reported in sick["faults"][0]
    assert well["faults"] == []
    assert list(sick) == list(well)


def test_with_nothing_connected_there_is_nothing_to_reconcile(terminal: Terminal):
    assert terminal.shown("reconcile") == "No integration is connected.\n"


@pytest.mark.parametrize("number", [1, 99])
def test_what_is_not_connected_cannot_be_reconciled(terminal: Terminal, number: int):
    terminal.world.add_integration()

    assert terminal.refused("reconcile", "--integration", number).startswith("Error: ")


def test_the_doctor_finds_nothing_in_a_healthy_service(connected: Terminal):
    connected.shown("reconcile")
    connected.shown("receivers", "register")

    assert connected.shown("doctor") == "All is well.\n"
    assert connected.json("doctor") == {"findings": [], "fixed": []}


def test_what_is_only_to_be_noted_fails_nothing(connected: Terminal):
    connected.shown("reconcile")

    assert "note      receivers" in connected.shown("doctor")


def test_the_doctor_says_what_to_do_and_does_it_when_asked(connected: Terminal):
    connected.shown("receivers", "register")
    connected.stripe.endpoints[None].clear()

    reported, mended = connected.run("doctor"), connected.run("doctor", "--fix", "--json")

    assert reported.exit_code == mended.exit_code == 1
    assert "stripe-bridge receivers register" in reported.stdout
    assert [each["fix"] for each in json.loads(mended.stdout)["findings"]] == ["register_receivers"] * 2
    assert json.loads(mended.stdout)["fixed"] == ["receivers: platform created, connect created"]
    assert connected.shown("doctor") == "All is well.\n"


def test_in_a_shell_with_another_key_secrets_are_discarded_only_if_asked_for(connected: Terminal):
    connected.shown("receivers", "register")
    world = connected.world
    before = set(connected.stripe.endpoints[None])
    world.adapters = replace(world.adapters, vault=FakeVault("another key"))
    shell = Terminal(world)

    reported, refused = shell.run("doctor", "--fix"), shell.refused("receivers", "register")

    assert "none of the 3 stored secrets can be opened" in reported.stdout
    assert "--discard-secrets" in refused
    assert set(connected.stripe.endpoints[None]) == before
    assert shell.refused("doctor", "--discard-secrets", exit_code=2)
    done = shell.run("doctor", "--fix", "--discard-secrets", "--json")
    assert json.loads(done.stdout)["fixed"] == ["receivers: platform created, connect created"]
    assert not set(connected.stripe.endpoints[None]) & before


def test_with_the_database_away_the_doctor_still_answers(terminal: Terminal):
    terminal.store.is_available = False

    result = terminal.run("doctor")

    assert result.exit_code == 1
    assert "database" in result.stdout


def test_after_a_restore_everyone_is_held_until_all_is_reconciled_since_a_date(connected: Terminal):
    first, again = connected.run("db", "restored"), connected.run("db", "restored")
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert "stripe-bridge reconcile --since" in first.stdout
    assert again.stdout == "All sends are held already.\n"
    assert "sends are held" in connected.run("doctor").stdout

    assert connected.run("reconcile", "--since", "2026-01-01").exit_code == 0

    assert "sends are held" not in connected.run("doctor").stdout


def test_adopting_what_is_unsigned_needs_a_date(connected: Terminal):
    result = connected.run("reconcile", "--adopt-unsigned")

    assert result.exit_code == 2
    assert "--since" in result.stderr


def test_what_can_be_known_before_going_live_is_said_in_a_line_each_and_fails_only_for_faults(
    connected: Terminal,
):
    connected.shown("receivers", "register")

    shown = connected.shown("doctor", "--before-going-live")
    connected.stripe.endpoints[None].clear()
    failed = connected.run("doctor", "--before-going-live", "--json")

    lines = shown.splitlines()
    assert lines[0].split() == ["outcome", "subject", "what", "remedy"]
    assert {line.split()[0] for line in lines[1:]} == {"ok", "warn"}
    assert failed.exit_code == 1
    checks = json.loads(failed.stdout)["checks"]
    assert {each["outcome"] for each in checks} == {"ok", "warn", "fail"}
    assert {"stripe-bridge receivers register"} == {
        each["remedy"] for each in checks if each["outcome"] == "fail"
    }
    assert len(lines) - 1 == len(checks)


def test_whoever_shows_kept_keys_and_backups_has_them_checked(connected: Terminal, tmp_path: Path):
    keys, backups = tmp_path / "keys", tmp_path / "backups"
    keys.write_text(f"ENCRYPTION_KEYS={ENVIRONMENT['ENCRYPTION_KEYS']}\n")
    (backups / "old").mkdir(parents=True)
    for path, age in ((backups / "old" / "one.dump", 100), (backups / "newest.dump", 3)):
        path.write_text("")
        then = (connected.world.clock.now() - timedelta(hours=age)).timestamp()
        os.utime(path, (then, then))

    def checked(stdin: str | None, *options: object) -> dict[str, tuple[str, str]]:
        result = connected.run("doctor", "--before-going-live", "--json", *options, stdin=stdin)
        return {
            each["subject"]: (each["outcome"], each["what"]) for each in json.loads(result.stdout)["checks"]
        }

    shown = checked(None, "--kept-keys", keys, "--backups", backups)
    wrong = checked("another key", "--kept-keys", "-", "--backups", backups / "old" / "one.dump")

    assert shown["kept keys"][0] == "ok"
    assert shown["backups"] == ("ok", "the newest is 3 hours old")
    assert wrong["kept keys"][0] == "fail"
    assert wrong["backups"] == ("fail", "the newest is 100 hours old")


@pytest.mark.parametrize(
    ("options", "reported"),
    [
        (["--before-going-live", "--fix"], "changes nothing"),
        (["--kept-keys", "-"], "need --before-going-live"),
        (["--before-going-live", "--backups", "EMPTY"], "no file in"),
        (["--before-going-live", "--backups", "/nowhere"], "does not exist"),
    ],
)
def test_options_that_make_no_sense_together_are_refused(
    terminal: Terminal, tmp_path: Path, options: list[str], reported: str
):
    given = [str(tmp_path) if option == "EMPTY" else option for option in options]

    assert reported in terminal.refused("doctor", *given, exit_code=2)
