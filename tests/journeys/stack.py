"""The whole service against the emulator: real processes, real HTTP, a real database, a real queue."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import requests
import stripe
from cryptography.fernet import Fernet

from stripe_bridge.adapters.database import SqlStore
from stripe_bridge.adapters.queue import InProcessNudges
from stripe_bridge.bootstrap.adapters import build_adapters
from stripe_bridge.bootstrap.use_cases import build_bridge
from stripe_bridge.bridge import Bridge
from stripe_bridge.config import Settings
from stripe_bridge_playground.settings import reserved_port
from stripe_emulator.control import Control
from stripe_emulator.server import EmulatorServer
from tests.servers.preloaded import Forked, start
from tests.servers.processes import ROOT, spawn, stop
from tests.waiting import PATIENCE, wait_until

WEBHOOK_SECRET = "whsec_journeys"
"""What tests sign the events with that they send themselves."""
_STARTED = "Application startup complete"
_WORKERS = {
    "flask": ["flask", "--app", "wsgi:app", "worker"],
    "dramatiq": ["dramatiq", "--processes", "1", "--threads", "2", "stripe_bridge.bootstrap:start_worker"],
}


@dataclass(frozen=True, kw_only=True)
class Combination:
    """`worker` names the command of the single worker process; if there is one, nudges go through Redis."""

    database: str
    web_processes: int = 1
    worker: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        web = f"{self.web_processes}-web" if self.web_processes > 1 else "web"
        worker = f"{self.worker}-worker" if self.worker else "in-process"
        return "-".join([self.database, web, worker, *(value.lower() for value in self.settings.values())])


class Stack:
    """A running service, and the Stripe that it talks to.

    `control` acts for customers, merchants and banks; `operator` has every use case, like the `flask` command; `platform` is
    the platform's own client at Stripe. Tests share a stack, and each has its own tenants.
    """

    def __init__(
        self, combination: Combination, *, database_url: str, redis_url: str | None, folder: Path
    ) -> None:
        self.emulator = EmulatorServer(retry_base=0.1, retry_cap=1.0)
        self.control: Control = self.emulator.control
        self.url = f"http://127.0.0.1:{reserved_port()}"
        self.database_url = database_url
        self.env = {
            "DATABASE_URL": database_url,
            "PUBLIC_URL": self.url,
            "STRIPE_SECRET_KEY": self.emulator.settings.secret_key,
            "STRIPE_CLIENT_ID": self.emulator.settings.client_id,
            "STRIPE_API_BASE": self.emulator.url,
            "STRIPE_CONNECT_BASE": self.emulator.url,
            "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
            # No reconciling: whatever happens here is caused by requests and webhooks.
            "RECONCILE_SECONDS": "0",
            "SWEEP_SECONDS": "1",
            # Tests' receivers are on this machine.
            "SUBSCRIBERS_ALLOW_PRIVATE": "127.0.0.0/8",
            # The emulator takes any number, and one tenant's test does not wait for its turn after another's.
            "STRIPE_REQUESTS_PER_SECOND": "10000",
            **combination.settings,
        }
        if redis_url is not None:
            self.env["REDIS_URL"] = redis_url
        self._combination = combination
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes] | Forked] = []
        self._adapters = build_adapters(Settings.from_env(self.env), InProcessNudges())
        self.operator: Bridge = build_bridge(Settings.from_env(self.env), self._adapters)
        self.store = self._adapters.store
        self._http = stripe.RequestsClient(timeout=30)
        self.platform = stripe.StripeClient(
            self.emulator.settings.secret_key,
            base_addresses=self.emulator.base_addresses,
            http_client=self._http,
        )

    def __enter__(self) -> Self:
        self.emulator.start()
        try:
            self._start()
        except BaseException as error:
            error.add_note(self.logs())
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> None:
        web = self._combination.web_processes
        port = self.url.rpartition(":")[2]
        self._run("web", ["stripe_bridge", "--port", port, "--workers", str(web)])
        if self._combination.worker is not None:
            self._run("worker", _WORKERS[self._combination.worker])
        self.operator.receivers.register()
        # One process that answers does not show that all do.
        wait_until(lambda: self._is_ready() and self._log("web").count(_STARTED) == web)

    def _run(self, name: str, command: list[str]) -> None:
        inherited = {name: value for name, value in os.environ.items() if name not in _OURS}
        env = {**inherited, **self.env, "NO_PROXY": "127.0.0.1"}
        log = self._folder / f"{name}.log"
        self._processes.append(_start(command, log=log, env=env))

    def _is_ready(self) -> bool:
        for process in self._processes:
            assert process.poll() is None, f"{process.args!r} ended with status {process.returncode}"
        with requests.Session() as http:
            http.trust_env = False
            try:
                return http.get(f"{self.url}/readyz", timeout=5).ok
            except requests.RequestException:
                return False

    def command(self, *words: str) -> None:
        """What somebody runs beside the service with `flask`, until it has ended well."""
        log = self._folder / "command.log"
        process = start("flask", "--app", "wsgi:app", *words, log=log, env={**os.environ, **self.env})
        assert process.wait(PATIENCE) == 0, log.read_text()

    def logs(self, since: Mapping[str, int] | None = None) -> str:
        """What the processes have written, starting from these lengths."""
        start = since or {}
        return "\n".join(f"--- {name}\n{self._log(name)[start.get(name, 0) :]}" for name in ("web", "worker"))

    def log_lengths(self) -> dict[str, int]:
        return {name: len(self._log(name)) for name in ("web", "worker")}

    def _log(self, name: str) -> str:
        path = self._folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def close(self) -> None:
        """Stop everything that was started; none of it is left."""
        for process in self._processes:
            stop(process, signal.SIGTERM)
            _kill_group(process.pid)
        self.emulator.stop()
        self._http.close()
        store = self._adapters.store
        assert isinstance(store, SqlStore)
        store.close()

    @contextmanager
    def misbehaving(self, setting: Any) -> Iterator[None]:
        """Meanwhile Stripe misbehaves; docs/emulator.md describes the settings."""
        self.control.misbehave(setting)
        try:
            yield
        finally:
            self.control.misbehave({})


_OURS = frozenset(
    {
        "DATABASE_URL",
        "REDIS_URL",
        "STRIPE_WEBHOOK_SECRETS",
        "STRIPE_ACCOUNT_AUTH",
        "OAUTH_RETURN_URL",
        "LOG_LEVEL",
        "FLASK_RUN_FROM_CLI",
    }
)


def _start(command: list[str], *, log: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes] | Forked:
    if command[0] != "dramatiq":
        return start(*command, log=log, env=env)
    # It starts processes of its own, which it would leave behind if it were killed at once.
    arguments = [sys.executable, "-m", *command]
    return spawn(arguments, log=log, env=env, on_parent_death=signal.SIGTERM, cwd=ROOT)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
