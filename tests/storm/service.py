"""The service, as processes that can be killed one by one, and the Stripe that it talks to."""

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import requests
from cryptography.fernet import Fernet

from stripe_bridge.adapters.database import SqlStore
from stripe_bridge.adapters.queue import InProcessNudges
from stripe_bridge.bootstrap.adapters import build_adapters
from stripe_bridge.bootstrap.use_cases import build_bridge
from stripe_bridge.bridge import Bridge
from stripe_bridge.config import Settings
from stripe_bridge_playground.settings import reserved_port
from stripe_emulator.server import EmulatorServer
from tests.servers import preloaded
from tests.servers.processes import LOOPBACK, Running, stop
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

_NONE: Mapping[str, str] = MappingProxyType({})


class Machine(Protocol):
    """Where a process runs: this machine, or a host with a network of its own."""

    @property
    def address(self) -> str: ...

    def start(self, module: str, *arguments: str, log: Path, env: Mapping[str, str]) -> Running:
        """Run `python -m module` there."""


class ThisMachine:
    address = LOOPBACK

    def start(self, module: str, *arguments: str, log: Path, env: Mapping[str, str]) -> Running:
        return preloaded.start(module, *arguments, log=log, env=env)


class Process:
    """A process that can be restarted with the same command, on a host whose clock may be set."""

    def __init__(
        self, machine: Machine, command: list[str], env: dict[str, str], log: Path, clock: Path
    ) -> None:
        self._machine = machine
        self._command = ["tests.storm.shifted", str(clock), *command]
        self._env, self._log, self._clock = env, log, clock
        self._process: Running | None = None
        self.set_clock(0)

    def set_clock(self, seconds_ahead: float) -> None:
        write_shift(self._clock, seconds_ahead)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        self._process = self._machine.start(*self._command, log=self._log, env=self._env)

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
    """Workers, and web processes.

    On this machine the web processes have one address, and the kernel distributes what comes among those that are alive. Other
    machines take turns with the processes, and need a balancer at `url`, which passes on to `addresses`.
    """

    def __init__(
        self,
        folder: Path,
        database_url: str,
        redis_url: str | None,
        *,
        web: int,
        workers: int,
        machines: Sequence[Machine] = (ThisMachine(),),
        stripe: str = LOOPBACK,
        settings: Mapping[str, str] = _NONE,
    ) -> None:
        self.emulator = EmulatorServer(host=stripe, retry_base=0.2, retry_cap=2.0, retry_attempts=40)
        self.control = self.emulator.control
        self.port = reserved_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
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
            **settings,
        }
        env = {**os.environ, "NO_PROXY": "127.0.0.1", **own}
        self.log = folder / "service.log"
        self._env, self._folder, self._machines = env, folder, machines
        self.web = [self._new_web(machines[number % len(machines)], number) for number in range(web)]
        self.workers: list[Process] = []
        for _ in range(workers):
            self.new_worker()
        operators = Settings.from_env(own)
        self._adapters = build_adapters(operators, InProcessNudges())
        self.operator: Bridge = build_bridge(operators, self._adapters)

    @property
    def store(self) -> SqlStore:
        store = self._adapters.store
        assert isinstance(store, SqlStore)
        return store

    def _new_web(self, machine: Machine, number: int) -> Process:
        serving = ["stripe_bridge", "--host", machine.address, "--port", str(self.port)]
        return Process(machine, serving, self._env, self.log, self._folder / f"clock-of-web-{number}")

    def new_worker(self, **more: str) -> Process:
        """Another worker, not started yet, with these settings in addition."""
        number = len(self.workers)
        machine, clock = (
            self._machines[number % len(self._machines)],
            self._folder / f"clock-of-worker-{number}",
        )
        command = ["flask", "--app", "wsgi:app", "worker"]
        process = Process(machine, command, self._env | more, self.log, clock)
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
        command = ("flask", "--app", "wsgi:app", *arguments)
        return preloaded.start(*command, log=self.log, env=self._env).wait(60)

    def start_all(self) -> None:
        """Start every process again, and wait until one answers."""
        self.start_stopped()
        wait_until(self.is_ready, every=0.1)

    def start_stopped(self) -> None:
        """Start every process that is not running."""
        for process in (*self.web, *self.workers):
            if not process.is_running:
                process.start()

    def is_ready(self, url: str | None = None) -> bool:
        """Whether the service answers that it is, or the web process at this URL."""
        with requests.Session() as http, suppress(requests.RequestException):
            http.trust_env = False
            return http.get(f"{url or self.url}/readyz", timeout=5).ok
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
