"""Plots the figures in raw.json: `python -m benchmarks.plots docs/benchmarks`."""

import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.report import RAW

_COLOR, _DOTS = "#635bff", "#0a2540"


def draw(folder: Path) -> None:
    """Draw one picture for each measure, with an axis for each of its units."""
    # So that the same figures give the same file.
    mpl.rcParams["svg.hashsalt"] = "stripe-bridge"
    series = json.loads((folder / RAW).read_text())["series"]
    by_measure: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for one in series:
        by_measure[one["measure"]][one["unit"]].append(one)
    for measure, by_unit in by_measure.items():
        figure = _figure(by_unit)
        figure.savefig(folder / f"{measure}.svg", metadata={"Date": None})


def _figure(by_unit: dict[str, list[Any]]) -> Figure:
    """Bars are medians; each dot is one round."""
    heights = [len(group) for group in by_unit.values()]
    figure = Figure(figsize=(9, 0.9 * len(heights) + 0.36 * sum(heights)), layout="constrained")
    plots = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)
    for plot, (unit, group) in zip(plots[:, 0], by_unit.items(), strict=True):
        names = [one["name"] for one in group]
        medians = [statistics.median(one["samples"]) for one in group]
        plot.barh(names, medians, color=_COLOR, alpha=0.75)
        for place, one in enumerate(group):
            plot.plot(one["samples"], [place] * len(one["samples"]), "o", color=_DOTS, markersize=3)
        plot.bar_label(plot.containers[0], [f"{median:,.4g}" for median in medians], padding=6, fontsize=8)
        plot.invert_yaxis()
        plot.margins(x=0.15)
        plot.set_xlabel(unit, fontsize=9)
        plot.tick_params(labelsize=9)
        plot.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
