"""What was measured in each round, and what is shown in the table."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Series:
    """One thing, measured once in every round. The series of a `measure` share one plot per unit."""

    measure: str
    name: str
    unit: str
    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def spread(self) -> tuple[float, float]:
        """The smallest and the largest sample."""
        return min(self.samples), max(self.samples)


@dataclass(frozen=True)
class Finding:
    """What is compared with a target: a ratio or a figure of every round.

    If the samples are of different things that all have to reach the target, the `worst` (greatest) counts.
    """

    target: str
    samples: tuple[float, ...]
    note: str = ""
    counts: str = "median"

    @property
    def measured(self) -> float:
        return max(self.samples) if self.counts == "worst" else statistics.median(self.samples)

    @property
    def spread(self) -> tuple[float, float]:
        return min(self.samples), max(self.samples)


@dataclass
class Outcome:
    """Everything that a measure found."""

    findings: list[Finding] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        self.findings += other.findings
        self.series += other.series
        self.notes += other.notes


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> tuple[float, ...]:
    """Round by round, so that a disturbance that outlasts a round affects both."""
    return tuple(above / below for above, below in zip(numerators, denominators, strict=True))


def percentile(values: Sequence[float], percent: float) -> float:
    """By nearest rank, so that it is a value that was really measured."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
