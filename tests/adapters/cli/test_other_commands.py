import importlib.metadata
import json
import os

import click
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.cli import FlaskGroup

from stripe_bridge.adapters.cli.deferred import Deferred
from stripe_bridge.adapters.cli.keys import keys_commands
from stripe_bridge.adapters.vault import FernetVault
from stripe_bridge.bootstrap.console import main
from stripe_bridge.bootstrap.early_commands import web
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from tests.adapters.cli.terminal import Terminal


def test_an_upgrade_leaves_the_newest_schema(terminal: Terminal):
    assert terminal.json("db", "current") == {"current": None, "newest": "0002", "is_newest": False}

    result = terminal.run("db", "upgrade")

    assert (result.exit_code, result.stdout) == (0, "The schema is at 0002.\n")
    assert terminal.json("db", "current")["is_newest"]
    assert "0002" in terminal.run("db", "current").stdout


def test_an_upgrade_of_a_database_out_of_reach_fails_in_a_sentence(terminal: Terminal):
    terminal.migration_error = StoreUnavailable("The disk is full. Free some space.", "no space left")

    result = terminal.run("db", "upgrade")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: The disk is full. Free some space. (The driver says: no space left)\n"


def test_the_worker_runs_until_it_ends(terminal: Terminal):
    assert terminal.run("worker").exit_code == 0

    assert terminal.worked == 1


def test_a_key_is_all_that_is_printed():
    result = CliRunner().invoke(keys_commands(lambda: "a-new-key"), ["generate"])

    assert (result.exit_code, result.output) == (0, "a-new-key\n")


def test_a_key_is_made_although_the_app_cannot_be_loaded():
    """Through the entry point, Flask knows the group before it loads an app."""

    def fail_to_load() -> Flask:
        raise AssertionError("There are no settings.")

    result = CliRunner().invoke(FlaskGroup(create_app=fail_to_load), ["keys", "generate"])

    assert result.exit_code == 0, result.output
    FernetVault([result.output.strip()])


def every_command(group: click.Group, *path: str) -> list[tuple[str, ...]]:
    """Loads those that are deferred."""
    found = []
    for name, named in group.commands.items():
        command = named.loaded() if isinstance(named, Deferred) else named
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += every_command(command, *path, name)
    return found


def test_a_command_is_listed_with_the_first_sentence_of_its_help():
    deferred = [command for command in main.commands.values() if isinstance(command, Deferred)]

    assert len(deferred) > 10
    for command in deferred:
        assert command.get_short_help_str(200) == command.loaded().get_short_help_str(200)
        assert command.name == command.loaded().name


def test_every_group_teaches_by_examples_and_every_command_says_what_it_does(terminal: Terminal):
    paths = every_command(terminal.commands)

    assert ("tokens", "create") in paths
    for path in paths:
        shown = terminal.run(*path, "--help").stdout
        assert len(shown.splitlines()) > 5, path
        assert len(path) > 1 or "xample" in shown or "same, with" in shown, path


@pytest.mark.parametrize(
    "group",
    [
        "tokens",
        "receivers",
        "db",
        "integrations",
        "invoices",
        "refunds",
        "orders",
        "events",
        "intents",
        "keys",
    ],
)
def test_an_unknown_command_is_a_usage_error(terminal: Terminal, group: str):
    assert terminal.run(group, "invent").exit_code == 2


def test_the_version_is_that_of_this_service(terminal: Terminal):
    installed = importlib.metadata.version("stripe-bridge")

    assert terminal.shown("version") == f"stripe-bridge {installed}\n"
    assert CliRunner().invoke(web, ["--version"]).output == f"stripe-bridge {installed}\n"


def test_the_openapi_document_is_printed_without_settings(monkeypatch: pytest.MonkeyPatch):
    for name in list(os.environ):
        if name != "PATH":
            monkeypatch.delenv(name)
    printed = CliRunner().invoke(web, ["--openapi"])
    assert printed.exit_code == 0
    assert json.loads(printed.output)["openapi"] == "3.1.0"


def test_what_commands_show_is_kept_apart_from_logs_but_a_worker_logs_as_ever(terminal: Terminal):
    commands = ["tokens list", "doctor", "reconcile", "db current"]
    for number, command in enumerate(commands, start=1):
        terminal.run(*command.split())
        assert terminal.quieted == number

    terminal.run("worker")

    assert terminal.quieted == len(commands)
