"""Durable acknowledgements, in turns: the limit, ours, dj-stripe storing its trigger, stripe-sync-engine."""

from contextlib import ExitStack

from benchmarks.bench import Bench
from benchmarks.contenders.dj_stripe import DjStripe
from benchmarks.contenders.erp import Erp
from benchmarks.contenders.limit import Limit
from benchmarks.contenders.ours import Service
from benchmarks.contenders.sync_engine import SyncEngine
from benchmarks.load.payloads import Template
from benchmarks.load.wrk import Played
from benchmarks.measures.turns import Contender, of_service, take_turns
from benchmarks.results import Finding, Outcome, Series, percentile, ratios

LIMIT, OURS = "the limit (pgbench)", "ours"
DJ_STRIPE, SYNC_ENGINE = "dj-stripe, trigger only", "stripe-sync-engine"


def measure(bench: Bench) -> Outcome:
    with ExitStack() as on_shutdown:
        service = on_shutdown.enter_context(bench.service())
        template = bench.template(Erp(service))
        contenders = _contenders(bench, service, template, on_shutdown)
        played = take_turns(bench, contenders)
    outcome = Outcome(series=[series for name in played for series in _series(name, played[name])])
    outcome.notes.append(f"The signed `invoice.paid` is {len(template):,} bytes long.")
    outcome.findings = _findings(
        {name: [turn.per_second for turn in turns] for name, turns in played.items()}
    )
    p99 = {name: [percentile(turn.latencies, 99) for turn in turns] for name, turns in played.items()}
    outcome.findings.append(Finding("p99 against pgbench", ratios(p99[OURS], p99[LIMIT])))
    return outcome


def _contenders(
    bench: Bench, service: Service, template: Template, on_shutdown: ExitStack
) -> list[Contender]:
    limit = Limit(bench.postgres, "limit", template.payload(0))
    load = bench.load(template)
    contenders = [
        Contender(LIMIT, limit.database, limit.play),
        of_service(OURS, bench, service, load),
    ]
    if bench.options.peers:
        bench.install_peers()
        dj_stripe = on_shutdown.enter_context(
            DjStripe("trigger", postgres=bench.postgres, stripe_url=bench.emulator.url, folder=bench.folder)
        )
        sync = on_shutdown.enter_context(SyncEngine(postgres=bench.postgres, folder=bench.folder))
        contenders += [
            Contender(
                DJ_STRIPE,
                dj_stripe.database,
                lambda seconds: load.play(dj_stripe.webhooks, seconds, dj_stripe.stored),
            ),
            Contender(
                SYNC_ENGINE, sync.database, lambda seconds: load.play(sync.webhooks, seconds, sync.stored)
            ),
        ]
    return contenders


def _series(name: str, turns: list[Played]) -> list[Series]:
    return [
        Series("acks", name, "per second", tuple(turn.per_second for turn in turns)),
        Series("acks", name, "p50 ms", tuple(percentile(turn.latencies, 50) for turn in turns)),
        Series("acks", name, "p99 ms", tuple(percentile(turn.latencies, 99) for turn in turns)),
    ]


def _findings(rates: dict[str, list[float]]) -> list[Finding]:
    percents = tuple(100 * ratio for ratio in ratios(rates[OURS], rates[LIMIT]))
    findings = [Finding("acks against pgbench", percents)]
    for target, name in (("acks against dj-stripe", DJ_STRIPE), ("acks against sync-engine", SYNC_ENGINE)):
        if name in rates:
            findings.append(Finding(target, ratios(rates[OURS], rates[name])))
    return findings
