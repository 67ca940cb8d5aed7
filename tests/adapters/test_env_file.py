"""Settings in `.env`, whatever starts the service."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stripe_bridge.adapters.env_file import load_env_file
from stripe_bridge_playground.settings import reserved_port
from tests.adapters.web.world import ENVIRONMENT
from tests.servers.processes import spawn
from tests.waiting import wait_until

STRIPE_BRIDGE = [sys.executable, "-c", "from stripe_bridge.bootstrap import main; main()"]
FLASK = [sys.executable, "-m", "flask", "--app", "stripe_bridge.wsgi"]
# A web server of somebody else's: it imports the application.
WSGI = [sys.executable, "-c", "from stripe_bridge.wsgi import app; input()"]
STARTS = {
    "stripe-bridge web": [*STRIPE_BRIDGE, "web"],
    "stripe-bridge worker": [*STRIPE_BRIDGE, "worker"],
    "flask worker": [*FLASK, "worker"],
    "python -m": [sys.executable, "-m", "stripe_bridge"],
    "dramatiq": [sys.executable, "-m", "dramatiq", "-p", "1", "stripe_bridge.bootstrap:start_worker"],
    "WSGI": WSGI,
}


@pytest.fixture
def folder(tmp_path):
    """Below one with a file of settings."""
    lines = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
    database = f"DATABASE_URL=sqlite:///{tmp_path / 'from-file.sqlite'}"
    (tmp_path / ".env").write_text("\n".join([*lines, database, "REDIS_URL=redis://127.0.0.1:1/0", ""]))
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


def environ(**own):
    """This process's own, but for what tests set."""
    return {
        **{
            name: value
            for name, value in os.environ.items()
            if name not in {*ENVIRONMENT, "FLASK_SKIP_DOTENV"}
        },
        **own,
    }


@pytest.mark.slow
@pytest.mark.parametrize("start", STARTS)
def test_every_way_to_start_reads_the_file_and_says_so(start: str, folder: Path):
    log = folder.parent / "log"
    command = (
        [*STARTS[start], "--port", str(reserved_port())]
        if "web" in start or start == "python -m"
        else STARTS[start]
    )
    process = spawn(command, log=log, env=environ(), cwd=folder, stdin=subprocess.PIPE)
    try:
        wait_until(lambda: process.poll() is not None or "settings file read" in log.read_text())
    finally:
        # With what it has started: the processes of `dramatiq` would go on.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdin
        process.stdin.close()

    records = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert {record["file"] for record in records if record["event"] == "settings file read"} == {
        str(folder.parent / ".env")
    }


@pytest.mark.parametrize("way", [STRIPE_BRIDGE, FLASK], ids=["stripe-bridge", "flask"])
def test_the_environment_wins_over_the_file(way, folder: Path):
    def upgrade(**own):
        done = subprocess.run(
            [*way, "db", "upgrade"], cwd=folder, env=environ(**own), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr

    upgrade(DATABASE_URL=f"sqlite:///{folder / 'from-environment.sqlite'}")
    assert (folder / "from-environment.sqlite").exists()
    assert not (folder.parent / "from-file.sqlite").exists()
    upgrade()
    assert (folder.parent / "from-file.sqlite").exists()


def test_an_empty_value_in_the_environment_is_no_value_of_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    """So that a setting can be turned off for one process."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("REDIS_URL", "")
    monkeypatch.setenv("FLASK_SKIP_DOTENV", "false")
    for name in (*ENVIRONMENT, "DATABASE_URL"):
        monkeypatch.setenv(name, "")

    assert load_env_file() == folder.parent / ".env"
    assert os.environ["REDIS_URL"] == ""


def test_the_switch_of_flask_turns_it_off_for_all(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("FLASK_SKIP_DOTENV", "1")

    assert load_env_file() is None
