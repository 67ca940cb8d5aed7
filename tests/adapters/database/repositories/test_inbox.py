"""Events of an account that is being connected while a worker is processing them."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.domain.webhook_event import SkipReason
from tests.builders import ACCOUNT, NOW
from tests.contracts.stored import claim, stored_event, stored_integration


@pytest.fixture
def store(postgres_url: str) -> Iterator[SqlStore]:
    """PostgreSQL only: SQLite has one writer at a time."""
    store = SqlStore(create_engine(postgres_url))
    yield store
    store.close()


def test_a_requeue_that_must_not_wait_leaves_out_what_a_worker_has_locked(store: SqlStore):
    stored_integration(store)
    for number in range(2):
        stored_event(store, f"evt_{number}", stripe_event_id=f"evt_{number}")
    first, second = claim(store)
    updates: list[str] = []

    def come_between(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        """Between what became of the one and of the other, which differ."""
        if statement.startswith("UPDATE webhook_events"):
            updates.append(statement)
            if len(updates) == 2:
                with store.writing() as connecting:
                    assert connecting.inbox.requeue_skipped(ACCOUNT, NOW, waiting=False) == 1
                    connecting.commit()

    with store.writing() as work:
        event.listen(work._connection, "before_cursor_execute", come_between)
        outcomes = [second.processed(NOW), first.skipped(SkipReason.DISCONNECTED, NOW)]
        assert work.inbox.settle(first.due_at, outcomes) == {second.id}
        work.commit()
