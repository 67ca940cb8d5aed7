"""Which processes run, of which release: read when somebody asks, so that a process that has ended is not shown."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, Metric

from stripe_bridge.adapters.metrics.shared_folder import Place, places

_PAGE = os.sysconf("SC_PAGE_SIZE")


class ProcessGauges:
    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        build = GaugeMetricFamily(
            "stripe_bridge_build_info",
            "The release that responds. Always 1.",
            labels=["version", "python"],
        )
        build.add_metric([_release(), platform.python_version()], 1.0)
        yield build
        memory = GaugeMetricFamily(
            "stripe_bridge_process_resident_bytes",
            "Memory of each running process. A process that replaces another has the same number.",
            labels=["process"],
        )
        for place in self._places():
            if (size := _resident_bytes(place.pid)) is not None:
                memory.add_metric([str(place.number)], size)
        yield memory

    def _places(self) -> Iterator[Place]:
        if self._folder is None:
            yield Place(0, os.getpid())
        else:
            yield from places(self._folder)


@cache
def _release() -> str:
    return version("stripe-bridge")


def _resident_bytes(pid: int) -> float | None:
    try:
        return float(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return None
