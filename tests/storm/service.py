"""The service, as processes that can be killed one by one, and the Stripe that it talks to."""

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests
from cryptography.fernet import Fernet

from stripe_bridge.adapters.database import SqlStore
from stripe_bridge.adapters.queue import InProcessNudges
from stripe_bridge.bootstrap.adapters import build_adapters
from stripe_bridge.bootstrap.use_cases import build_bridge
from stripe_bridge.bridge import Bridge
from stripe_bridge.config import Settings
from stripe_emulator.server import EmulatorServer
from tests.servers.preloaded import Forked, start
from tests.servers.processes import free_port, stop
from tests.storm.shifted import write_shift
from tests.waiting import wait_until

WEBHOOK_SECRET = "whsec_storm"
"""What tests sign the events with that they send themselves."""
# Short, so that what a kill left behind is soon taken up. The longest call still fits into a lease.
_IMPATIENT = {
    "INTENT_LEASE_SECONDS": "10",
    "INTENT_SETTLE_SECONDS": "6",
    "STRIPE_READ_TIMEOUT": "4",
    "SWEEP_SECONDS": "0.5",
    "RECONCILE_SECONDS": "3",
    "STRIPE_REQUESTS_PER_SECOND": "10000",
    "LOG_LEVEL": "WARNING",
}


class Process:
    """A process that can be restarted with the same command, on a host whose clock may be set."""

    def __init__(self, command: list[str], env: dict[str, str], log: Path, clock: Path) -> None:
        self._command = ["tests.storm.shifted", str(clock), *command]
        self._env, self._log, self._clock = env, log, clock
        self._process: Forked | None = None
        self.set_clock(0)

    def set_clock(self, seconds_ahead: float) -> None:
        write_shift(self._clock, seconds_ahead)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        self._process = start(*self._command, log=self._log, env=self._env)

    def kill(self) -> None:
        """Kill it as a crash would, together with its children."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self, within: float = 20) -> int:
        """Stop it with SIGTERM; returns the exit status."""
        assert self._process is not None
        return stop(self._process, signal.SIGTERM, within=within)


class Service:
    """Workers, and web processes on one address, which the kernel distributes among those that are alive."""

    def __init__(
        self, folder: Path, database_url: str, redis_url: str | None, *, web: int, workers: int, **more: str
    ) -> None:
        self.emulator = EmulatorServer(retry_base=0.2, retry_cap=2.0, retry_attempts=40)
        self.control = self.emulator.control
        port = str(free_port())
        self.url = f"http://127.0.0.1:{port}"
        own = {
            "DATABASE_URL": database_url,
            "PUBLIC_URL": self.url,
            "STRIPE_SECRET_KEY": self.emulator.settings.secret_key,
            "STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
            "STRIPE_CLIENT_ID": self.emulator.settings.client_id,
            "STRIPE_API_BASE": self.emulator.url,
            "STRIPE_CONNECT_BASE": self.emulator.url,
            "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            # The subscribers are on this machine.
            "SUBSCRIBERS_ALLOW_PRIVATE": "127.0.0.0/8",
            **_IMPATIENT,
            **({"REDIS_URL": redis_url} if redis_url else {}),
            **more,
        }
        env = {**os.environ, "NO_PROXY": "127.0.0.1", **own}
        self.log = folder / "service.log"
        serving = ["stripe_bridge", "--port", port]
        self._env, self._folder = env, folder
        self.web = [
            Process(serving, env, self.log, folder / f"clock-of-web-{number}") for number in range(web)
        ]
        self.workers: list[Process] = []
        for _ in range(workers):
            self.new_worker()
        settings = Settings.from_env(own)
        self._adapters = build_adapters(settings, InProcessNudges())
        self.operator: Bridge = build_bridge(settings, self._adapters)

    @property
    def store(self) -> SqlStore:
        store = self._adapters.store
        assert isinstance(store, SqlStore)
        return store

    def new_worker(self, **more: str) -> Process:
        """Another worker, not started yet, with these settings in addition."""
        clock = self._folder / f"clock-of-worker-{len(self.workers)}"
        process = Process(["flask", "--app", "wsgi:app", "worker"], self._env | more, self.log, clock)
        self.workers.append(process)
        return process

    def start(self) -> None:
        self.emulator.start()
        for process in (*self.web, *self.workers):
            process.start()
        wait_until(self.is_ready, every=0.2)
        self.operator.receivers.register()

    def command(self, *arguments: str) -> int:
        """Run a `flask` command; returns its exit status."""
        return start("flask", "--app", "wsgi:app", *arguments, log=self.log, env=self._env).wait(60)

    def start_all(self) -> None:
        """Start every process again, and wait until one answers."""
        self.requeue_skipped()
        wait_until(self.is_ready, every=0.1)

    def requeue_skipped(self) -> None:
        """Start every process that is not running."""
        for process in (*self.web, *self.workers):
            if not process.is_running:
                process.start()

    def is_ready(self) -> bool:
        with requests.Session() as http, suppress(requests.RequestException):
            http.trust_env = False
            return http.get(f"{self.url}/readyz", timeout=5).ok
        return False

    def calm(self) -> None:
        self.control.misbehave({})
        for process in (*self.web, *self.workers):
            process.set_clock(0)

    def misbehave(self, setting: Any) -> None:
        self.control.misbehave(setting)

    def close(self) -> None:
        for process in (*self.web, *self.workers):
            process.kill()
        self.emulator.stop()
        self.store.close()
