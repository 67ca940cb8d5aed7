"""The stores that have to keep the same contract."""

from collections.abc import Iterator

import pytest

from stripe_bridge.adapters.database import GroupCommit, SqlStore, create_engine
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.event_loop import Receive, an_event_loop
from tests.fakes.storage.inbox import FakeEventIngest
from tests.fakes.storage.unit_of_work import FakeStore


@pytest.fixture(params=["fake", "sqlite", pytest.param("postgres", marks=pytest.mark.servers)])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store of each kind."""
    if request.param == "fake":
        yield FakeStore()
        return
    sql_store = SqlStore(create_engine(request.getfixturevalue(f"{request.param}_url"), pool_size=20))
    yield sql_store
    sql_store.close()


@pytest.fixture
def receive(store: Store) -> Iterator[Receive]:
    """The same store's ingest, callable from any thread."""
    with an_event_loop() as here:
        if isinstance(store, FakeStore):
            event_ingest = FakeEventIngest(store)
            yield lambda event: here.run(event_ingest.receive(event))
            return
        assert isinstance(store, SqlStore)
        group_commit = GroupCommit(store.engine)
        yield lambda event: here.run(group_commit.receive(event))
        here.loop.call_soon_threadsafe(group_commit.close)
