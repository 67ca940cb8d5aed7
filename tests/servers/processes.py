"""Child processes that never outlive the tests, and folders that are not left behind."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_SET_PARENT_DEATH_SIGNAL = 1
_LIBC = ctypes.CDLL(None)
_PREFIX = "stripe-bridge-tests-"


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def scratch_folder(name: str) -> Path:
    """A folder that other users may enter: as root, PostgreSQL runs as `nobody`.

    Its name has our process id, so that a later run removes it if this one was killed before it could.
    """
    temp = Path(tempfile.gettempdir())
    for left in temp.glob(f"{_PREFIX}*"):
        owner = left.name.removeprefix(_PREFIX).split("-")[0]
        if owner.isdigit() and not _is_alive(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-{name}-"))
    folder.chmod(0o755)
    return folder


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    on_parent_death: signal.Signals = signal.SIGKILL,
    **options: Any,
) -> subprocess.Popen[bytes]:
    """Start a process in its own session, with its output in `log`; the kernel signals it when we are gone.

    Linux ties that signal to the *thread* that starts the process, so call this from one that keeps running.
    """

    def follow_parent() -> None:
        _LIBC.prctl(_SET_PARENT_DEATH_SIGNAL, int(on_parent_death))

    with log.open("ab") as output, warnings.catch_warnings():
        # Newer Pythons warn about threads together with a preexec_fn; ours is a single system call.
        warnings.simplefilter("ignore", DeprecationWarning)
        return subprocess.Popen(
            [os.fspath(part) for part in command],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=follow_parent if sys.platform == "linux" else None,
            **options,
        )


def signal_another_thread(process: subprocess.Popen[Any], number: signal.Signals) -> None:
    """Signal the process as the kernel does at times: through a thread that is not its main thread."""
    threads = sorted(int(each.name) for each in Path(f"/proc/{process.pid}/task").iterdir())
    (other, *_) = [each for each in threads if each != process.pid]
    if _LIBC.tgkill(process.pid, other, int(number)):
        raise OSError(f"Thread {other} of process {process.pid} cannot be signaled.")


def stop(process: subprocess.Popen[bytes], how: signal.Signals, *, within: float = 10.0) -> int:
    """Signal the process and return its exit status; if it does not end, kill its whole group."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(within)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    return process.wait()
