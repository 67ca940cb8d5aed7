"""Whoever listens in this process hears of what it has committed, once others can see it."""

from collections.abc import Mapping

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.ports.committed_changes import CommittedChanges
from tests.builders import TENANT, an_integration


def test_a_commit_is_told_of_once_it_can_be_seen_and_only_if_it_recorded_something(database_url: str):
    heard: list[tuple[Mapping[str, int], int]] = []
    committed = CommittedChanges()
    store = SqlStore(create_engine(database_url), committed)

    def listen(last: Mapping[str, int]) -> None:
        with store.reading() as work:
            head = work.changes.head(TENANT)
        heard.append((last, 0 if head is None else head.sequence))

    committed.listen(listen)
    for number in range(3):
        with store.writing() as work:
            work.integrations.add(an_integration(account_id=f"acct_{number}"))
            if number != 1:
                work.commit()
    with store.writing() as work:
        work.commit()

    assert heard == [({TENANT: 1}, 1), ({TENANT: 2}, 2)]
    store.close()
