"""`run` and `demo` as a person or a script uses them: as processes of their own, with signals."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.servers.processes import free_port, spawn, stop
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
PLAYGROUND = [sys.executable, "-m", "playground"]

pytestmark = pytest.mark.slow


@pytest.fixture
def env(tmp_path):
    return os.environ | {
        "PORT": str(free_port()),
        "EMULATOR_PORT": str(free_port()),
        "DATA_DIR": str(tmp_path / "data"),
        "TMPDIR": str(tmp_path),
    }


@contextmanager
def running(env, log):
    """`run`, with all its processes, once it says how to stop it."""
    process = spawn([*PLAYGROUND, "run"], log=log, env=env, cwd=ROOT)
    try:
        wait_until(lambda: process.poll() is not None or "Ctrl-C" in log.read_text(), within=150)
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        stop(process, signal.SIGTERM, within=150)


def facts_of(env):
    return json.loads((Path(env["DATA_DIR"]) / "run.json").read_text())


def status_with(token, facts):
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(
        f"{facts['service']}/api/stripe/integrations", headers=headers, timeout=10
    ).status_code


def test_run_tells_scripts_where_everything_is_in_a_file_for_its_owner_alone(env, tmp_path):
    with running(env, tmp_path / "log"):
        assert stat.S_IMODE((Path(env["DATA_DIR"]) / "run.json").stat().st_mode) == 0o600
        facts = facts_of(env)
        assert facts["service"].endswith(env["PORT"])
        assert facts["emulator"].endswith(env["EMULATOR_PORT"])
        assert facts["stripe_secret_key"].startswith("sk_test_")
        assert set(facts["tokens"]) == {"viewer", "member", "power_user", "admin"}
        tokens = [*facts["tokens"].values(), facts["other_tenant_token"]]
        assert {status_with(token, facts) for token in tokens} == {200}


def test_stripe_leads_merchants_back_to_the_service_and_nowhere_else(env, tmp_path):
    with running(env, tmp_path / "log"):
        facts = facts_of(env)
        headers = {"Authorization": f"Bearer {facts['tokens']['admin']}"}
        url = f"{facts['service']}/api/stripe/integrations"
        made = requests.post(url, json={"name": "Shop"}, headers=headers, timeout=30).json()["data"]
        asked = requests.post(f"{url}/{made['id']}/authorize", headers=headers, timeout=30)
        authorize_url = asked.json()["data"]["authorize_url"]
        assert requests.get(authorize_url, timeout=30).status_code == 200
        elsewhere = authorize_url.replace("callback", "callback%2F")
        assert requests.get(elsewhere, timeout=30).status_code == 400


def test_a_second_start_finds_its_data_and_its_tokens_again(env, tmp_path):
    with running(env, tmp_path / "log"):
        first = facts_of(env)
        headers = {"Authorization": f"Bearer {first['tokens']['admin']}"}
        url = f"{first['service']}/api/stripe/integrations"
        made = requests.post(url, json={"name": "Kept"}, headers=headers, timeout=30).json()["data"]
    with running(env, tmp_path / "second.log"):
        assert facts_of(env) == first
        kept = requests.get(f"{url}/{made['id']}", headers=headers, timeout=30).json()["data"]
        assert kept["name"] == "Kept"
        assert f"integrations/{made['id']}/authorize" in (tmp_path / "second.log").read_text()


def test_every_command_works_on_the_running_service_with_its_file_of_settings(env, tmp_path):
    with running(env, tmp_path / "log"):
        script = Path(env["DATA_DIR"]) / "env.sh"
        assert stat.S_IMODE(script.stat().st_mode) == 0o600
        done = subprocess.run(
            ["sh", "-c", f". '{script}' && exec '{sys.executable}' -m flask receivers list --json"],
            cwd=tmp_path,
            env={**os.environ, "REDIS_URL": "redis://127.0.0.1:1/0"},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    assert [row["kind"] for row in json.loads(done.stdout)] == ["platform", "connect"]


def test_a_second_run_on_the_same_data_is_refused(env, tmp_path):
    with running(env, tmp_path / "log"):
        again = subprocess.run([*PLAYGROUND, "run"], cwd=ROOT, env=env, capture_output=True, text=True)
    assert again.returncode == 1
    assert "Already running" in again.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_both_cleanly(env, tmp_path, how):
    with running(env, tmp_path / "log") as process:
        assert listening(env) == ["PORT", "EMULATOR_PORT"]
        assert stop(process, how, within=150) == 0
        assert listening(env) == []
    assert (tmp_path / "log").read_text().endswith("Stopped.\n")


def test_nothing_goes_on_when_the_playground_is_killed(env, tmp_path):
    with running(env, tmp_path / "log") as process:
        process.kill()
        wait_until(lambda: listening(env) == [], within=30)


def listening(env):
    with_port = []
    for name in ("PORT", "EMULATOR_PORT"):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", int(env[name]))) == 0:
                with_port.append(name)
    return with_port


def test_the_demo_ends_well_and_leaves_nothing_behind(env, tmp_path):
    # The README has it exported for a real account, but the demo must send nobody to another machine.
    env["OAUTH_RETURN_URL"] = "https://erp.example.com/stripe/connected"
    done = subprocess.run([*PLAYGROUND, "demo"], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is paid, 124.50 USD" in done.stdout
    assert list(tmp_path.iterdir()) == []
