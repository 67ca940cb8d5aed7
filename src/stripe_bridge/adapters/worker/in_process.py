"""A worker in threads of this process, woken by nudges and by the clock."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from stripe_bridge.adapters.worker.jobs import Jobs

_log = logging.getLogger(__name__)
# Less than the ten seconds that Docker and others allow between SIGTERM and SIGKILL.
GRACE_SECONDS = 8.0
# Between two runs of a job: during a burst of webhooks each run then has many events to apply, and receiving gets its share
# of a process that does both. A single event is not delayed noticeably.
PAUSE_SECONDS = 0.1
# A worker is unhealthy once its last sweep is this many intervals, plus these seconds, ago.
_MAX_INTERVALS, _MAX_DELAY_SECONDS = 3, 10.0


class Mailbox(Protocol):
    """A queue of job names, each at most once."""

    def wake(self, job: str) -> None: ...

    def take(self, job: str) -> bool:
        """Wait for the job's name and take it out. Returns False once the mailbox is closed."""
        ...

    def close(self) -> None: ...


class Companion(Protocol):
    """What starts and stops with a worker."""

    def start(self) -> None: ...

    def is_healthy(self) -> bool: ...

    def stop(self) -> None:
        """Begin nothing more. Does not wait."""
        ...

    def join(self, seconds: float) -> None:
        """Wait for what is under way, at most so long."""
        ...


class InProcessWorker:
    """Runs jobs as the mailbox names them, and puts in all of them at the start and every `sweep_seconds`.

    Each job has `threads` of its own, so that intents that wait for an unresponsive Stripe hold up no event.

    Sweeps find work without a nudge: what is due only now, and what a crash or a lost nudge left unfinished. Several
    processes may sweep at once: whichever claims an item first handles it.

    The threads are daemons: a job that outlasts the grace period ends with the process, and is resumed when its lease ends.
    """

    def __init__(
        self,
        jobs: Jobs,
        mailbox: Mailbox,
        *,
        threads: int,
        sweep_seconds: float,
        companions: Sequence[Companion] = (),
    ) -> None:
        self._jobs, self._mailbox, self._companions = jobs, mailbox, companions
        self._stopped = threading.Event()
        self._sweep_seconds, self._swept_at = sweep_seconds, time.monotonic()
        self._late_after = _MAX_INTERVALS * sweep_seconds + _MAX_DELAY_SECONDS
        self._threads = [
            threading.Thread(target=self._work, args=(job,), name=f"{job}-{number}", daemon=True)
            for job in jobs.names
            for number in range(1, threads + 1)
        ]
        self._threads.append(threading.Thread(target=self._sweep, name="sweep", daemon=True))

    def start(self) -> None:
        self._swept_at = time.monotonic()
        for thread in self._threads:
            thread.start()
        for companion in self._companions:
            companion.start()

    def is_healthy(self) -> bool:
        """Whether all threads that were started are alive, and sweeps are on time."""
        is_late = time.monotonic() - self._swept_at > self._late_after
        return (
            not is_late
            and all(thread.is_alive() for thread in self._threads)
            and all(companion.is_healthy() for companion in self._companions)
        )

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Begin nothing more, and wait for what is under way. Does nothing the second time, or before the start."""
        self._jobs.stop()
        self._stopped.set()
        self._mailbox.close()
        for companion in self._companions:
            companion.stop()
        deadline = time.monotonic() + grace_seconds
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        for companion in self._companions:
            companion.join(max(0.0, deadline - time.monotonic()))
        if unfinished := [thread.name for thread in self._threads if thread.is_alive()]:
            _log.warning("worker stopped with unfinished jobs", extra={"threads": unfinished})

    def _sweep(self) -> None:
        """Uses a clock that cannot be set back, unlike a scheduler's."""
        while not self._stopped.is_set():
            for job in self._jobs.names:
                self._mailbox.wake(job)
            self._swept_at = time.monotonic()
            self._stopped.wait(self._sweep_seconds)

    def _work(self, job: str) -> None:
        while self._mailbox.take(job):
            self._jobs.run(job)
            self._stopped.wait(PAUSE_SECONDS)
