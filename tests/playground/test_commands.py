"""`run` and `demo` as a person or a script uses them: as processes of their own, with signals."""

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from stripe_bridge_playground.settings import reserved_port
from tests.servers.processes import spawn, stop
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
PLAYGROUND = [sys.executable, "-m", "stripe_bridge_playground"]
COMMAND = Path(sys.executable).parent / "stripe-bridge"

pytestmark = pytest.mark.slow


def env_of(folder):
    """Free ports, and a data directory of its own."""
    return os.environ | {
        "PORT": str(reserved_port()),
        "EMULATOR_PORT": str(reserved_port()),
        # Otherwise it takes the usual one if nobody else has it just then.
        "ERP_PORT": str(reserved_port()),
        "SEED": "no",
        "DATA_DIR": str(folder / "data"),
        "TMPDIR": str(folder),
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
    return requests.get(integrations(facts), headers=headers, timeout=30).status_code


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """What is left after a first start: its environment, its facts, and an integration that was created in it."""
    folder = tmp_path_factory.mktemp("first")
    env = env_of(folder)
    with running(env, folder / "log"):
        facts = facts_of(env)
        made = requests.post(integrations(facts), json={"name": "Kept"}, headers=admin(facts), timeout=30)
    return env, facts, made.json()["data"]


@pytest.fixture(scope="module")
def second(first):
    """The environment of a second start, which is running."""
    env, _, _ = first
    with running(env, second_log(env)):
        yield env


def second_log(env):
    return Path(env["TMPDIR"]) / "second.log"


@pytest.fixture
def env(first, tmp_path):
    """Of another start, on a copy of what the first has left."""
    shutil.copytree(first[0]["DATA_DIR"], tmp_path / "data")
    return env_of(tmp_path)


def test_every_command_works_on_the_running_service_with_its_file_of_settings(second, tmp_path):
    script = Path(second["DATA_DIR"]) / "env.sh"
    assert stat.S_IMODE(script.stat().st_mode) == 0o600
    done = subprocess.run(
        ["sh", "-c", f". '{script}' && exec '{COMMAND}' receivers list --json"],
        cwd=tmp_path,
        env={**os.environ, "REDIS_URL": "redis://127.0.0.1:1/0"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert [row["kind"] for row in json.loads(done.stdout)] == ["platform", "connect"]


def integrations(facts):
    return f"{facts['service']}/api/stripe/integrations"


def admin(facts):
    return {"Authorization": f"Bearer {facts['tokens']['admin']}"}


def test_run_writes_where_everything_is_to_a_file_that_only_its_owner_can_read(first):
    env, facts, _ = first
    assert stat.S_IMODE((Path(env["DATA_DIR"]) / "run.json").stat().st_mode) == 0o600
    assert facts["service"].endswith(env["PORT"])
    assert facts["emulator"].endswith(env["EMULATOR_PORT"])
    assert facts["stripe_secret_key"].startswith("sk_test_")
    assert set(facts["tokens"]) == {"viewer", "member", "power_user", "admin"}


def test_the_link_that_run_prints_signs_in_to_the_console_again_and_again(second):
    (link,) = re.findall(r"^Console +(\S+)$", second_log(second).read_text(), flags=re.MULTILINE)
    page, _, secret = link.partition("#")
    for _ in range(2):
        with requests.Session() as browser:
            form = browser.get(page, timeout=30).text
            csrf = re.findall(r'name="csrf" value="([^"]+)"', form)[0]
            answer = browser.post(page, data={"csrf": csrf, "token": secret}, timeout=30)
            assert answer.ok
            assert "Sign out" in answer.text


def test_stripe_leads_merchants_back_to_the_service_and_nowhere_else(second):
    facts = facts_of(second)
    url, headers = integrations(facts), admin(facts)
    made = requests.post(url, json={"name": "Shop"}, headers=headers, timeout=30).json()["data"]
    asked = requests.post(f"{url}/{made['id']}/authorize", headers=headers, timeout=30)
    authorize_url = asked.json()["data"]["authorize_url"]
    assert requests.get(authorize_url, timeout=30).status_code == 200
    elsewhere = authorize_url.replace("callback", "callback%2F")
    assert requests.get(elsewhere, timeout=30).status_code == 400


def test_a_second_start_finds_its_data_and_its_tokens_again(first, second):
    _, facts, made = first
    assert facts_of(second) == facts
    tokens = [*facts["tokens"].values(), facts["other_tenant_token"]]
    assert {status_with(token, facts) for token in tokens} == {200}
    kept = requests.get(f"{integrations(facts)}/{made['id']}", headers=admin(facts), timeout=30).json()
    assert kept["data"]["name"] == "Kept"


def test_a_second_run_on_the_same_data_is_refused(second):
    again = subprocess.run([*PLAYGROUND, "run"], cwd=ROOT, env=second, capture_output=True, text=True)
    assert again.returncode == 1
    assert "Already running" in again.stderr


def test_an_erp_on_this_machine_can_subscribe(second):
    facts = facts_of(second)
    body = {"url": f"http://127.0.0.1:{reserved_port()}/changes", "enabled": False}
    url = f"{facts['service']}/api/subscribers"
    assert requests.post(url, json=body, headers=admin(facts), timeout=30).status_code == 201


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
        wait_until(lambda: listening(env) == [])


def listening(env):
    with_port = []
    for name in ("PORT", "EMULATOR_PORT"):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", int(env[name]))) == 0:
                with_port.append(name)
    return with_port


def test_the_demo_ends_well_and_leaves_nothing_behind(tmp_path):
    env = env_of(tmp_path)
    # The README has it exported for a real account, but the demo must send nobody to another machine.
    env["OAUTH_RETURN_URL"] = "https://erp.example.com/stripe/connected"
    done = subprocess.run([*PLAYGROUND, "demo"], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is paid, 124.50 USD" in done.stdout
    told = [line for line in done.stdout.splitlines() if line.split()[:1] == ["told"]]
    assert any("invoice.paid" in line and "order 1001 still owes 0 cents" in line for line in told)
    assert list(tmp_path.iterdir()) == []
