"""`python -m tests.storm.shifted FILE MODULE ARGUMENTS`: run a module on a host whose clock is off by the seconds in FILE.

The file may change at any time, which is a step of the host's clock. Clocks that cannot be set stay as they are.
"""

import mmap
import runpy
import struct
import sys
import time
from pathlib import Path

_SECONDS = struct.Struct("d")


def write_shift(file: Path, seconds: float) -> None:
    if not file.exists():
        file.write_bytes(_SECONDS.pack(seconds))
        return
    with file.open("r+b") as opened:
        opened.write(_SECONDS.pack(seconds))


def shift_by(file: Path) -> None:
    """Shift the host's clock as this process sees it."""
    with file.open("rb") as opened:
        shown = mmap.mmap(opened.fileno(), _SECONDS.size, access=mmap.ACCESS_READ)
    true = time.time
    time.time = lambda: true() + _SECONDS.unpack_from(shown)[0]


def main() -> None:
    _, file, module, *arguments = sys.argv
    shift_by(Path(file))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
