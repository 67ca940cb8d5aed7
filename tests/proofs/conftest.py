"""Stores of each kind, worlds with an emulated Stripe that share a store, and real processes."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.proofs.emulated_world import EmulatedWorld, emulated
from tests.proofs.processes import Program


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.servers)])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty database of each kind."""
    sql_store = SqlStore(create_engine(request.getfixturevalue(f"{request.param}_url"), pool_size=5))
    yield sql_store
    sql_store.close()


@pytest.fixture
def new_world(store: Store) -> Iterator[Callable[[], EmulatedWorld]]:
    """Makes worlds, each with a new tenant and an account to connect."""
    tenants = (f"tenant-{number}" for number in count(1))
    with emulated() as (emulator, clock):
        yield lambda: EmulatedWorld(emulator, clock, store, tenant=next(tenants))


@pytest.fixture(scope="session")
def program() -> Iterator[Program]:
    with Program() as program:
        yield program
