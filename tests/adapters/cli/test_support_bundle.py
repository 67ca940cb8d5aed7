"""The file for whoever helps: all that is useful, and nothing that is secret or a customer's."""

import json
import zipfile
from pathlib import Path

from tests.adapters.cli.terminal import Terminal
from tests.adapters.web.world import ENVIRONMENT
from tests.builders import a_customer

RECORD = {"event": "request failed", "customer": "jenny@example.com", "key": "sk_test_abcdef", "ms": 3}


def bundle_of(terminal: Terminal, tmp_path: Path, *options: object) -> dict[str, str]:
    file = tmp_path / "bundle.zip"
    terminal.shown("support-bundle", "--output", file, *options)
    with zipfile.ZipFile(file) as bundle:
        return {name: bundle.read(name).decode() for name in bundle.namelist()}


def test_it_says_what_runs_and_what_is_wrong_with_it(terminal: Terminal, tmp_path: Path):
    terminal.begin("acme")
    terminal.integrate()
    parts = bundle_of(terminal, tmp_path)
    assert json.loads(parts["about.json"])["packages"]["stripe"]
    assert json.loads(parts["settings.json"])["PUBLIC_URL"] == ENVIRONMENT["PUBLIC_URL"]
    # The endpoints were never registered.
    assert "receiver" in parts["doctor.json"]
    assert "stripe_bridge_inbox_oldest_seconds 0.0" in parts["metrics.txt"]
    assert json.loads(parts["changes.json"]).keys() <= {"acme"}


def test_it_has_the_logs_last_records_without_secrets_and_mail_addresses(terminal: Terminal, tmp_path: Path):
    log = tmp_path / "log"
    log.write_text("".join(json.dumps({**RECORD, "number": number}) + "\n" for number in range(1_500)))
    records = [
        json.loads(line) for line in bundle_of(terminal, tmp_path, "--log", log)["log.jsonl"].splitlines()
    ]
    assert [record["number"] for record in records] == list(range(500, 1_500))
    assert records[0]["customer"] == "[mail]"
    assert "sk_test" not in records[0]["key"]


def test_it_has_none_of_the_secrets_in_the_settings(terminal: Terminal, tmp_path: Path):
    everything = "".join(bundle_of(terminal, tmp_path).values())
    secret = ("STRIPE_SECRET_KEY", "ENCRYPTION_KEYS", "STRIPE_WEBHOOK_SECRETS")
    assert not [name for name in secret if ENVIRONMENT[name] in everything]
    assert '"STRIPE_SECRET_KEY": true' in everything


def test_it_has_nothing_of_customers(terminal: Terminal, tmp_path: Path):
    terminal.world.connect()
    customer = a_customer(name="Augusta Unheard-Of", email="augusta@unheard.example")
    terminal.world.sent(customer=customer)
    parts = bundle_of(terminal, tmp_path)
    assert json.loads(parts["changes.json"])[terminal.world.tenant] > 0
    everything = "".join(parts.values())
    assert not [text for text in ("Augusta", "unheard") if text in everything]


def test_without_a_database_the_parts_that_need_it_say_so(terminal: Terminal, tmp_path: Path):
    terminal.world.store.is_available = False
    parts = bundle_of(terminal, tmp_path)
    assert parts["changes.json"].startswith("Not known: ")
    assert json.loads(parts["settings.json"])["LOG_LEVEL"] == "INFO"


def test_a_file_that_exists_is_not_overwritten(terminal: Terminal, tmp_path: Path):
    (tmp_path / "bundle.zip").write_text("mine")
    assert "already exists" in terminal.refused("support-bundle", "--output", tmp_path / "bundle.zip")
    assert (tmp_path / "bundle.zip").read_text() == "mine"
