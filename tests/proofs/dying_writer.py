"""A process that is killed at each statement of its transaction in turn, and then at none.

`python -m tests.proofs.dying_writer DATABASE_URL CHANGES` writes how many were killed.
"""

import os
import signal
import sys
from itertools import count
from typing import Any

from sqlalchemy import event

from stripe_bridge.adapters.database import SqlStore, create_engine
from tests.proofs.feed_writers import put, tenants


def write(database_url: str, changes: int, dies_at: int) -> None:
    """The `dies_at`-th statement is not executed any more. The commit is the last one."""
    store, numbers = SqlStore(create_engine(database_url)), count(1)

    def die(*_: Any) -> None:
        if next(numbers) == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    for moment in ("before_cursor_execute", "commit"):
        event.listen(store.engine, moment, die)
    (tenant_id,) = tenants(1)
    with store.writing() as work:
        for order_id in range(1, changes + 1):
            put(work, tenant_id, order_id, total=order_id)
        work.commit()


def main(database_url: str, changes: int) -> None:
    for dies_at in count(1):
        pid = os.fork()
        if not pid:
            write(database_url, changes, dies_at)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        ended = os.waitstatus_to_exitcode(status)
        if not ended:
            sys.stdout.write(f"{dies_at - 1}\n")
            return
        assert ended == -signal.SIGKILL


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
