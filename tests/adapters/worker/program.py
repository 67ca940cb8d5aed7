"""Worker processes whose work can be watched and held from outside, through files in WORK_DIR.

Each round of the inbox writes a line to `began`, waits while the file `hold` exists, and writes a line to `ended`. While
the file `endless` exists, there is always something left to do.
"""

import logging
import os
from pathlib import Path
from typing import Any

from stripe_bridge.adapters.queue import InProcessNudges, redis_broker
from stripe_bridge.adapters.worker import InProcessWorker, Jobs, attach_to_dramatiq, run_worker
from tests.adapters.worker.work import Batches, bridge_with
from tests.waiting import wait_until


class VisibleBatches(Batches):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def __call__(self, *_: Any) -> int:
        self._note("began")
        wait_until(lambda: not (self._folder / "hold").exists())
        self._note("ended")
        return int((self._folder / "endless").exists())

    def _note(self, what: str) -> None:
        with (self._folder / what).open("a") as notes:
            notes.write(f"{os.getpid()}\n")


def _parts() -> tuple[Jobs, InProcessWorker]:
    sweep_seconds = float(os.environ["SWEEP_SECONDS"])
    bridge = bridge_with(VisibleBatches(Path(os.environ["WORK_DIR"])))
    return Jobs(bridge), InProcessWorker(
        Jobs(bridge), InProcessNudges(), threads=1, sweep_seconds=sweep_seconds
    )


def start_worker() -> None:
    """For `dramatiq tests.adapters.worker.program:start_worker`."""
    jobs, sweeps = _parts()
    attach_to_dramatiq(redis_broker(os.environ["REDIS_URL"]), jobs, sweeps)


def main() -> None:
    logging.basicConfig(level=logging.INFO)
    jobs, sweeps = _parts()
    url = os.environ.get("REDIS_URL")
    run_worker(jobs, sweeps, broker=redis_broker(url) if url else None, threads=1, grace_seconds=5)


if __name__ == "__main__":
    main()
