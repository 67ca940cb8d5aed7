"""What processes check before they work."""

import os
import signal
import sys
from pathlib import Path

import pytest

from stripe_bridge.adapters.clock import AnchoredClock
from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.adapters.vault import FernetVault, new_key
from stripe_bridge.use_cases.receivers.encryption_key import EncryptionKey
from tests.adapters.web.world import ENVIRONMENT
from tests.servers.processes import free_port, spawn, stop
from tests.waiting import wait_until

PROCESSES = {
    "web": lambda: [sys.executable, "-m", "stripe_bridge", "--port", str(free_port())],
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
