"""Eight processes that write changes as fast as they can, in transactions of 1 to 100, over several tenants.

`python -m tests.proofs.feed_writers DATABASE_URL TENANTS`. For each line on stdin one of them is killed, whatever it is
doing, and another one takes its place; at the end of stdin, all are killed.
"""

import os
import random
import signal
import sys
from dataclasses import replace

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.builders import a_sales_order

WRITERS = 8
# One in so many transactions is not committed.
_GIVEN_UP = 7


def tenants(count: int) -> list[str]:
    return [f"tenant-{number}" for number in range(count)]


def write(store: Store, chance: random.Random, tenant_id: str) -> None:
    with store.writing() as work:
        for _ in range(chance.randint(1, 100)):
            order = a_sales_order(id=chance.getrandbits(60))
            work.sales_orders.add(replace(order, tenant_id=tenant_id))
        if chance.randrange(_GIVEN_UP):
            work.commit()


def write_on(database_url: str, count: int) -> None:
    store = SqlStore(create_engine(database_url))
    chance = random.Random(os.getpid())
    while True:
        write(store, chance, chance.choice(tenants(count)))


def fork(database_url: str, count: int) -> int:
    pid = os.fork()
    if not pid:
        write_on(database_url, count)
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
