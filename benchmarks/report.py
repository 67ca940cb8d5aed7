"""The table of ratios and the figures behind it, in text and in files."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench
from benchmarks.machine import machine, versions
from benchmarks.options import Options
from benchmarks.results import Finding, Outcome
from benchmarks.targets import TARGETS, Target

RESULTS, RAW = "results.md", "raw.json"


@dataclass(frozen=True)
class Report:
    """What a run found, on what machine and versions, with what options."""

    outcome: Outcome
    machine: dict[str, str]
    versions: dict[str, str]
    options: Options
    at: datetime

    @classmethod
    def of(cls, bench: Bench, outcome: Outcome) -> "Report":
        """Report on a bench; its servers must still be running."""
        known = versions(bench.postgres.binaries) | bench.versions
        return cls(outcome, machine(), known, bench.options, datetime.now(UTC))

    def table(self) -> str:
        """The targets, and what was measured."""
        rows = ["| | at least | aim | measured (median) | spread | met |", "|---|---|---|---|---|---|"]
        found = {finding.target: finding for finding in self.outcome.findings}
        for target in TARGETS:
            cells = _cells(target, found.get(target.name))
            rows.append(
                f"| {target.text} | {target.shown(target.least)} | {target.shown(target.aim)} | {cells} |"
            )
        return "\n".join(rows)

    def figures(self) -> str:
        """Every series, from which the ratios are computed."""
        rows = ["| measure | what | unit | median | least | most |", "|---|---|---|---|---|---|"]
        for series in self.outcome.series:
            numbers = [_number(value) for value in (series.median, *series.spread)]
            rows.append(f"| {series.measure} | {series.name} | {series.unit} | {' | '.join(numbers)} |")
        return "\n".join(rows)

    def page(self) -> str:
        facts = [f"- {name}: {value}" for name, value in (self.machine | self.versions).items()]
        notes = [f"- {finding.target}: {finding.note}" for finding in self.outcome.findings if finding.note]
        notes += [f"- {note}" for note in self.outcome.notes]
        plots = [f"![{measure}]({measure}.svg)" for measure in self.measures()]
        parts = [
            "# Results",
            f"Measured on {self.at:%Y-%m-%d} in one run of `make bench`: {self.options.rounds} rounds of"
            f" {self.options.seconds:g} s, {self.options.invoices:,} invoices and {self.options.events:,} events for"
            " reading. [What is measured, and how](README.md).",
            self.table(),
            "## Where",
            "\n".join(facts),
            "## Notes",
            "\n".join(notes),
            "## Figures",
            "\n\n".join(plots),
            self.figures(),
        ]
        return "\n\n".join(parts) + "\n"

    def measures(self) -> list[str]:
        """The measures that have series, each once."""
        return list(dict.fromkeys(series.measure for series in self.outcome.series))

    def raw(self) -> dict[str, Any]:
        options = {name: value for name, value in asdict(self.options).items() if name != "output"}
        return {
            "at": self.at.isoformat(),
            "machine": self.machine,
            "versions": self.versions,
            "options": options,
            **asdict(self.outcome),
        }

    def write(self, folder: Path) -> None:
        """Write the table and the raw figures; the plots are made from the latter."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / RESULTS).write_text(self.page())
        (folder / RAW).write_text(json.dumps(self.raw(), indent=1) + "\n")


def _cells(target: Target, finding: Finding | None) -> str:
    if finding is None:
        return "not measured | | "
    is_least, is_aim = (target.is_met(finding.measured, wanted) for wanted in (target.least, target.aim))
    met = "aim" if is_aim else "yes" if is_least else "**no**"
    low, high = finding.spread
    measured = target.shown(finding.measured) + (" (the worst)" if finding.counts == "worst" else "")
    return f"{measured} | {target.shown(low)} to {target.shown(high)} | {met}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
