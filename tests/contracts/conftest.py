"""The stores that keep one contract."""

from collections.abc import Iterator

import pytest

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.ports.unit_of_work import Store
from tests.fakes.store import FakeStore


@pytest.fixture(params=["fake", "sqlite", pytest.param("postgres", marks=pytest.mark.servers)])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store of each kind."""
    if request.param == "fake":
        yield FakeStore()
        return
    sql_store = SqlStore(create_engine(request.getfixturevalue(f"{request.param}_url"), pool_size=20))
    yield sql_store
    sql_store.close()
