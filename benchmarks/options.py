"""What to measure, how often, and at what size: from the command line, or else from the environment."""

import argparse
import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
OUTPUT = ROOT / "docs" / "benchmarks"
# Those of each invoice that `paging` reads.
EVENT_TYPES = ("charge.succeeded", "payment_intent.succeeded", "invoice_payment.paid", "invoice.paid")


@dataclass(frozen=True)
class Turns:
    """How often something is measured, and how often before that, until it is warm."""

    measured: int
    warming: int

    def medians(self, take: Callable[[], Mapping[str, float]]) -> dict[str, float]:
        """The median of each figure of the turns that `take` takes."""
        turns = [take() for _ in range(self.warming + self.measured)][self.warming :]
        return {name: statistics.median(turn[name] for turn in turns) for name in turns[0]}


@dataclass(frozen=True, kw_only=True)
class Options:
    """`seconds` is the length of one contender's turn."""

    only: tuple[str, ...] = ()
    rounds: int = 5
    seconds: float = 5.0
    invoices: int = 5_000_000
    backlog: int = 100_000
    paid_invoices: int = 150
    sends: int = 25
    changes: int = 1_000_000
    objects: int = 1_000_000
    tries: int = 5
    paging_turns: Turns = Turns(15, warming=3)
    console_turns: Turns = Turns(5, warming=1)
    peers: bool = True
    smoke: bool = False
    output: Path | None = None

    @property
    def events(self) -> int:
        """In the lists that `paging` reads."""
        return len(EVENT_TYPES) * self.invoices


SMOKE = Options(
    rounds=1,
    seconds=0.3,
    invoices=1_000,
    backlog=12_000,
    paid_invoices=2,
    sends=2,
    changes=2_000,
    objects=1_000,
    tries=1,
    paging_turns=Turns(1, warming=0),
    console_turns=Turns(1, warming=0),
    peers=False,
    smoke=True,
)


def parse(arguments: Sequence[str], names: Sequence[str], environ: Mapping[str, str] = os.environ) -> Options:
    """The options. Exits with an explanation if they are not valid."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    default = Options()

    def number(name: str, kind: type, explanation: str) -> None:
        given = environ.get(f"BENCH_{name.upper()}") or getattr(default, name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=given, help=explanation)

    only = ", ".join(names)
    parser.add_argument("--only", default=environ.get("BENCH_ONLY", ""), help=f"some of: {only}")
    number("rounds", int, "how many turns each contender has (%(default)s)")
    number("seconds", float, "how long a turn takes (%(default)s)")
    invoices = "invoices in the lists that `paging` reads, with four events each (%(default)s)"
    number("invoices", int, invoices)
    number("backlog", int, "stored events that are being applied during `busy` (%(default)s)")
    number("paid_invoices", int, "invoices whose events `applying` applies in a turn (%(default)s)")
    number("sends", int, "invoices that `sending` sends in a turn (%(default)s)")
    number("changes", int, "changes in the log that `changes` reads and verifies (%(default)s)")
    number("objects", int, "objects from before the change log that `existing` records (%(default)s)")
    parser.add_argument("--no-peers", action="store_true", help="only the service and the limit")
    parser.add_argument("--smoke", action="store_true", help="everything, as small as possible; no figures")
    parser.add_argument("--output", type=Path, help="the folder for table, plots and raw figures")
    given = parser.parse_args(arguments)
    chosen = tuple(name.strip() for name in given.only.split(",") if name.strip())
    if unknown := set(chosen) - set(names):
        parser.error(f"there is no {', '.join(sorted(unknown))}; choose from {only}")
    if given.smoke:
        return Options(**{**vars(SMOKE), "only": chosen})
    sizes = (
        "rounds",
        "seconds",
        "invoices",
        "backlog",
        "paid_invoices",
        "sends",
        "changes",
        "objects",
    )
    return Options(
        only=chosen,
        peers=not given.no_peers,
        # A partial table does not overwrite the complete one.
        output=given.output or (None if chosen else OUTPUT),
        **{name: getattr(given, name) for name in sizes},
    )
