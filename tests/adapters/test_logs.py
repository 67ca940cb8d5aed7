import json
import logging
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import structlog

from stripe_bridge.adapters.database.migrations_runner import migrate
from stripe_bridge.adapters.logs import configure_logging, redact
from tests.adapters.web.world import ENVIRONMENT

SECRETS = [
    "sk_test_51Hq",
    "rk_live_abc_DEF",
    "whsec_9x8",
    "sbt_aB-c_9",
    "sbp_aB-c_9",
    "sbl_aB-c_9",
    "sbc_aB-c_9",
    "ac_M7abc",
    "eyJhbGciOi.eyJzdWIiOiJ.c2ln",
    "hvXJ0i0mAvrhD8J4qQ0o5cH1vWmYd0v2bq9wYHk0l3E=",
    "gAAAAABmAbCdEfGhIjKlMnOpQrStUvWx==",
]


@pytest.fixture(autouse=True)
def _as_it_was():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_the_servers_own_records_are_formatted_like_any_other_and_logged_once(capsys):
    server = logging.getLogger("uvicorn")
    server.addHandler(logging.StreamHandler())
    server.propagate = False
    configure_logging("INFO", json=True)
    logging.getLogger("uvicorn.error").warning("ready", extra={"color_message": "\x1b[36mready\x1b[0m"})
    (line,) = lines(capsys)
    assert (line["event"], line["logger"]) == ("ready", "uvicorn.error")
    assert "color_message" not in line


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_masked_wherever_it_stands(secret, capsys):
    configure_logging("INFO", json=True)
    log = logging.getLogger("test")
    log.warning("told %s", secret, extra={"facts": {"nested": [f"x={secret}"]}, "error": ValueError(secret)})
    try:
        raise RuntimeError(f"could not use {secret}")
    except RuntimeError:
        log.exception("failed")
    written = capsys.readouterr().err
    assert secret not in written
    assert "RuntimeError: could not use [redacted]" in written


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"),
        ("{'access_token': 'abc', 'scope': 'x'}", "{'access_token': '[redacted]', 'scope': 'x'}"),
        ('"refresh_token":"abc"', '"refresh_token":"[redacted]"'),
        ("GET /callback?state=abc&code=def&x=1", "GET /callback?state=[redacted]&code=[redacted]&x=1"),
        ("GET /back?status=confirm&confirmation=0f9a", "GET /back?status=confirm&confirmation=[redacted]"),
        ("postgresql://bridge:hunter2@db/bridge", "postgresql://bridge:[redacted]@db/bridge"),
        ("acct_1abc in_1 ch_1 jenny@example.com", "acct_1abc in_1 ch_1 jenny@example.com"),
    ],
)
def test_only_the_secret_of_a_text_is_masked(text, safe):
    assert redact(text) == safe


@pytest.mark.parametrize("name", ["token", "authorization", "client_secret", "payload"])
def test_a_field_that_is_named_like_a_secret_is_masked_whatever_it_holds(name, capsys):
    configure_logging("INFO", json=True)
    logging.getLogger("test").info("x", extra={name: "harmless"})
    assert lines(capsys)[0][name] == "[redacted]"


def test_a_record_is_one_line_of_json_with_the_context_of_its_request(capsys):
    configure_logging("INFO", json=True)
    structlog.contextvars.bind_contextvars(request_id="r-1")
    logging.getLogger("stripe_bridge.test").info("two\nlines", extra={"invoice_id": 5})
    (line,) = lines(capsys)
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "two\nlines",
        "level": "info",
        "logger": "stripe_bridge.test",
        "request_id": "r-1",
        "invoice_id": 5,
    }


def test_a_traceback_stays_in_its_line(capsys):
    configure_logging("INFO", json=True)
    try:
        raise RuntimeError("no")
    except RuntimeError:
        logging.getLogger("test").exception("failed")
    (line,) = lines(capsys)
    assert line["exception"].startswith("Traceback")


@pytest.mark.parametrize("name", ["alembic.runtime.migration", "alembic.runtime.plugins"])
def test_reading_the_schema_revision_is_not_logged(capsys, name: str):
    configure_logging("INFO", json=True)
    log = logging.getLogger(name)
    log.info("Context impl SQLiteImpl.")
    log.warning("Something is wrong.")
    assert [line["event"] for line in lines(capsys)] == ["Something is wrong."]


def test_people_get_columns(capsys):
    configure_logging("INFO", json=False)
    logging.getLogger("test").info("paid with sk_test_1", extra={"invoice_id": 5})
    written = capsys.readouterr().err
    assert "invoice_id=5" in written
    assert "sk_test_1" not in written


def test_what_is_below_the_level_is_not_written_and_nothing_twice(capsys):
    configure_logging("WARNING", json=True)
    configure_logging("WARNING", json=True)
    logging.getLogger("test").info("no")
    logging.getLogger("test").warning("yes")
    assert [line["event"] for line in lines(capsys)] == ["yes"]


COMMAND = """
import logging, os
from flask.cli import ScriptInfo
from stripe_bridge.bootstrap import create_command_app
app = create_command_app(os.environ)
app.cli.main(args=["tokens", "list"], obj=ScriptInfo(create_app=lambda: app), standalone_mode=False)
logging.getLogger("during").info("progress")
logging.getLogger("during").warning("trouble")
"""


def logged_during_a_command(tmp_path: Path, *, terminal: bool, **settings: str) -> str:
    """What is on standard error of a process that runs a command."""
    database = f"sqlite:///{tmp_path / 'bridge.sqlite'}"
    migrate(database)
    reading, writing = pty.openpty() if terminal else os.pipe()
    subprocess.run(
        [sys.executable, "-c", COMMAND],
        env={**os.environ, **ENVIRONMENT, "DATABASE_URL": database, **settings},
        stdout=subprocess.DEVNULL,
        stderr=writing,
        check=True,
    )
    shown = os.read(reading, 100_000).decode()
    os.close(reading)
    os.close(writing)
    return shown


def test_on_a_terminal_only_warnings_come_between_what_a_command_shows(tmp_path: Path):
    shown = logged_during_a_command(tmp_path, terminal=True)

    assert "trouble" in shown
    assert "progress" not in shown


def test_a_level_that_was_chosen_counts_on_a_terminal_too(tmp_path: Path):
    assert "progress" in logged_during_a_command(tmp_path, terminal=True, LOG_LEVEL="INFO")


def test_into_a_file_commands_log_as_ever(tmp_path: Path):
    assert "progress" in logged_during_a_command(tmp_path, terminal=False)
