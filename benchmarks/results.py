"""Figures: what was measured in each round, and what stands in the table."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Series:
    """One thing, measured once in every round. A `measure` draws all its series into one plot per unit."""

    measure: str
    name: str
    unit: str
    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the most."""
        return min(self.samples), max(self.samples)


@dataclass(frozen=True)
class Finding:
    """What stands beside one of the targets: the ratio, or the figure, of every round.

    Where the samples are of different things, of which each has to reach the target, the `worst` (greatest) counts.
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
    """All that one measure found."""

    findings: list[Finding] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        self.findings += other.findings
        self.series += other.series
        self.notes += other.notes


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> tuple[float, ...]:
    """Round by round: what disturbs the machine for longer than a round disturbs both."""
    return tuple(above / below for above, below in zip(numerators, denominators, strict=True))


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest rank: a value that was really measured."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
