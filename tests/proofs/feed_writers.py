"""Eight processes that write changes as fast as they can, in transactions of 1 to 100, over several tenants.

`python -m tests.proofs.feed_writers DATABASE_URL TENANTS`. For each line on stdin one of them is killed, whatever it is
doing, and another one takes its place; at the end of stdin, all are killed.
"""

import os
import random
import signal
import sys
import traceback
from dataclasses import replace
from datetime import timedelta

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from tests.builders import a_sales_order

WRITERS = 8
# One in so many transactions is not committed.
_GIVEN_UP = 7
# Few enough that writers change what others have written, at the same time.
_ORDERS = 500


def tenants(count: int) -> list[str]:
    return [f"tenant-{number}" for number in range(count)]


def write(store: Store, chance: random.Random, tenant_id: str) -> None:
    # In one order, so that no two wait for each other.
    chosen = sorted(chance.sample(range(1, _ORDERS + 1), chance.randint(1, 100)))
    with store.writing() as work:
        for order_id in chosen:
            put(work, tenant_id, order_id, total=chance.randint(1, 10**6))
        if chance.randrange(_GIVEN_UP):
            work.commit()


def put(work: UnitOfWork, tenant_id: str, order_id: int, total: int) -> None:
    """Whoever loses the race to add it changes what another one has added."""
    order = work.sales_orders.find(tenant_id, order_id, lock=True)
    if order is None:
        new = replace(a_sales_order(id=order_id), tenant_id=tenant_id, total=total)
        if work.sales_orders.add(new):
            return
        order = work.sales_orders.get(tenant_id, order_id, lock=True)
    edited_at = order.source_updated_at + timedelta(seconds=1)
    work.sales_orders.save(replace(order, total=total, source_updated_at=edited_at))


def write_on(database_url: str, count: int) -> None:
    store = SqlStore(create_engine(database_url))
    chance = random.Random(os.getpid())
    while True:
        write(store, chance, chance.choice(tenants(count)))


def fork(database_url: str, count: int) -> int:
    pid = os.fork()
    if not pid:
        try:
            write_on(database_url, count)
        finally:
            # A writer that fails has no others to stop.
            traceback.print_exc()
            os._exit(1)
    return pid


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def main(database_url: str, count: int) -> None:
    running = [fork(database_url, count) for _ in range(WRITERS)]
    try:
        for _ in sys.stdin:
            kill(running.pop(0))
            running.append(fork(database_url, count))
    finally:
        for pid in running:
            kill(pid)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
