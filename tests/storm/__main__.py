"""`make storm`: SIZE orders, with random choices from SEED, where STORM says.

`servers` are PostgreSQL and Redis, `embedded` is SQLite, and `hosts` are two of them.
"""

import os
import random
import shutil
import subprocess
import sys
from collections import Counter

from tests.servers.processes import scratch_folder
from tests.storm.network import isolated
from tests.storm.storm import Report, embedded, on_servers, storm

_PLACES = {"servers": on_servers, "embedded": embedded}


def main() -> int:
    name = os.environ.get("STORM") or "servers"
    if name == "hosts":
        return subprocess.call(isolated([sys.executable, "-m", "tests.storm.two_hosts"]))
    size = int(os.environ.get("SIZE") or 2000)
    seed = int(os.environ.get("SEED") or random.randrange(1_000_000))
    folder = scratch_folder("storm")
    report_progress(
        f"storm of {size} orders, {name}, SEED={seed}; the service's log: {folder / 'service.log'}"
    )
    with _PLACES[name](folder) as place:
        report = storm(place, size=size, seed=seed, users=16, every=6.0, report_progress=report_progress)
    report_progress(table(report))
    if report.faults:
        report_progress("\n".join(report.faults[:200]))
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def table(report: Report) -> str:
    fates = Counter(order.fate for order in report.orders)
    rows = {
        "orders": len(report.orders),
        **{f"  {fate}": number for fate, number in sorted(fates.items())},
        "events at Stripe": report.events,
        **{f"deliveries {how}": number for how, number in sorted(report.deliveries.items())},
        **{f"{name} killed": times for name, times in sorted(report.kills.items())},
        "seconds": round(report.seconds),
        "seconds to rest": round(report.rest_seconds),
        "faults": len(report.faults),
    }
    return "\n".join(f"{name:24}{value:>8}" for name, value in rows.items())


def report_progress(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
