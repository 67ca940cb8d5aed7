"""`python -m benchmarks`: measures, prints the table, and writes the results."""

import importlib
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence

from benchmarks.bench import Bench, started
from benchmarks.load.wrk import LoadFailed, ensure_wrk
from benchmarks.measures import (
    acks,
    applying,
    busy,
    changes,
    commands,
    delivering,
    embedded,
    existing,
    paging,
    recording,
    sending,
)
from benchmarks.options import Options, parse
from benchmarks.report import Report
from benchmarks.results import Outcome
from benchmarks.stand.programs import CommandFailed

MEASURES: Mapping[str, Callable[[Bench], Outcome]] = {
    "acks": acks.measure,
    "applying": applying.measure,
    "embedded": embedded.measure,
    "busy": busy.measure,
    "paging": paging.measure,
    "sending": sending.measure,
    "commands": commands.measure,
    "recording": recording.measure,
    "delivering": delivering.measure,
    "changes": changes.measure,
    "existing": existing.measure,
}


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments, list(MEASURES))
    try:
        report = run(options)
    except (LoadFailed, CommandFailed) as fault:
        print(fault, file=sys.stderr)
        return 1
    if options.smoke:
        print(
            f"Everything works. Figures of such a small run would mean nothing. {len(report.page())} characters of report."
        )
        return 0
    print(report.table())
    if options.output:
        report.write(options.output)
        # Imported only here: printing the table does not need the plotting library.
        importlib.import_module("benchmarks.plots").draw(options.output)
        print(f"Written to {options.output}.")
    return 0


def run(options: Options) -> Report:
    """Run the chosen measures, one after the other."""
    if not options.smoke:
        ensure_wrk()
    outcome = Outcome()
    with started(options, has_wrk=shutil.which("wrk") is not None) as bench:
        for name, measure in MEASURES.items():
            if not options.only or name in options.only:
                bench.report(f"Measuring: {name}")
                outcome.add(measure(bench))
        return Report.of(bench, outcome)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
