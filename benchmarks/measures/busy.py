"""Acknowledgements while stored events are being applied, against none being applied; and memory."""

import math

from benchmarks.bench import Bench
from benchmarks.contenders.erp import Erp
from benchmarks.contenders.ours import Service
from benchmarks.load.wrk import LoadFailed, Played
from benchmarks.measures.paid_invoice import make
from benchmarks.measures.turns import Contender, of_service, take_turns
from benchmarks.results import Finding, Outcome, Series, ratios
from benchmarks.stand.copies import Copy
from benchmarks.stand.memory import Memory, memory_of
from tests.waiting import wait_until

IDLE, BUSY = "nothing to apply", "a backlog being applied"
_ORDER = 2
_COUNT = "SELECT count(*) FROM webhook_events WHERE status IN ({}) AND account_id = '{}'"


class Backlog:
    """Stored events of invoices that the service knows, all waiting to be applied. No other events have this account."""

    def __init__(self, bench: Bench, service: Service, erp: Erp) -> None:
        self._bench, self._database = bench, service.database
        paid = make(bench, service, erp, _ORDER)
        self._account, self._each, self._copied = paid.account, len(paid.events), 0
        id_ = {"id": "nextval(pg_get_serial_sequence('webhook_events', 'id'))"}
        events = Copy("webhook_events", f"account_id = '{paid.account}'", id_, paid.ids)
        self._copies = [*paid.copies(), events]
        with bench.postgres.connect(self._database) as connection:
            for copy in self._copies:
                copy.keep(connection)

    def fill(self) -> None:
        """Fill it up to the size that the options say. These events are older than any that arrive from now on."""
        missing = self._bench.options.backlog - self.count("received", "processing")
        count = max(0, math.ceil(missing / self._each))
        with self._bench.postgres.connect(self._database) as connection:
            for copy in self._copies:
                copy.insert(connection, self._copied + 1, self._copied + count)
            connection.execute("VACUUM ANALYZE")
            # So that the turn does not have to write these pages.
            connection.execute("CHECKPOINT")
        self._copied += count

    def count(self, *statuses: str) -> int:
        any_of = ", ".join(f"'{status}'" for status in statuses)
        return int(self._bench.postgres.value(self._database, _COUNT.format(any_of, self._account)))


def measure(bench: Bench) -> Outcome:
    with bench.service() as service:
        service.start_worker()
        memory = {"at rest": _memory(service)}
        service.stop_worker()
        erp = Erp(service)
        load = bench.load(bench.template(erp))
        idle = of_service(IDLE, bench, service, load)
        backlog = Backlog(bench, service, erp)
        applied: list[float] = []

        def while_applying(seconds: float) -> Played:
            backlog.fill()
            service.start_worker()
            before = backlog.count("processed")
            wait_until(lambda: backlog.count("processed") > before)
            before = backlog.count("processed")
            played = idle.play(seconds)
            applied.append((backlog.count("processed") - before) / played.seconds)
            memory["after the run"] = _memory(service)
            service.stop_worker()
            _check(backlog, applied[-1], must_last=not bench.options.smoke)
            return played

        played = take_turns(bench, [idle, Contender(BUSY, service.database, while_applying)])
    return _outcome(
        {name: [turn.per_second for turn in turns] for name, turns in played.items()}, applied, memory
    )


def _check(backlog: Backlog, applied: float, *, must_last: bool) -> None:
    """Raises LoadFailed unless events were really applied and, if it `must_last`, there was always something to apply.

    On a busy machine, a smoke run's backlog is too small for that.
    """
    if lost := backlog.count("skipped", "failed"):
        raise LoadFailed(f"{lost} events of the backlog were not applied")
    if not applied or (must_last and not backlog.count("received", "processing")):
        raise LoadFailed(f"the backlog did not last: {applied:.0f} events were applied per second")


def _memory(service: Service) -> dict[str, Memory]:
    """The memory of the larger web process, and of the worker."""
    web = max((memory_of(pid) for pid in service.web_pids()), key=lambda memory: memory.all)
    return {"web": web, "worker": memory_of(service.worker_pid)}


def _outcome(
    rates: dict[str, list[float]], applied: list[float], memory: dict[str, dict[str, Memory]]
) -> Outcome:
    series = [Series("busy", name, "per second", tuple(found)) for name, found in rates.items()]
    series.append(Series("busy", "events applied meanwhile", "per second", tuple(applied)))
    percents = tuple(100 * ratio for ratio in ratios(rates[BUSY], rates[IDLE]))
    sizes = [(f"{name} {when}", found) for when, of in memory.items() for name, found in of.items()]
    series += [Series("memory", name, "MB (RSS)", (found.all,)) for name, found in sizes]
    series += [Series("memory", name, "MB (PSS)", (found.own,)) for name, found in sizes]
    words = ", ".join(f"{name} {found.all:.0f} (PSS {found.own:.0f})" for name, found in sizes)
    findings = [
        Finding("acks while applying", percents),
        Finding("memory", tuple(found.all for _, found in sizes), counts="worst", note=f"RSS in MB: {words}"),
    ]
    return Outcome(findings=findings, series=series)
