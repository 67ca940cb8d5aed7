"""The jobs as dramatiq's actors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import dramatiq
from dramatiq import Broker, Middleware, Worker

from stripe_bridge.adapters.worker.in_process import InProcessWorker
from stripe_bridge.adapters.worker.jobs import Jobs


def declare_actors(broker: Broker, jobs: Jobs) -> None:
    """An actor and a queue for each job, by its name. A message carries nothing else, and may arrive twice or never."""
    for job in jobs.names:
        dramatiq.actor(actor_name=job, queue_name=job, broker=broker)(partial(jobs.run, job))


def attach_to_dramatiq(
    broker: Broker, jobs: Jobs, sweeps: InProcessWorker, *, beside: Sequence[Callable[[], int]] = ()
) -> None:
    """Make the process that calls this a worker of `dramatiq module:function`.

    That command calls the function without arguments in each of its processes, and then works for the global broker. It runs
    each of `beside` once, in a process of its own, and finds them by their names.
    """
    declare_actors(broker, jobs)
    broker.add_middleware(_Sweeping(jobs, sweeps, beside))
    dramatiq.set_broker(broker)


class _Sweeping(Middleware):
    """Sweeps start and stop with dramatiq's worker."""

    def __init__(self, jobs: Jobs, sweeps: InProcessWorker, beside: Sequence[Callable[[], int]]) -> None:
        self._jobs, self._sweeps, self._beside = jobs, sweeps, list(beside)

    @property
    def forks(self) -> list[Callable[[], int]]:
        return self._beside

    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:
        self._sweeps.start()

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Before dramatiq waits for its threads, as one of them may be draining a long queue."""
        self._jobs.stop()
        self._sweeps.stop()
