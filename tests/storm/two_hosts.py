"""`python -m tests.storm.two_hosts`: a storm in which two hosts lose their network in turn.

Each has a web process and a worker; PostgreSQL, Redis and Stripe are elsewhere, and a balancer is before them. To be run in a
network of its own, see `network.isolated`.
"""

import os
import random
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import sqlalchemy

from stripe_bridge.adapters.database.migrations_runner import migrate
from tests.servers import preloaded
from tests.servers.postgres import PostgresServer
from tests.servers.processes import scratch_folder, stop
from tests.servers.redis import RedisServer
from tests.storm.balancer import Balancer
from tests.storm.network import SERVERS, Host, Lost, Network
from tests.storm.service import Service
from tests.storm.storm import Place, Report, carry_through
from tests.storm.users import Order
from tests.waiting import wait_until

# In seconds: longer than TCP waits for an answer, and longer than anything does, the pool of connections included.
_LONG, _LONGEST = 13.0, 35.0
# What TCP needs to notice, and some more.
_LOCKS_RELEASED_WITHIN = 20.0
_LOCKED = "SELECT value FROM kept WHERE id = 1 FOR UPDATE"


@dataclass
class TwoHosts:
    network: Network
    place: Place
    database_url: str
    folder: Path

    def url_of(self, host: Host) -> str:
        return f"http://{host.address}:{self.place.service.port}"

    @contextmanager
    def outage(self, *lost: tuple[Host, Lost]) -> Iterator[None]:
        """As long as it lasts, these packets are lost. Afterwards every host has to answer again by itself."""
        for host, packets in lost:
            self.network.cut(host, packets)
        try:
            yield
        finally:
            for host, packets in lost:
                self.network.mend(host, packets)
        for host, _ in lost:
            wait_until(partial(self.place.service.is_ready, self.url_of(host)), every=0.2)


@contextmanager
def two_hosts(folder: Path) -> Iterator[TwoHosts]:
    with ExitStack() as on_shutdown:
        network = on_shutdown.enter_context(Network(folder))
        on_shutdown.callback(preloaded.close)
        postgres, redis = PostgresServer(address=SERVERS), RedisServer(address=SERVERS)
        on_shutdown.callback(postgres.close)
        on_shutdown.callback(redis.close)
        postgres.start()
        redis.start()
        migrate(postgres.url())
        service = Service(
            folder,
            postgres.url(),
            redis.url(),
            web=2,
            workers=2,
            machines=network.hosts,
            stripe=SERVERS,
            settings={"NO_PROXY": f"127.0.0.1,{SERVERS}"},
        )
        on_shutdown.callback(service.close)
        targets = [(host.address, service.port) for host in network.hosts]
        on_shutdown.enter_context(Balancer(service.port, targets))
        service.start()
        yield TwoHosts(network, Place(service), postgres.url(), folder)


@contextmanager
def locked_by(host: Host, where: TwoHosts) -> Iterator[Callable[[], list[str]]]:
    """A process on this host has locked something. Yields what waits until another may lock it, and returns what is wrong."""
    engine = sqlalchemy.create_engine(where.database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE kept AS SELECT 1 AS id, 0 AS value")

    def wait() -> list[str]:
        began = time.monotonic()
        with engine.begin() as connection:
            connection.exec_driver_sql(_LOCKED)
        seconds = time.monotonic() - began
        report_progress(f"locks of a lost host were released after {seconds:.1f} s")
        is_late = seconds > _LOCKS_RELEASED_WITHIN
        return [f"a lost host held its locks for {seconds:.1f} s"] if is_late else []

    log = where.folder / "locking.log"
    holder = host.start("tests.storm.holding", where.database_url, _LOCKED, log=log, env={**os.environ})
    try:
        wait_until(lambda: "locked" in log.read_text())
        yield wait
    finally:
        stop(holder, signal.SIGKILL)
        engine.dispose()


def storm_of_two_hosts(where: TwoHosts, *, size: int, seed: int) -> tuple[Report, list[str]]:
    """Each kind of outage in turn, the last one of both hosts, while users work. Returns what did not go on meanwhile, too,
    and whether what the first host had locked was not released during its outage."""
    one, other = where.network.hosts
    outages = [
        (_LONGEST, [(one, Lost.BOTH)]),
        (_LONG, [(other, Lost.TO)]),
        (_LONG, [(one, Lost.FROM)]),
        (_LONG, [(one, Lost.TO), (other, Lost.FROM)]),
    ]
    begun = [threading.Event() for _ in outages]
    stuck: list[str] = []

    def cut(working: list[Future[Order]], wait_for_lock: Callable[[], list[str]]) -> None:
        for number, (seconds, lost) in enumerate(outages):
            name = " and ".join(f"{packets} {host.name}" for host, packets in lost)
            before = _done(working)
            with where.outage(*lost):
                begun[number].set()
                ends_at = time.monotonic() + seconds
                if number == 0:
                    stuck.extend(wait_for_lock())
                time.sleep(max(0.0, ends_at - time.monotonic()))
                # The other host goes on, if slowly on a busy machine.
                if len(lost) == 1 and not _goes_on(working, before):
                    stuck.append(f"no order was done without packets {name}")
                worked = _done(working) - before
            report_progress(f"{seconds:.0f} s without packets {name}: {worked} orders done meanwhile")

    with locked_by(one, where) as wait_for_lock:
        report = carry_through(
            where.place,
            partial(cut, wait_for_lock=wait_for_lock),
            size=size,
            seed=seed,
            users=8,
            report_progress=report_progress,
            wait_for_turn=lambda number: begun[(number - 1) * len(outages) // size].wait(),
        )
    return report, stuck


def _done(working: list[Future[Order]]) -> int:
    return sum(each.done() for each in working)


def _goes_on(working: list[Future[Order]], before: int) -> bool:
    """Whether sooner or later more orders are done than before."""
    try:
        return wait_until(lambda: _done(working) > before)
    except AssertionError:
        return False


def main() -> int:
    size = int(os.environ.get("SIZE") or 60)
    seed = int(os.environ.get("SEED") or random.randrange(1_000_000))
    folder = scratch_folder("two-hosts")
    report_progress(f"storm of {size} orders on two hosts, SEED={seed}; log: {folder / 'service.log'}")
    with two_hosts(folder) as where:
        report, found = storm_of_two_hosts(where, size=size, seed=seed)
    found += report.faults
    report_progress(
        f"{len(report.orders)} orders, {report.events} events, {report.seconds:.0f} s, {len(found)} faults"
    )
    report_progress("\n".join(found))
    if not found:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if found else 0


def report_progress(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
