"""The service's commands as real processes, forked from one that has imported the service but opened nothing.

Importing takes most of the time and of the CPU of a start, and tests start the service a hundred times. That it also starts
without this is tested in test_serving.py, and by the playground's tests.
"""

import ctypes
import gc
import importlib
import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests.servers.processes import ROOT, SET_PARENT_DEATH_SIGNAL, scratch_folder, spawn

_IMPORTED = (
    "flask.cli",
    # In this order: it keeps redis-py from loading OpenTelemetry.
    "stripe_bridge.adapters.queue.plain_redis",
    "stripe_bridge.adapters.queue.redis_nudges",
    "stripe_bridge.adapters.deliveries.http",
    "stripe_bridge.adapters.vault",
    "stripe_bridge.adapters.web.webhook_protocol",
    "stripe_bridge.bootstrap.command_app",
    "stripe_bridge.bootstrap.commands",
    "stripe_bridge.bootstrap.server",
    "stripe_bridge.bootstrap.stripe_adapters",
    "stripe_bridge.bootstrap.web",
    "stripe._stripe_client",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.supervisors",
)


class Forked:
    """One of these processes, with the methods of a `Popen` that tests use."""

    def __init__(self, server: "_ForkServer", pid: int, args: list[str]) -> None:
        self._server = server
        self.pid, self.args = pid, args
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._server.ask(status_of=self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        deadline = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            time.sleep(0.01)
        return status

    def send_signal(self, number: int) -> None:
        # Its id is not given away before `poll` has its status.
        if self.poll() is None:
            os.kill(self.pid, number)


def start(
    module: str, *arguments: str, log: Path, env: Mapping[str, str], network: str | None = None
) -> Forked:
    """Run `python -m module`, in its own session and with its output in `log`. It gets SIGTERM when we are gone.

    `network` is the file of a network namespace, for one that is not ours.
    """
    server = _fork_server()
    argv = [module, *arguments]
    # Whoever waits for what it writes can read it at once.
    log.touch()
    pid: int = server.ask(start=argv, log=os.fspath(log), env=dict(env), network=network)
    return Forked(server, pid, argv)


class _ForkServer:
    """Our end of it: a line of JSON for each question, and one for its answer."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._folder = scratch_folder("preloaded")
        self._process = spawn(
            [sys.executable, "-m", __name__],
            log=self._folder / "log",
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def ask(self, **question: Any) -> Any:
        with self._guard:
            assert self._process.stdin
            assert self._process.stdout
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
            assert answer, (self._folder / "log").read_text()
            return json.loads(answer)

    def close(self) -> None:
        """The processes that still run are told to stop."""
        self._process.kill()
        with self._process:
            shutil.rmtree(self._folder, ignore_errors=True)


_fork_server = cache(_ForkServer)


def close() -> None:
    """End what forks, if anything was started."""
    if _fork_server.cache_info().currsize:
        _fork_server().close()
        _fork_server.cache_clear()


def _serve() -> None:
    for name in _IMPORTED:
        importlib.import_module(name)
    gc.collect()
    # Otherwise each process would copy most of this memory as soon as it looks for garbage.
    gc.freeze()
    for line in sys.stdin:
        question = json.loads(line)
        if "status_of" in question:
            answer = _status_of(question["status_of"])
        else:
            answer = os.fork()
            if answer == 0:
                _become(**question)
                return
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _status_of(pid: int) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _become(start: list[str], log: str, env: dict[str, str], network: str | None) -> None:
    os.setsid()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(SET_PARENT_DEATH_SIGNAL, int(signal.SIGTERM))
    if network is not None:
        _enter(libc, network)
    nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for number, opened in ((0, nothing), (1, output), (2, output)):
        os.dup2(opened, number)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = start
    runpy.run_module(start[0], run_name="__main__", alter_sys=True)


def _enter(libc: ctypes.CDLL, network: str) -> None:
    with open(network) as namespace:
        if libc.setns(namespace.fileno(), 0):
            raise OSError(ctypes.get_errno(), "setns", network)


if __name__ == "__main__":
    _serve()
