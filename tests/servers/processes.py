"""Child processes that never outlive the tests, and folders that are not left behind."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
LOOPBACK = "127.0.0.1"
SET_PARENT_DEATH_SIGNAL = 1
_LIBC = ctypes.CDLL(None)
_PREFIX = "stripe-bridge-tests-"
# What dies with a process is still there: only a power cut loses it, and none of it is waited for.
_MEMORY = Path("/dev/shm")
_ROOM = 4 << 30


def scratch_folder(name: str, *, on_disk: bool = False) -> Path:
    """A folder in memory, if there is room, that other users may enter: as root, PostgreSQL runs as `nobody`.

    Its name has our process id, so that a later run removes it if this one was killed before it could.
    """
    disk = Path(tempfile.gettempdir())
    parent = disk if on_disk or not _has_room(_MEMORY) else _MEMORY
    for left in parent.glob(f"{_PREFIX}*"):
        owner = left.name.removeprefix(_PREFIX).split("-")[0]
        if owner.isdigit() and not _is_alive(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-{name}-", dir=parent))
    folder.chmod(0o755)
    return folder


def _has_room(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > _ROOM


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
        _LIBC.prctl(SET_PARENT_DEATH_SIGNAL, int(on_parent_death))

    with log.open("ab") as output, warnings.catch_warnings():
        # Newer Pythons warn about threads together with a preexec_fn; ours is a single system call.
        warnings.simplefilter("ignore", DeprecationWarning)
        return subprocess.Popen(
            [os.fspath(part) for part in command],
            env=env,
            **{"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output, **options},
            start_new_session=True,
            preexec_fn=follow_parent if sys.platform == "linux" else None,
        )


def signal_another_thread(process: subprocess.Popen[Any], number: signal.Signals) -> None:
    """Signal the process as the kernel does at times: through a thread that is not its main thread."""
    threads = sorted(int(each.name) for each in Path(f"/proc/{process.pid}/task").iterdir())
    (other, *_) = [each for each in threads if each != process.pid]
    if _LIBC.tgkill(process.pid, other, int(number)):
        raise OSError(f"Thread {other} of process {process.pid} cannot be signaled.")


class Running(Protocol):
    """What stopping a process needs of it."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, number: int, /) -> None: ...


def stop(process: Running, how: signal.Signals, *, within: float = PATIENCE) -> int:
    """Signal the process and return its exit status; if it does not end, kill its whole group."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(within)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    return process.wait()
