"""Reading deep into long lists: page 50,000 by cursor against page 1, for every list, and the activity log; and the
console's pages over the same rows."""

import http.client
import itertools
import json
import statistics
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from benchmarks.bench import Bench
from benchmarks.contenders.erp import Erp
from benchmarks.load.wrk import LoadFailed
from benchmarks.measures.console import measure_pages
from benchmarks.measures.library import PAYLOAD_BYTES, Library, fill
from benchmarks.options import Turns
from benchmarks.results import Finding, Outcome, Series

DEEP = 50_000
ACTIVITY = "activity log, oldest and newest invoice"
_TOKENS = 12


class Reader:
    """Reads pages with as little work of its own as possible, so that the service is what is measured."""

    def __init__(self, erp: Erp) -> None:
        self._tokens = itertools.cycle(erp.tokens)
        self._connection = http.client.HTTPConnection(urlsplit(erp.url).netloc, timeout=300)

    def get(self, path: str) -> tuple[float, Any]:
        """The milliseconds it took, and the answer's body. Raises LoadFailed unless it is a 200."""
        headers = {"Authorization": f"Bearer {next(self._tokens)}"}
        begun = time.perf_counter()
        self._connection.request("GET", path, headers=headers)
        answer = self._connection.getresponse()
        body = answer.read()
        taken = (time.perf_counter() - begun) * 1000
        if answer.status != http.HTTPStatus.OK:
            raise LoadFailed(f"GET {path}: {answer.status} {body[:500]!r}")
        return taken, json.loads(body)

    def medians(self, pages: Mapping[str, str], turns: Turns) -> dict[str, float]:
        """The median milliseconds of each page when warm; the pages take turns."""
        return turns.medians(lambda: {page: self.get(path)[0] for page, path in pages.items()})

    def close(self) -> None:
        self._connection.close()


def measure(bench: Bench) -> Outcome:
    with bench.service() as service:
        erp = Erp(service, tokens=_TOKENS)
        library = fill(bench, service, erp)
        reader = Reader(erp)
        paths = {name: _paths(reader, path) for name, path in library.lists().items()}
        paths[ACTIVITY] = _activity(library)
        taken: dict[str, list[dict[str, float]]] = {name: [] for name in paths}
        for number in range(bench.options.rounds):
            for name, pages in paths.items():
                taken[name].append(reader.medians(pages, bench.options.paging_turns))
            bench.report(f"  {number + 1}/{bench.options.rounds} read")
        reader.close()
        outcome = _outcome(bench, taken)
        outcome.add(measure_pages(bench, service, library))
    return outcome


def _paths(reader: Reader, path: str) -> dict[str, str]:
    """Page 1 with its totals, page 2 by cursor, and the deepest full page, at most 50,000, by cursor."""
    _, first = reader.get(path)
    deepest = min(DEEP, first["total"] // first["per_page"])
    # The page before it, read by number, has its cursor.
    _, before = reader.get(f"{path}&page={deepest - 1}")
    deep = f"{path}&cursor={before['next_cursor']}"
    if not reader.get(deep)[1]["data"]:
        raise LoadFailed(f"{deep} is empty")
    return {
        "page 1": path,
        "page 2 by cursor": f"{path}&cursor={first['next_cursor']}",
        f"page {deepest:,} by cursor": deep,
    }


def _activity(library: Library) -> dict[str, str]:
    path = "/api/stripe/invoices/{}/activity-log"
    return {"oldest": path.format(library.first_invoice), "newest": path.format(library.last_invoice)}


def _outcome(bench: Bench, taken: dict[str, list[dict[str, float]]]) -> Outcome:
    series = [
        Series("paging", f"{name}: {page}", "ms", tuple(turn[page] for turn in turns))
        for name, turns in taken.items()
        for page in turns[0]
    ]
    found = {name: statistics.median(_ratio(turn) for turn in turns) for name, turns in taken.items()}
    words = ", ".join(f"{name} {ratio:.2f} ×" for name, ratio in found.items())
    sizes = (
        f"{bench.options.invoices:,} invoices and {bench.options.events:,} events of {PAYLOAD_BYTES} bytes"
    )
    return Outcome(
        findings=[Finding("paging", tuple(found.values()), counts="worst", note=f"at {sizes}: {words}")],
        series=series,
    )


def _ratio(turn: dict[str, float]) -> float:
    """The deepest page against the quicker of the others, since page 1 also has totals."""
    *shallow, deep = turn.values()
    return deep / min(shallow)
