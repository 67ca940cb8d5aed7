"""Delivers changes to subscribers in threads of this process, as soon as it records some, and otherwise by polling."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from stripe_bridge.domain.origin import by_job
from stripe_bridge.ports.committed_changes import CommittedChanges
from stripe_bridge.ports.origin import acting_as
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from stripe_bridge.use_cases.subscribers import Subscribers

_log = logging.getLogger(__name__)
# In seconds. What other processes record is found by polling, as long as any subscriber is enabled.
POLL_EVERY, IDLE_POLL_EVERY = 0.2, 5.0
# Between two looks, however much is recorded; without subscribers a look is worth less.
_MIN_PAUSE, _MIN_IDLE_PAUSE = 0.02, 1.0
# A receiver that hangs occupies a thread for up to 15 seconds. Those that fail leave half of the threads to the others.
MAX_THREADS = 32
_HEALTHY_WITHIN = 30.0


class DeliveryWorker:
    """One thread looks for subscribers that are due, with one statement, and starts a thread for each.

    Any number of processes may do so: whoever claims a subscriber first delivers to it.
    """

    def __init__(
        self, subscribers: Subscribers, committed: CommittedChanges, *, idle_poll: float = IDLE_POLL_EVERY
    ) -> None:
        self._subscribers, self._idle_poll = subscribers, idle_poll
        self._stopped, self._woken = threading.Event(), threading.Event()
        self._mutex = threading.Lock()
        # By subscriber; those that failed last time are also in `_failing`.
        self._delivering: dict[int, threading.Thread] = {}
        self._failing: set[int] = set()
        self._is_polling = True
        self._looked_at = time.monotonic()
        self._dispatcher = threading.Thread(target=self._dispatch, name="deliveries", daemon=True)
        committed.listen(lambda _last: self._woken.set())

    def start(self) -> None:
        self._looked_at = time.monotonic()
        self._dispatcher.start()

    def is_healthy(self) -> bool:
        return self._dispatcher.is_alive() and time.monotonic() - self._looked_at < _HEALTHY_WITHIN

    def stop(self) -> None:
        self._stopped.set()
        self._woken.set()

    def join(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with self._mutex:
            threads = [self._dispatcher, *self._delivering.values()]
        for thread in threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        if any(thread.is_alive() for thread in threads):
            # Its lease ends, and another worker delivers the page again.
            _log.warning("worker stopped during a delivery")

    def _dispatch(self) -> None:
        while not self._stopped.is_set():
            self._woken.wait(POLL_EVERY if self._is_polling else self._idle_poll)
            # Cleared before looking: what is recorded from now on may not be seen, and wakes again.
            self._woken.clear()
            self._looked_at = time.monotonic()
            if not self._stopped.is_set():
                self._look()
                self._stopped.wait(_MIN_PAUSE if self._is_polling else _MIN_IDLE_PAUSE)

    def _look(self) -> None:
        try:
            due = self._subscribers.find_due(2 * MAX_THREADS)
        except StoreUnavailable:
            # The store's own logs have the reason.
            self._stopped.wait(1.0)
            return
        except Exception:
            _log.exception("looking for due subscribers failed")
            self._stopped.wait(1.0)
            return
        self._is_polling = due.is_polled
        self._start(due.healthy, is_failing=False)
        self._start(due.failing, is_failing=True)

    def _start(self, subscriber_ids: Sequence[int], *, is_failing: bool) -> None:
        for subscriber_id in subscriber_ids:
            with self._mutex:
                is_full = len(self._delivering) >= MAX_THREADS or (
                    is_failing and len(self._failing) >= MAX_THREADS // 2
                )
                if is_full or subscriber_id in self._delivering:
                    continue
                thread = threading.Thread(
                    target=self._deliver, args=(subscriber_id,), name=f"deliver-{subscriber_id}", daemon=True
                )
                self._delivering[subscriber_id] = thread
                if is_failing:
                    self._failing.add(subscriber_id)
            thread.start()

    def _deliver(self, subscriber_id: int) -> None:
        try:
            with acting_as(by_job("deliver_changes")):
                self._subscribers.deliver(subscriber_id, self._stopped.is_set, self._stopped.wait)
        except StoreUnavailable as error:
            _log.warning("delivery postponed", extra={"subscriber_id": subscriber_id, "reason": error.reason})
        except Exception:
            _log.exception("delivery failed", extra={"subscriber_id": subscriber_id})
        finally:
            with self._mutex:
                del self._delivering[subscriber_id]
                self._failing.discard(subscriber_id)
            # What was recorded just before the lease was given back is not seen by anybody else.
            self._woken.set()
