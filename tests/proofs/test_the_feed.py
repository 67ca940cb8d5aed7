"""While eight writers write as fast as they can, and are killed, no reader of the feed skips a change or gets one twice.

`FEED_SECONDS` is how long they write.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import pytest

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.domain.changes.entry import GENESIS, chain
from stripe_bridge.use_cases.changes.feed import FeedQuery, read_page
from tests.proofs.feed_writers import tenants
from tests.proofs.folding import assert_the_log_tells_everything
from tests.servers.processes import ROOT
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.slow
SECONDS = int(os.environ.get("FEED_SECONDS", "3"))


class Reader:
    """Reads the feeds of all tenants, page by page, and believes only what is chained to what it has."""

    def __init__(self, store: SqlStore, names: list[str], limit: int) -> None:
        self._store, self._limit = store, limit
        self.has = dict.fromkeys(names, (0, GENESIS))

    @property
    def count(self) -> int:
        return sum(after for after, _ in self.has.values())

    def read_all(self) -> None:
        for tenant_id in self.has:
            self._read(tenant_id)

    def _read(self, tenant_id: str) -> None:
        after, hash_ = self.has[tenant_id]
        with self._store.reading() as work:
            page = read_page(work, FeedQuery(tenant_id=tenant_id, after=after, limit=self._limit))
        assert page.after_hash == hash_
        for entry in page.entries:
            after += 1
            hash_ = chain(hash_, entry.signed)
            assert (entry.sequence, entry.hash) == (after, hash_)
        assert page.next_after == after <= page.latest
        self.has[tenant_id] = after, hash_


@contextmanager
def writers(database_url: str, count: int) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.proofs.feed_writers", database_url, str(count)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, text=True) as program:
        try:
            yield program
        finally:
            assert program.stdin
            program.stdin.close()
            program.wait(PATIENCE)


def kill_one(program: "subprocess.Popen[str]") -> None:
    assert program.stdin
    program.stdin.write("\n")
    program.stdin.flush()


def is_next_due(reader: Reader, had: int, due_at: float, reading: "list[Future[None]]") -> bool:
    """When a second has gone by and something was read in it; or when a reader has failed."""
    has_gone_by = time.monotonic() >= due_at and reader.count > had
    return has_gone_by or any(each.done() for each in reading)


def read_until_stopped(reader: Reader, stopped: list[bool]) -> None:
    while not stopped:
        reader.read_all()
    # What was committed before is read now.
    before = -1
    while reader.count > before:
        before = reader.count
        reader.read_all()


@pytest.mark.parametrize("count", [1, 50])
def test_whoever_reads_on_misses_nothing_and_gets_nothing_twice(database_url: str, count: int):
    store = SqlStore(create_engine(database_url))
    readers = [Reader(store, tenants(count), limit) for limit in (3, 100, 500)]
    stopped: list[bool] = []
    began_at = time.monotonic()
    with ThreadPoolExecutor(len(readers)) as pool:
        reading = [pool.submit(read_until_stopped, reader, stopped) for reader in readers]
        try:
            with writers(database_url, count) as program:
                for _ in range(SECONDS):
                    due_at = time.monotonic() + 1
                    wait_until(partial(is_next_due, readers[1], readers[1].count, due_at, reading))
                    kill_one(program)
        finally:
            stopped.append(True)
        seconds = time.monotonic() - began_at
        for each in reading:
            each.result(PATIENCE)
    with store.reading() as work:
        heads = work.changes.heads(tenants(count))
    for reader in readers:
        assert reader.has == {
            each: (heads[each].sequence, heads[each].hash) if each in heads else (0, GENESIS)
            for each in tenants(count)
        }
    sys.stdout.write(f"{readers[1].count / seconds:.0f} changes a second\n")
    assert readers[1].count
    for tenant_id in heads:
        assert_the_log_tells_everything(store, tenant_id)
    store.close()


@pytest.mark.parametrize("changes", [1, 20])
def test_a_writer_killed_at_any_statement_of_its_transaction_leaves_all_of_it_or_nothing(
    database_url: str, changes: int
):
    command = [sys.executable, "-m", "tests.proofs.dying_writer", database_url, str(changes)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE)
    deaths = int(done.stdout)
    # The heads, the entries and the commit are among them.
    assert deaths > 4
    store = SqlStore(create_engine(database_url))
    assert_the_log_tells_everything(store, "tenant-0")
    with store.reading() as work:
        head = work.changes.head("tenant-0")
    assert head is not None
    assert head.sequence == changes, "All that died before their commit left nothing."
    store.close()
