"""Programs that end with the measurement, and waiting until they are ready."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import requests

from benchmarks.options import ROOT
from tests.servers import preloaded
from tests.servers.processes import Running, spawn, stop
from tests.waiting import wait_until

_PATIENCE = 60.0
NOT_INSTALLED = ROOT / "benchmarks" / "stand" / "not_installed"
"""For PYTHONPATH: hides what development installs and production does not."""


class CommandFailed(Exception):
    """A program failed."""


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    within: float = 600,
) -> str:
    """Run a program, and return what it prints. Raises CommandFailed with the end of its output."""
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, timeout=within)
    if done.returncode:
        words = f"{done.stdout}\n{done.stderr}".strip()
        raise CommandFailed(
            f"`{' '.join(map(str, command))}` ended with status {done.returncode}:\n{words[-3000:]}"
        )
    return done.stdout


def python(*arguments: str) -> list[str]:
    """The command that runs a module with this environment's Python."""
    return [sys.executable, "-m", *arguments]


class Program:
    """A server, running from its creation until `stop`."""

    def __init__(
        self, command: Sequence[str | Path], *, env: Mapping[str, str], log: Path, cwd: Path = ROOT
    ) -> None:
        self._command, self._log = command, log
        self._process = self._start(env, cwd)

    def _start(self, env: Mapping[str, str], cwd: Path) -> Running:
        # A web server that is killed at once would leave its child processes behind.
        return spawn(self._command, log=self._log, env=env, on_parent_death=signal.SIGTERM, cwd=cwd)

    @property
    def pid(self) -> int:
        return self._process.pid

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        """Raises CommandFailed if it ends first or takes too long."""
        try:
            wait_until(lambda: self._process.poll() is not None or is_ready(), within=_PATIENCE)
        except AssertionError as error:
            raise CommandFailed(f"{self._command!r} is not ready: {self.log()[-3000:]}") from error
        if self._process.poll() is not None:
            raise CommandFailed(f"{self._command!r} ended: {self.log()[-3000:]}")

    def stop(self) -> None:
        """Stop it; none of its processes is left."""
        stop(self._process, signal.SIGTERM, within=20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


class ForkedProgram(Program):
    """Of this release, whose modules were imported once for all of them: where no figures are wanted."""

    def _start(self, env: Mapping[str, str], cwd: Path) -> Running:
        assert cwd == ROOT
        _python, _m, *module_and_arguments = map(str, self._command)
        return preloaded.start(*module_and_arguments, log=self._log, env=env)


def answers(url: str, status: int = 200) -> bool:
    """Whether the URL now answers with this status."""
    with requests.Session() as http:
        http.trust_env = False
        try:
            return http.get(url, timeout=5).status_code == status
        except requests.ConnectionError:
            return False


def environment(**settings: str) -> dict[str, str]:
    """These settings and a few of our variables: the others might change how contenders behave."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith("PYTHON")}
    # Production's files are compiled once, when they are installed.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, "NO_PROXY": "127.0.0.1", **settings}


_KEPT = frozenset({"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "USER", "VIRTUAL_ENV"})
