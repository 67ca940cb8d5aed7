"""The job for what was there before the change log: how long it takes, and what acknowledging notices of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from benchmarks.bench import Bench
from benchmarks.contenders.erp import Erp
from benchmarks.contenders.ours import Service
from benchmarks.load.wrk import LoadFailed, Played
from benchmarks.measures.applying import PROCESSED
from benchmarks.measures.paid_invoice import make
from benchmarks.measures.turns import Contender, of_service, take_turns
from benchmarks.results import Finding, Outcome, Series, ratios
from benchmarks.stand.copies import loading
from tests.waiting import wait_until

IDLE, BUSY = "nothing to record", "objects being recorded"
_ORDER = 2
_AT_ONCE = 250_000
_MILLION, _MINUTE = 1_000_000, 60
# Of each kind; the same number of orders and invoices, as a release without a change log would have left them.
_NOT_LOGGED = {
    "sales_orders": {"logged_updated_at": "NULL::timestamptz"},
    # None of them is to be confirmed at Stripe, which would record it, too.
    "invoices": {"logged_version": "NULL::bigint", "confirm_due_at": "NULL::timestamptz"},
}
_AGAIN = "DELETE FROM change_backfill; UPDATE change_heads SET is_complete = false"
_RECORDED = "SELECT coalesce(sum(recorded), 0)::bigint FROM change_backfill"
_IS_COMPLETE = "SELECT count(*) > 0 AND bool_and(completed_at IS NOT NULL) FROM change_backfill"


class Job:
    """The worker's job, which runs while a worker does, and how long that has been in all."""

    def __init__(self, bench: Bench, service: Service) -> None:
        self._bench, self._service = bench, service
        self.seconds = 0.0

    @property
    def recorded(self) -> int:
        return int(self._bench.postgres.value(self._service.database, _RECORDED))

    @property
    def is_complete(self) -> bool:
        return bool(self._bench.postgres.value(self._service.database, _IS_COMPLETE))

    @contextmanager
    def running(self) -> Iterator[None]:
        before = self.recorded
        self._service.start_worker()
        begun = time.perf_counter()
        wait_until(lambda: self.recorded > before or self.is_complete)
        yield
        self.seconds += time.perf_counter() - begun
        self._service.stop_worker()

    def finish(self) -> None:
        """However long it takes."""
        with self.running():
            wait_until(lambda: self.is_complete, within=4 * 3600, every=0.5)


def measure(bench: Bench) -> Outcome:
    with bench.service() as service:
        erp = Erp(service)
        load = bench.load(bench.template(erp))
        idle = of_service(IDLE, bench, service, load)
        _fill(bench, service, erp)
        job = Job(bench, service)

        def while_recording(seconds: float) -> Played:
            with job.running():
                played = idle.play(seconds)
                if job.is_complete and not bench.options.smoke:
                    raise LoadFailed(f"{bench.options.objects:,} objects did not outlast the turns")
            return played

        turns = take_turns(bench, [idle, Contender(BUSY, service.database, while_recording)])
        job.finish()
        recorded = job.recorded
    if recorded < bench.options.objects:
        raise LoadFailed(f"{recorded} of {bench.options.objects} objects were recorded")
    minutes = job.seconds / recorded * _MILLION / _MINUTE
    rates = {name: [turn.per_second for turn in played] for name, played in turns.items()}
    percents = tuple(100 * ratio for ratio in ratios(rates[BUSY], rates[IDLE]))
    return Outcome(
        findings=[
            Finding(
                "existing",
                (minutes,),
                note=f"measured with {recorded:,} objects, until a second look found nothing",
            ),
            Finding("acks while recording existing", percents),
        ],
        series=[Series("existing", name, "per second", tuple(found)) for name, found in rates.items()],
    )


def _fill(bench: Bench, service: Service, erp: Erp) -> None:
    """Orders and invoices of one tenant that the log does not have."""
    paid = make(bench, service, erp, _ORDER)
    service.start_worker()
    wait_until(lambda: bench.postgres.value(service.database, PROCESSED) >= len(paid.events))
    service.stop_worker()
    copies = [
        replace(each, values={**each.values, **_NOT_LOGGED[each.table]})
        for each in paid.copies()
        if each.table in _NOT_LOGGED
    ]
    of_each = bench.options.objects // len(copies)
    with bench.postgres.connect(service.database) as connection:
        for copy in copies:
            copy.keep(connection)
        with loading(connection, [copy.table for copy in copies]):
            for copy in copies:
                for first in range(1, of_each + 1, _AT_ONCE):
                    copy.insert(connection, first, min(first + _AT_ONCE - 1, of_each))
                bench.report(f"  {copy.table}: {of_each:,} copies")
        connection.execute(_AGAIN)
        connection.execute("CHECKPOINT")
