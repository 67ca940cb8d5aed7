"""The service, started as the README says, and its commands."""

import itertools
import json
import os
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from benchmarks.load.payloads import SECRET
from benchmarks.options import ROOT
from benchmarks.stand.emulator import CLIENT_ID, SECRET_KEY
from benchmarks.stand.programs import NOT_INSTALLED, ForkedProgram, Program, answers, environment, python, run
from stripe_bridge.adapters.database import SqlStore, migrations_runner
from stripe_bridge.adapters.queue import InProcessNudges
from stripe_bridge.bootstrap.adapters import build_adapters
from stripe_bridge.bootstrap.use_cases import build_bridge
from stripe_bridge.config import Settings
from stripe_bridge.domain.access import Role
from stripe_bridge_playground.settings import reserved_port

_NUMBERS = itertools.count(1)
_STARTED = re.compile(r"Started server process \[(\d+)\]")
_READY = "Application startup complete"
_FLASK = ("flask", "--app", "wsgi:app")
# As in deploy/: `stripe-bridge`, which is not installed for a release of which there is only the source.
_WORKER = (sys.executable, "-c", "from stripe_bridge.bootstrap import main; main()", "worker")


class Service:
    """With Redis: several web processes, and a worker when started. Without: one web process with its own worker.

    `release` is the folder of another release's source. What is `forked` starts quickly, unless it is of another release.
    """

    def __init__(
        self,
        *,
        database_url: str,
        redis_url: str | None,
        stripe_url: str,
        folder: Path,
        web_processes: int = 1,
        release: Path = ROOT,
        forked: bool = False,
    ) -> None:
        self.url = f"http://127.0.0.1:{reserved_port()}"
        self.web_processes = web_processes
        self.env = environment(
            DATABASE_URL=database_url,
            PUBLIC_URL=self.url,
            STRIPE_SECRET_KEY=SECRET_KEY,
            STRIPE_CLIENT_ID=CLIENT_ID,
            STRIPE_API_BASE=stripe_url,
            STRIPE_CONNECT_BASE=stripe_url,
            # The emulator has no rate limit.
            STRIPE_REQUESTS_PER_SECOND="10000",
            STRIPE_WEBHOOK_SECRETS=SECRET,
            ENCRYPTION_KEYS=Fernet.generate_key().decode(),
            # No reconciling in the middle of a turn.
            RECONCILE_SECONDS="0",
            # Subscribers are on this machine.
            SUBSCRIBERS_ALLOW_PRIVATE="127.0.0.0/8",
        )
        source = [str(release / "src")] if release != ROOT else []
        self.env["PYTHONPATH"] = os.pathsep.join([*source, str(NOT_INSTALLED)])
        if redis_url:
            self.env["REDIS_URL"] = redis_url
        self._logs, self._release = folder, release
        self._run = ForkedProgram if forked and release == ROOT else Program
        self._number = next(_NUMBERS)
        self._web: Program | None = None
        self._worker: Program | None = None
        self._workers = 0

    @property
    def webhooks(self) -> str:
        return f"{self.url}/api/webhooks/stripe"

    @property
    def database(self) -> str:
        """The database's name on the server."""
        return self.env["DATABASE_URL"].rpartition("/")[2]

    def __enter__(self) -> "Service":
        self._web = self._run(
            [
                *python("stripe_bridge", "--port", self.url.rpartition(":")[2]),
                *("--workers", str(self.web_processes)),
            ],
            env=self.env,
            log=self._logs / f"web-{self._number}.log",
            cwd=self._release,
        )
        # One process that answers does not show that all do.
        self._web.wait_until(self._is_ready)
        return self

    def _is_ready(self) -> bool:
        assert self._web
        return self._web.log().count(_READY) == self.web_processes and answers(f"{self.url}/readyz")

    def __exit__(self, *_: object) -> None:
        self.stop_worker()
        if self._web:
            self._web.stop()

    def start_worker(self) -> None:
        """Run a worker until `stop_worker`."""
        self._workers += 1
        log = self._logs / f"worker-{self._number}-{self._workers}.log"
        command = (
            python(*_FLASK, "worker") if self._run is ForkedProgram or self._release != ROOT else _WORKER
        )
        self._worker = self._run(command, env=self.env, log=log, cwd=self._release)
        self._worker.wait_until(lambda: "worker started" in log.read_text())

    def stop_worker(self) -> None:
        if self._worker:
            self._worker.stop()
            self._worker = None

    def web_pids(self) -> list[int]:
        """The ids of the processes that serve, without that of their parent."""
        assert self._web
        return [int(pid) for pid in _STARTED.findall(self._web.log())]

    @property
    def worker_pid(self) -> int:
        assert self._worker
        return self._worker.pid

    def flask(self, *arguments: str) -> str:
        """Run a command, and return what it prints."""
        return run(python(*_FLASK, *arguments), env=self.env, cwd=self._release)

    def tokens(self, count: int, tenant: str, role: str) -> list[str]:
        """Create tokens: each has rate limits of its own."""
        if self._release != ROOT:
            return self._tokens_by_command(count, tenant, role)
        settings = Settings.from_env(self.env)
        adapters = build_adapters(settings, InProcessNudges())
        create = partial(
            build_bridge(settings, adapters).access.create_token,
            tenant_id=tenant,
            role=Role(role),
            user_id=None,
            label="benchmarks",
        )
        secrets = [create().secret for _ in range(count)]
        assert isinstance(adapters.store, SqlStore)
        adapters.store.close()
        return secrets

    def _tokens_by_command(self, count: int, tenant: str, role: str) -> list[str]:
        roles = itertools.chain.from_iterable(("--role", role) for _ in range(count))
        made: Any = json.loads(
            self.flask("tokens", "create", "--tenant", tenant, "--new-tenant", *roles, "--json")
        )
        return [token["token"] for token in (made if isinstance(made, list) else [made])]


def migrate(database_url: str, stripe_url: str, folder: Path, release: Path = ROOT) -> None:
    """Create the tables, as one does before each release."""
    if release == ROOT:
        migrations_runner.migrate(database_url)
        return
    Service(
        database_url=database_url, redis_url=None, stripe_url=stripe_url, folder=folder, release=release
    ).flask("db", "upgrade")
