"""What processes check before they work."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stripe_bridge.adapters.clock import AnchoredClock
from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.adapters.vault import FernetVault, new_key
from stripe_bridge.use_cases.receivers.encryption_key import EncryptionKey
from stripe_bridge_playground.settings import reserved_port
from tests.adapters.web.world import ENVIRONMENT
from tests.servers.processes import spawn, stop
from tests.waiting import wait_until

PROCESSES = {
    "web": lambda: [sys.executable, "-m", "stripe_bridge", "--port", str(reserved_port())],
    "worker": lambda: [sys.executable, "-m", "flask", "--app", "wsgi", "worker"],
}
ROOT = Path(__file__).parents[1]


def start(name: str, url: str, log: Path) -> str:
    """What the process logs until it says something about its key, or has started."""
    command = PROCESSES[name]()
    process = spawn(command, log=log, env={**os.environ, **ENVIRONMENT, "DATABASE_URL": url}, cwd=ROOT)
    wait_until(lambda: "startup complete" in log.read_text() or "encryption key" in log.read_text())
    stop(process, signal.SIGTERM)
    return log.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_with_another_key_than_the_one_in_use_says_so(name: str, sqlite_url: str, tmp_path: Path):
    store = SqlStore(create_engine(sqlite_url))
    EncryptionKey(store, AnchoredClock(), FernetVault([new_key()])).adopt()
    store.close()

    log = start(name, sqlite_url, tmp_path / "log")

    assert '"wrong encryption key"' in log
    assert ENVIRONMENT["ENCRYPTION_KEYS"] not in log


@pytest.mark.slow
def test_the_first_process_stores_which_key_is_in_use(sqlite_url: str, tmp_path: Path):
    log = start("web", sqlite_url, tmp_path / "log")

    assert "encryption key" not in log
    store = SqlStore(create_engine(sqlite_url))
    with store.reading() as work:
        assert work.key_in_use.find() == FernetVault([ENVIRONMENT["ENCRYPTION_KEYS"]]).fingerprints()[0]
    store.close()


COMMAND_APP = """
from stripe_bridge.bootstrap import create_command_app
app = create_command_app()
"""
SHOW_LOADED = """
import sys
print(*({names!r} & sys.modules.keys()))
"""
HEAVY = {
    *(
        "alembic",
        "cryptography",
        "dramatiq",
        "flask_smorest",
        "jwt",
        "redis",
        "requests",
        "sqlalchemy",
        "stripe",
    ),
    "uvicorn",
}
SERVERS = {
    "DATABASE_URL": "postgresql://bridge@127.0.0.1:1/bridge",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}
OF_PAGES = {"apispec", "flask", "flask_smorest", "jinja2", "marshmallow", "uvicorn", "werkzeug"}


def loaded_after(act: str, names: set[str] = HEAVY, /, **settings: str) -> set[str]:
    """Which of these libraries a process has loaded after this."""
    inherited = {name: value for name, value in os.environ.items() if name not in {*ENVIRONMENT, "REDIS_URL"}}
    done = subprocess.run(
        [sys.executable, "-c", act + SHOW_LOADED.format(names=names)],
        env={**inherited, **settings},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_help_needs_no_settings_and_loads_nothing_of_the_service():
    act = """
for arguments in (["--help"], ["tokens", "create", "--help"]):
    shown = app.test_cli_runner().invoke(args=arguments)
    assert shown.exit_code == 0, shown.output
assert "--tenant" in shown.output
"""
    assert loaded_after(COMMAND_APP + act) == set()


@pytest.mark.parametrize("redis", [{}, {"REDIS_URL": "redis://127.0.0.1:1/0"}])
def test_a_command_that_reads_the_database_loads_nothing_but_what_it_needs_for_that(sqlite_url: str, redis):
    act = """
shown = app.test_cli_runner().invoke(args=["tokens", "list"])
assert shown.exit_code == 0, shown.output
"""
    assert loaded_after(COMMAND_APP + act, **ENVIRONMENT, **redis, DATABASE_URL=sqlite_url) == {"sqlalchemy"}


def test_a_command_without_settings_ends_with_a_sentence_for_each():
    act = """
shown = app.test_cli_runner().invoke(args=["tokens", "list"])
assert isinstance(shown.exception, SystemExit)
assert "STRIPE_SECRET_KEY" in str(shown.exception), shown.exception
"""
    loaded_after(COMMAND_APP + act)


def test_the_application_of_the_commands_serves_every_page_for_development(sqlite_url: str):
    act = """
client = app.test_client()
assert client.get("/readyz").status_code == 200
assert client.get("/openapi.json").get_json()["paths"]
"""
    assert {"flask_smorest", "stripe"} <= loaded_after(
        COMMAND_APP + act, **ENVIRONMENT, DATABASE_URL=sqlite_url
    )


@pytest.mark.parametrize("redis", [{}, {"REDIS_URL": "redis://127.0.0.1:1/0"}])
def test_a_command_outside_of_flask_loads_nothing_that_makes_pages(sqlite_url: str, redis):
    act = """
from stripe_bridge.bootstrap import main
main(["tokens", "list"], standalone_mode=False)
"""
    settings = ENVIRONMENT | redis | {"DATABASE_URL": sqlite_url}
    assert loaded_after(act, HEAVY | OF_PAGES, **settings) == {"sqlalchemy"}


def test_a_worker_loads_nothing_that_makes_pages_or_migrates():
    act = """
import os
from stripe_bridge.bootstrap.console import main
from stripe_bridge.bootstrap.service import build_service
from stripe_bridge.bootstrap.worker import worker_of
service = build_service(os.environ, lazily=True)
service.load()
worker_of(service)
"""
    settings = {**ENVIRONMENT, **SERVERS}
    unwanted = {*OF_PAGES, "alembic", "authlib", "opentelemetry", "sqlite3"}
    wanted = {"dramatiq", "stripe"}
    assert loaded_after(act, unwanted | wanted, **settings) == wanted


def test_a_web_process_loads_nothing_that_migrates_signs_in_or_traces_unless_it_is_set_up():
    act = """
import os
from stripe_bridge.bootstrap import server
from stripe_bridge.bootstrap.service import build_service
from stripe_bridge.bootstrap.web import web_app_of
web_app_of(build_service(os.environ)).test_client().get("/healthz")
"""
    settings = {**ENVIRONMENT, **SERVERS}
    unwanted = {"alembic", "authlib", "opentelemetry", "sqlite3"}
    wanted = {"flask_smorest", "stripe"}
    assert loaded_after(act, unwanted | wanted, **settings) == wanted


SERVICE = """
import os, sys
from stripe_bridge.bootstrap.service import build_service
service = build_service(os.environ)
service.load()
print(service.bridge.access.begin_sign_in.issuer, "authlib" in sys.modules)
"""
PROVIDER = {
    "CONSOLE_OIDC_ISSUER": "https://id.example.com",
    "CONSOLE_OIDC_CLIENT_ID": "console",
    "CONSOLE_OIDC_CLIENT_SECRET": "secret",
}


@pytest.mark.parametrize(
    ("settings", "shown"), [({}, "None False"), (PROVIDER, "https://id.example.com True")]
)
def test_signing_in_by_a_provider_is_loaded_only_where_there_is_one(settings, shown, tmp_path):
    inherited = {name: value for name, value in os.environ.items() if name not in {*ENVIRONMENT, "REDIS_URL"}}
    ours = ENVIRONMENT | {"DATABASE_URL": f"sqlite:///{tmp_path / 'bridge.db'}"}
    done = subprocess.run(
        [sys.executable, "-c", SERVICE],
        env={**inherited, **ours, **settings},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == shown, done.stderr
