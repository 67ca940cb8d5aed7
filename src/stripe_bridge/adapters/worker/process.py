"""A worker as a process of its own, until it is stopped."""

from __future__ import annotations

import logging
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from dramatiq import Broker, Worker

from stripe_bridge.adapters.worker.actors import declare_actors
from stripe_bridge.adapters.worker.in_process import GRACE_SECONDS, InProcessWorker
from stripe_bridge.adapters.worker.jobs import NUDGED, Jobs

_log = logging.getLogger(__name__)
# How often dramatiq polls an idle queue. Its default of a second would be most of the time that a webhook takes.
_POLL_MILLISECONDS = 100


def run_worker(
    jobs: Jobs,
    sweeps: InProcessWorker,
    *,
    broker: Broker | None,
    threads: int,
    grace_seconds: float = GRACE_SECONDS,
) -> None:
    """Work until SIGTERM or SIGINT, and then for at most `grace_seconds`. Only for the main thread.

    A second signal changes nothing: Ctrl-C reaches a whole process group, and make, timeout and others send their own as well.

    With a broker, `threads` dramatiq threads do what messages ask for. Sweeps do not go through the broker.
    """
    with _stop_signals() as signals:
        sweeps.start()
        messages = None if broker is None else _start_dramatiq(broker, jobs, threads)
        _log.info("worker started")
        (number,) = signals.recv(1)
    _log.info("worker stopping", extra={"signal": signal.Signals(number).name})
    deadline = time.monotonic() + grace_seconds
    jobs.stop()
    sweeps.stop(grace_seconds)
    if messages is not None:
        _stop_dramatiq(messages, deadline - time.monotonic())
    _log.info("worker stopped")


def _start_dramatiq(broker: Broker, jobs: Jobs, threads: int) -> Worker:
    declare_actors(broker, jobs)
    # Only these, since every queue that is listened to is polled all the time, as are its delayed messages.
    worker = Worker(broker, queues=set(NUDGED), worker_threads=threads, worker_timeout=_POLL_MILLISECONDS)
    worker.start()
    return worker


def _stop_dramatiq(worker: Worker, seconds: float) -> None:
    try:
        worker.stop(timeout=max(0, int(seconds * 1000)))
    except Exception:
        # Returning messages that were fetched but not started fails if Redis is down. Losing them loses no work.
        _log.warning("queue messages not returned", exc_info=True)


@contextmanager
def _stop_signals() -> Iterator[socket.socket]:
    """From now on, a socket that gets the number of each signal to stop.

    The kernel may hand a signal to any thread. A handler, which only the main thread runs, would then not run as long as
    the main thread waits.
    """
    received, wakeup = socket.socketpair()
    with received, wakeup:
        wakeup.setblocking(False)
        signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, _only_wake)
        try:
            yield received
        finally:
            signal.set_wakeup_fd(-1)


def _only_wake(_number: int, _frame: FrameType | None) -> None:
    """Does nothing: the signal already wakes the socket."""
