"""How long a command takes, from the start of its process to its end, against a process that only imports the libraries."""

import sys
import time
from collections.abc import Mapping, Sequence

from benchmarks.bench import Bench
from benchmarks.results import Finding, Outcome, Series, ratios
from benchmarks.stand.programs import run

_COMMAND = (sys.executable, "-c", "from stripe_bridge.bootstrap import main; main()")
_ALL: Mapping[str, Sequence[str]] = {
    "importing Flask": (sys.executable, "-c", "import flask"),
    "--help": (*_COMMAND, "--help"),
    "importing Flask and SQLAlchemy's ORM": (sys.executable, "-c", "import flask, sqlalchemy.orm"),
    "tokens list": (*_COMMAND, "tokens", "list"),
}


def measure(bench: Bench) -> Outcome:
    service = bench.service()
    took: dict[str, list[float]] = {name: [] for name in _ALL}
    for _ in range(bench.options.rounds):
        # Each in turn, so that a disturbance is not all one's; the quickest of a round is the least disturbed.
        tries = [
            {name: _time(command, service.env) for name, command in _ALL.items()}
            for _ in range(bench.options.tries)
        ]
        for name, times in took.items():
            times.append(min(each[name] for each in tries))
    bare_flask, help_, bare_orm, command = took.values()
    return Outcome(
        findings=[
            Finding("help", ratios(help_, bare_flask)),
            Finding("command", ratios(command, bare_orm)),
        ],
        series=[Series("commands", name, "ms", tuple(times)) for name, times in took.items()],
    )


def _time(command: Sequence[str], env: Mapping[str, str]) -> float:
    """In milliseconds."""
    begun = time.perf_counter()
    run(command, env=env)
    return (time.perf_counter() - begun) * 1000
