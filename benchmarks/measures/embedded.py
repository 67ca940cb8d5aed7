"""The embedded default: one web process with its worker on SQLite, against bare inserts of the same row."""

import os
import sqlite3
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.contenders.bare_sqlite import BareSqlite
from benchmarks.contenders.erp import Erp
from benchmarks.load.wrk import Played
from benchmarks.results import Finding, Outcome, Series, percentile, ratios

BARE, OURS = "bare SQLite", "ours on SQLite"


def measure(bench: Bench) -> Outcome:
    database = bench.folder / "bridge.sqlite"
    with bench.embedded(database) as service:
        template = bench.template(Erp(service))
        load = bench.load(template)
        bare = BareSqlite(bench.folder / "bare.sqlite", template.payload(0))

        def ours(seconds: float) -> Played:
            return load.play(service.webhooks, seconds, lambda: stored(database))

        played: dict[str, list[Played]] = {BARE: [], OURS: []}
        for number in range(bench.options.rounds):
            contenders = [(BARE, bare.play), (OURS, ours)]
            for name, play in contenders if number % 2 == 0 else reversed(contenders):
                # So that this turn does not have to write what the one before left to the kernel.
                os.sync()
                done = play(bench.options.seconds)
                played[name].append(done)
                bench.report(
                    f"  {number + 1}/{bench.options.rounds} {name}: {done.per_second:,.0f} per second"
                )
    rates = {name: [turn.per_second for turn in turns] for name, turns in played.items()}
    outcome = Outcome()
    for name, turns in played.items():
        p99 = tuple(percentile(turn.latencies, 99) for turn in turns)
        outcome.series += [
            Series("embedded", name, "per second", tuple(rates[name])),
            Series("embedded", name, "p99 ms", p99),
        ]
    percents = tuple(100 * ratio for ratio in ratios(rates[OURS], rates[BARE]))
    outcome.findings = [Finding("acks on SQLite", percents)]
    return outcome


def stored(database: Path) -> int:
    connection = sqlite3.connect(database, timeout=30)
    try:
        count: int = connection.execute("SELECT count(*) FROM webhook_events").fetchone()[0]
    finally:
        connection.close()
    return count
