"""Nudges for the worker threads of the same process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from stripe_bridge.adapters.queue.jobs import DRAIN_INBOX, SETTLE_INTENTS
from stripe_bridge.ports.nudges import BrokerUnavailable


class InProcessNudges:
    """A mailbox of job names. A name that is already waiting is not put in twice; one that was taken may be put in again.

    So it does not grow however many nudges come, and a nudge that comes while its job is running makes the job run once more,
    since it may have looked already.
    """

    def __init__(self) -> None:
        self._waiting: set[str] = set()
        self._changed = threading.Condition()
        self._is_closed = False
        self._is_healthy: Callable[[], bool] | None = None

    def watch(self, is_healthy: Callable[[], bool]) -> None:
        """From now on a worker is expected to take what is put in; `is_healthy` says whether it can."""
        self._is_healthy = is_healthy

    def inbox(self, *, deferred: bool = False) -> None:
        self.wake(DRAIN_INBOX)

    def intents(self) -> None:
        self.wake(SETTLE_INTENTS)

    def depths(self) -> Mapping[str, int]:
        with self._changed:
            return {DRAIN_INBOX: 0, SETTLE_INTENTS: 0} | dict.fromkeys(self._waiting, 1)

    def check(self) -> None:
        """Raises BrokerUnavailable if the workers of this process have stopped working."""
        if self._is_healthy is not None and not self._is_healthy():
            raise BrokerUnavailable

    def wake(self, job: str) -> None:
        if job in self._waiting:
            # The worker that takes it out looks for work afterwards, and so sees what this nudge is about.
            return
        with self._changed:
            if not self._is_closed:
                self._waiting.add(job)
                self._changed.notify_all()

    def take(self, job: str) -> bool:
        """Wait until the job is wanted, and take its name out. Returns False once the mailbox is closed and empty of it."""
        with self._changed:
            self._changed.wait_for(lambda: job in self._waiting or self._is_closed)
            is_wanted = job in self._waiting
            self._waiting.discard(job)
            return is_wanted

    def close(self) -> None:
        """Accept nothing more, and release waiting workers."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
