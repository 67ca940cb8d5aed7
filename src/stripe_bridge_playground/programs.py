"""Programs that run beside this one, and never outlive it."""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import requests

from stripe_bridge_playground.faults import Fault

_SET_PARENT_DEATH_SIGNAL = 1
_START_TIMEOUT = 60.0
_STOP_TIMEOUT = 20.0


def run(commands: Sequence[Sequence[str]], env: Mapping[str, str]) -> list[str]:
    """Run commands of this environment's Python to their end, one after another, and return what each printed."""
    done = subprocess.run(
        [sys.executable, "-m", "stripe_bridge_playground.in_turn", json.dumps(commands)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        words = (done.stderr or done.stdout).strip()
        shown = " && ".join(" ".join(each) for each in commands)
        raise Fault(f"`{shown}` ended with status {done.returncode}:\n{words}")
    printed: list[str] = json.loads(done.stdout)
    return printed


class Program:
    """A server in a session of its own: Ctrl-C in the terminal reaches only us, and we stop it in order."""

    def __init__(
        self, name: str, arguments: Sequence[str], *, env: Mapping[str, str], log: Path, ready_at: str
    ) -> None:
        self.name = name
        self._log = log
        self._ready_at = ready_at
        with log.open("ab") as output:
            self._written_before = output.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_stop_with_parent() if sys.platform == "linux" else None,
            )

    def wait_until_ready(self, http: requests.Session) -> None:
        """Return once it answers 200."""
        deadline = time.monotonic() + _START_TIMEOUT
        answer = "nothing"
        while time.monotonic() < deadline:
            self.check()
            try:
                response = http.get(self._ready_at, timeout=5)
            except requests.RequestException as error:
                answer = type(error).__name__
            else:
                if response.ok:
                    return
                answer = f"{response.status_code} {response.text[:500]}"
            time.sleep(0.05)
        raise Fault(
            f"The {self.name} is not ready after {_START_TIMEOUT:g} s: {answer}\n{self._last_words()}"
        )

    def check(self) -> None:
        """Raises a Fault if it has ended by itself."""
        status = self._process.poll()
        if status is not None:
            raise Fault(f"The {self.name} ended with status {status}.\n{self._last_words()}")

    def stop(self) -> None:
        """Let it finish what it is doing, for a limited time; none of its processes is left afterwards."""
        try:
            self._process.terminate()
            self._process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            print(f"The {self.name} did not stop within {_STOP_TIMEOUT:g} s and will be killed.", flush=True)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _last_words(self) -> str:
        with self._log.open("rb") as log:
            log.seek(self._written_before)
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join([f"Last lines of {self._log}:", *lines[-20:]])


def _stop_with_parent() -> Callable[[], None]:
    """Called in the child before it becomes the program: ask the kernel for SIGTERM when we are killed."""
    libc = ctypes.CDLL(None)

    def ask() -> None:
        libc.prctl(_SET_PARENT_DEATH_SIGNAL, int(signal.SIGTERM))

    return ask
