"""Processes of two releases on one database, one Redis and one Stripe, as in a rolling upgrade."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import requests
from cryptography.fernet import Fernet

from stripe_bridge_playground import in_turn as in_turn_program
from stripe_bridge_playground.settings import reserved_port
from stripe_emulator.server import EmulatorServer
from tests.servers import preloaded
from tests.servers.processes import Running, spawn, stop
from tests.waiting import PATIENCE, wait_until

CURRENT = Path(__file__).parents[2]
Json = dict[str, Any]


class Upgrade:
    """`former` and `CURRENT` are the releases' folders. Only one serves the web at a time, always at the same address."""

    def __init__(
        self, emulator: EmulatorServer, former: Path, database_url: str, redis_url: str, folder: Path
    ) -> None:
        self.former, self._folder = former, folder
        self.port = reserved_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "PUBLIC_URL": self.url,
            "STRIPE_SECRET_KEY": emulator.settings.secret_key,
            "STRIPE_CLIENT_ID": emulator.settings.client_id,
            "STRIPE_API_BASE": emulator.url,
            "STRIPE_CONNECT_BASE": emulator.url,
            "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "INTENT_SETTLE_SECONDS": "1",
            "SWEEP_SECONDS": "1",
            "STRIPE_REQUESTS_PER_SECOND": "10000",
            "RECONCILE_SECONDS": "0",
        }
        self._processes: list[Running] = []

    def start(self, release: Path, *command: str) -> subprocess.Popen[bytes]:
        process = spawn(
            [sys.executable, "-m", *command],
            log=self._folder / "log",
            env=self._environment(release),
            on_parent_death=signal.SIGTERM,
            cwd=release,
        )
        self._processes.append(process)
        return process

    def start_web(self, release: Path) -> Running:
        command = ("stripe_bridge", "--port", str(self.port))
        return self._fork(*command) if release == CURRENT else self.start(release, *command)

    def upgrade_schema(self) -> None:
        """To this release's."""
        assert self._fork("flask", "--app", "wsgi:app", "db", "upgrade").wait(PATIENCE) == 0, self.log()

    def _fork(self, *command: str) -> Running:
        """Start a process of this release without importing it anew."""
        process = preloaded.start(*command, log=self._folder / "log", env=self._environment(CURRENT))
        self._processes.append(process)
        return process

    def start_worker(self, release: Path) -> subprocess.Popen[bytes]:
        return self.start(release, "flask", "--app", "wsgi:app", "worker")

    def flask(self, release: Path, *commands: Sequence[str]) -> list[str]:
        """What each of these commands of this release writes. One process runs them, since it takes long to start."""
        in_turn = [["flask", "--app", "wsgi:app", *command] for command in commands]
        # By its file, which the former release does not have, and without what lies beside it.
        program = [sys.executable, "-P", in_turn_program.__file__, json.dumps(in_turn)]
        env = self._environment(release)
        done = subprocess.run(program, env=env, cwd=release, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        written: list[str] = json.loads(done.stdout)
        return written

    def package(self, release: Path) -> Path:
        """The package that the release's processes import."""
        command = [sys.executable, "-c", "import stripe_bridge; print(*stripe_bridge.__path__)"]
        env = self._environment(release)
        return Path(
            subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.strip()
        )

    def wait_until_ready(self, process: Running) -> None:
        def is_ready() -> bool:
            assert process.poll() is None, self.log()
            try:
                return requests.get(f"{self.url}/readyz", timeout=5).ok
            except requests.RequestException:
                return False

        wait_until(is_ready)

    @contextmanager
    def suspended(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        """Stopped between two transactions: in one, it would keep from all others what it has locked."""
        wait_until(lambda: self._stops_between_transactions(process))
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def _stops_between_transactions(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.poll() is None, self.log()
        process.send_signal(signal.SIGSTOP)
        # Until all its threads have stopped.
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        if not self._is_locked():
            return True
        process.send_signal(signal.SIGCONT)
        return False

    def _is_locked(self) -> bool:
        """Whether anything holds a lock for writing."""
        database_url = self.settings["DATABASE_URL"]
        if database_url.startswith("sqlite"):
            path = database_url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
                try:
                    connection.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError:
                    return True
                return False
        with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
            others = connection.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
            )
            return others.fetchone() != (0,)

    def stop(self, process: Running) -> int:
        return stop(process, signal.SIGTERM)

    def log(self) -> str:
        path = self._folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def close(self) -> None:
        for process in self._processes:
            self.stop(process)

    def _environment(self, release: Path) -> dict[str, str]:
        inherited = {"PATH": os.environ.get("PATH", ""), "NO_PROXY": "127.0.0.1"}
        return {**inherited, **self.settings, "PYTHONPATH": os.fspath(release / "src")}


class Client:
    """A tenant's ERP."""

    def __init__(self, url: str, token: str, http: requests.Session) -> None:
        self._url, self._token, self._http = url, token, http

    def ask(self, method: str, path: str, body: Any = None, key: str | None = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {self._token}", **({"Idempotency-Key": key} if key else {})}
        return self._http.request(method, f"{self._url}/api{path}", json=body, headers=headers, timeout=30)

    def data(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        answer = self.ask(method, path, body, key)
        assert answer.ok, answer.text
        return answer.json()["data"]

    def get(self, path: str) -> Any:
        return self.data("GET", path)

    def connect(self) -> Json:
        """A new integration, connected to a new account."""
        integration_id = self.data("POST", "/stripe/integrations", {"name": "Rosen Furniture"})["id"]
        page = self.data("POST", f"/stripe/integrations/{integration_id}/authorize")["authorize_url"]
        assert self._http.post(page, data={"decision": "approve"}, timeout=30).ok
        connected: Json = self.get(f"/stripe/integrations/{integration_id}")
        assert connected["connected"]
        return connected


def token_in(output: str) -> str:
    """The token in what `stripe-bridge tokens create --json` writes."""
    token: str = json.loads(output)["token"]
    return token
