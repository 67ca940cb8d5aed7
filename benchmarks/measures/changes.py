"""A long log: its last page against its first one, and verifying it."""

import time
from dataclasses import replace

from benchmarks.bench import Bench
from benchmarks.contenders.erp import TENANT, Erp
from benchmarks.contenders.ours import Service
from benchmarks.measures.paging import Reader
from benchmarks.results import Finding, Outcome, Series
from stripe_bridge.adapters.database import SqlStore, create_engine
from tests.builders import a_sales_order

# So that a million changes have a page 100,000.
_PER_PAGE = 10
_AT_ONCE = 500
_TOKENS = 12
_CHAIN, _OBJECTS = ("--chain-only",), ()


def measure(bench: Bench) -> Outcome:
    with bench.service() as service:
        erp = Erp(service, tokens=_TOKENS)
        fill(service, bench.options.changes)
        bench.report(f"  {bench.options.changes:,} changes are there")
        last = bench.options.changes - _PER_PAGE
        pages = {
            name: f"/api/changes?after={after}&limit={_PER_PAGE}"
            for name, after in (("page 1", 0), ("last page", last))
        }
        reader = Reader(erp)
        taken = [reader.medians(pages, bench.options.paging_turns) for _ in range(bench.options.rounds)]
        reader.close()
        # The whole command, with starting Python.
        chain, everything = (_verified(service, options) for options in (_CHAIN, _OBJECTS))
    ratio = tuple(turn["last page"] / turn["page 1"] for turn in taken)
    size = f"at {bench.options.changes:,} changes"
    pages_read = [Series("changes", name, "ms", tuple(turn[name] for turn in taken)) for name in pages]
    return Outcome(
        findings=[
            Finding("feed", ratio, note=f"{size}, {_PER_PAGE} on a page"),
            Finding("verify", (chain,), note=size),
            Finding("verify with objects", (everything,), note=size),
        ],
        series=[
            *pages_read,
            Series("changes", "verify, chain only", "s", (chain,)),
            Series("changes", "verify, with objects", "s", (everything,)),
        ],
    )


def fill(service: Service, changes: int) -> None:
    """By the service's own code: what is verified has to be whole."""
    store = SqlStore(create_engine(service.env["DATABASE_URL"]))
    with store.reading() as work:
        head = work.changes.head(TENANT)
    had = 0 if head is None else head.sequence
    for first in range(had + 1, changes + 1, _AT_ONCE):
        with store.writing() as work:
            for order_id in range(first, min(first + _AT_ONCE, changes + 1)):
                work.sales_orders.add(replace(a_sales_order(id=order_id), tenant_id=TENANT))
            work.commit()
    store.close()


def _verified(service: Service, options: tuple[str, ...]) -> float:
    begun = time.perf_counter()
    service.flask("changes", "verify", "--tenant", TENANT, *options)
    return time.perf_counter() - begun
