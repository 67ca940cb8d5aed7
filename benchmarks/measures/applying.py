"""Received and applied: the six events of paid invoices, from the first request until the last one is processed."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.contenders.dj_stripe import DjStripe
from benchmarks.contenders.erp import SENDS_PER_TOKEN, Erp
from benchmarks.contenders.ours import Service
from benchmarks.load.payloads import Template, as_sent
from benchmarks.load.player import Player
from benchmarks.load.wrk import LoadFailed, Wrk
from benchmarks.results import Finding, Outcome, Series, ratios
from benchmarks.stand.emulator import PAID
from tests.waiting import wait_until

OURS, DJ_STRIPE = "ours", "dj-stripe, full processing"
# dj-stripe gets this fraction of a turn's invoices: its turns last long enough with few.
_SHARE = 5
# Seconds between counts while waiting. A count takes a millisecond, as the connection is kept.
_EVERY = 0.05
PROCESSED = "SELECT count(*) FROM webhook_events WHERE status = 'processed'"
# Payments that are still to be confirmed at Stripe, which would take the machine's time from the next turn.
UNCONFIRMED = "SELECT count(*) FROM invoices WHERE confirm_due_at IS NOT NULL"
# These rows are inserted in the transaction that processes the event.
_SYNCED = "SELECT count(*) FROM djstripe_event"


@dataclass(frozen=True)
class Applier:
    """`done` counts the events that are completely processed, `left` what is done about them later."""

    name: str
    url: str
    invoices: int
    done: Callable[[], int]
    left: Callable[[], int]


def measure(bench: Bench) -> Outcome:
    with ExitStack() as on_shutdown:
        service = on_shutdown.enter_context(bench.service())
        bench.report("  sending and paying the invoices ...")
        turns = paid_invoices(bench, service)
        service.start_worker()
        appliers = _appliers(bench, service, on_shutdown)
        load = bench.load(Template.of(turns[0][PAID.index("invoice.paid")]))
        rates: dict[str, list[float]] = {applier.name: [] for applier in appliers}
        for number, events in enumerate(turns):
            for applier in appliers if number % 2 == 0 else reversed(appliers):
                rate = turn(applier, load, [as_sent(event) for event in events[: 6 * applier.invoices]])
                rates[applier.name].append(rate)
                bench.report(f"  {number + 1}/{len(turns)} {applier.name}: {rate:,.0f} events per second")
    outcome = Outcome(
        series=[Series("applying", name, "events per second", tuple(found)) for name, found in rates.items()]
    )
    if DJ_STRIPE in rates:
        outcome.findings = [Finding("applied against dj-stripe", ratios(rates[OURS], rates[DJ_STRIPE]))]
    return outcome


def paid_invoices(bench: Bench, service: Service) -> list[list[dict[str, object]]]:
    """The events of each turn, six for each invoice."""
    options = bench.options
    total = options.rounds * options.paid_invoices
    erp = Erp(service, tokens=math.ceil(total / SENDS_PER_TOKEN) + 1)
    integration = erp.connect(bench.emulator)
    invoices = erp.sent(integration, range(1, total + 1))
    events = bench.emulator.pay_all(integration["stripe_account_id"], invoices)
    size = len(PAID) * options.paid_invoices
    return [events[begin : begin + size] for begin in range(0, len(events), size)]


def _appliers(bench: Bench, service: Service, on_shutdown: ExitStack) -> list[Applier]:
    postgres, invoices = bench.postgres, bench.options.paid_invoices

    def count(database: str, statement: str) -> Callable[[], int]:
        connection = on_shutdown.enter_context(postgres.connect(database))
        return lambda: sum(int(row[0]) for row in connection.execute(statement.encode()))

    ours = count(service.database, PROCESSED), count(service.database, UNCONFIRMED)
    appliers = [Applier(OURS, service.webhooks, invoices, *ours)]
    if bench.options.peers:
        bench.install_peers()
        peer = on_shutdown.enter_context(
            DjStripe("all", postgres=postgres, stripe_url=bench.emulator.url, folder=bench.folder)
        )
        fewer = max(1, invoices // _SHARE)
        synced = count(peer.database, _SYNCED)
        appliers.append(Applier(DJ_STRIPE, peer.webhooks, fewer, synced, left=lambda: 0))
    return appliers


def turn(applier: Applier, load: Wrk | Player, payloads: Sequence[bytes]) -> float:
    """Events per second."""
    wanted = applier.done() + len(payloads)
    with load.delivering(applier.url, payloads):
        begun = time.perf_counter()
        try:
            wait_until(lambda: applier.done() >= wanted, within=600, every=_EVERY)
        except AssertionError as error:
            raise LoadFailed(f"{applier.name} has not processed {wanted - applier.done()} events") from error
        taken = time.perf_counter() - begun
    wait_until(lambda: not applier.left(), within=600, every=_EVERY)
    return len(payloads) / taken
