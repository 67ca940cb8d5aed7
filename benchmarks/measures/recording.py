"""What was added since costs: events received and applied, and acknowledged meanwhile, against the release before the change
log; and received and applied with the indexes that only searches need, against without."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.contenders.erp import Json
from benchmarks.contenders.ours import Service
from benchmarks.load.payloads import Template, as_sent
from benchmarks.load.player import post
from benchmarks.load.wrk import Played
from benchmarks.measures.applying import PROCESSED, UNCONFIRMED, Applier, paid_invoices, turn
from benchmarks.measures.embedded import stored
from benchmarks.options import ROOT
from benchmarks.results import Finding, Outcome, Series, ratios
from benchmarks.stand.emulator import PAID
from tests.former_release import NotInHistory, unpack_release

NOW, FORMER, UNSEARCHED = "with the change log", "before it", "without the searches' indexes"
_BEFORE_THE_LOG = "95513c7"
"""The last commit before the service recorded changes."""
_ENTRIES = "SELECT count(*) FROM changes"
# Those of `updated_since` and of the searches by number, email, date and payment status. Two of them serve what had a smaller
# index of its own before.
_NO_SEARCHES = """
DROP INDEX ix_invoices_tenant_number, ix_invoices_tenant_updated_at, ix_invoices_tenant_status, ix_invoices_tenant_created_at,
    ix_invoices_paying, ix_invoices_customer, ix_intents_invoice, ix_billed_customers_email, ix_sales_orders_number;
CREATE INDEX ix_invoices_waiting ON invoices (customer_id) WHERE status IN ('reserved');
CREATE INDEX ix_intents_unsettled_invoice ON intents (invoice_id) WHERE state IN ('planned', 'sent', 'unknown');
"""


@dataclass
class Contender:
    """`turns` has the events of each turn's paid invoices. `play` returns what was achieved with them, per second."""

    name: str
    turns: Sequence[Sequence[Json]]
    play: Callable[[Sequence[Json]], float]
    rates: list[float] = field(default_factory=list)


def measure(bench: Bench) -> Outcome:
    releases, notes = {NOW: ROOT, UNSEARCHED: ROOT}, []
    try:
        releases[FORMER] = unpack_release(_BEFORE_THE_LOG, bench.folder / "former")
    except NotInHistory as error:
        notes = [f"recording: {error}"]
    with ExitStack() as on_shutdown:
        services = {
            name: on_shutdown.enter_context(bench.service(release=release))
            for name, release in releases.items()
        }
        with bench.postgres.connect(services[UNSEARCHED].database) as connection:
            connection.execute(_NO_SEARCHES)
        contenders = [_applying(bench, name, service, on_shutdown) for name, service in services.items()]
        before = int(bench.postgres.value(services[NOW].database, _ENTRIES))
        _compare(bench, "received and applied", contenders)
        after = int(bench.postgres.value(services[NOW].database, _ENTRIES))
    outcome = _outcome("applied", contenders)
    outcome.findings, outcome.notes = [Finding("searching", _percents(contenders, UNSEARCHED))], notes
    if FORMER not in releases:
        return outcome
    each = (after - before) / (bench.options.rounds * bench.options.paid_invoices)
    note = f"{each:.1f} entries for each paid invoice"
    outcome.findings.append(Finding("recording", _percents(contenders, FORMER), note=note))
    outcome.add(_acknowledged_meanwhile(bench, {NOW: ROOT, FORMER: releases[FORMER]}))
    return outcome


def _acknowledged_meanwhile(bench: Bench, releases: Mapping[str, Path]) -> Outcome:
    with ExitStack() as on_shutdown:
        contenders = [_acknowledging(bench, name, release, on_shutdown) for name, release in releases.items()]
        _compare(bench, "acknowledged on SQLite while applying", contenders)
    outcome = _outcome("acknowledged on SQLite", contenders)
    outcome.findings = [Finding("acks while recording", _percents(contenders, FORMER))]
    return outcome


def _compare(bench: Bench, what: str, contenders: Sequence[Contender]) -> None:
    for number in range(bench.options.rounds):
        for each in contenders if number % 2 == 0 else reversed(contenders):
            each.rates.append(each.play(each.turns[number]))
            bench.report(f"  {number + 1} {what}, {each.name}: {each.rates[-1]:,.0f} per second")


def _percents(contenders: Sequence[Contender], base: str) -> tuple[float, ...]:
    """This release's rates in percent of another contender's, round by round."""
    rates = {each.name: each.rates for each in contenders}
    return tuple(100 * ratio for ratio in ratios(rates[NOW], rates[base]))


def _outcome(what: str, contenders: Sequence[Contender]) -> Outcome:
    return Outcome(
        series=[
            Series("recording", f"{what}, {each.name}", "per second", tuple(each.rates))
            for each in contenders
        ]
    )


def _applying(bench: Bench, name: str, service: Service, on_shutdown: ExitStack) -> Contender:
    bench.report(f"  sending and paying the invoices, {name} ...")
    turns = paid_invoices(bench, service)
    service.start_worker()
    load = bench.load(Template.of(turns[0][PAID.index("invoice.paid")]))
    connection = on_shutdown.enter_context(bench.postgres.connect(service.database))

    def count(statement: str) -> int:
        return sum(int(row[0]) for row in connection.execute(statement.encode()))

    applier = Applier(
        name,
        service.webhooks,
        bench.options.paid_invoices,
        done=lambda: count(PROCESSED),
        # The former release leaves nothing to be confirmed at Stripe.
        left=lambda: count(UNCONFIRMED) if name != FORMER else 0,
    )
    return Contender(name, turns, lambda events: turn(applier, load, [as_sent(each) for each in events]))


def _acknowledging(bench: Bench, name: str, release: Path, on_shutdown: ExitStack) -> Contender:
    """Acknowledges events of unknown invoices as fast as it can, while those of paid ones are applied."""
    database = bench.folder / f"recording-{len(name)}.sqlite"
    service = on_shutdown.enter_context(bench.embedded(database, release=release))
    turns = paid_invoices(bench, service)
    load = bench.load(Template.of(turns[0][PAID.index("invoice.paid")]))

    def play(events: Sequence[Json]) -> float:
        # First, so that they are not counted among what is stored under load.
        for event in events:
            post(service.webhooks, as_sent(event))
        played: Played = load.play(service.webhooks, bench.options.seconds, lambda: stored(database))
        return played.per_second

    return Contender(name, turns, play)
