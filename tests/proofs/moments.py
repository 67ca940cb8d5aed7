"""A moment of a world, to which it can be brought back any number of times: what is stored, what Stripe has, and the time.

Only the numbers that are given out go on.
"""

import pickle
from collections import deque
from collections.abc import Callable
from copy import copy
from typing import Any

from sqlalchemy import Engine

from stripe_bridge.adapters.database import SqlStore
from stripe_emulator.emulator import Emulator
from tests.fakes.storage.unit_of_work import FakeStore
from tests.fakes.stripe.fake_charges import FakeCharges
from tests.fakes.stripe.fake_stripe import FakeAccount, FakeCustomer, FakeStripe
from tests.proofs.backups import SqliteDatabase
from tests.proofs.emulated_world import EmulatedWorld
from tests.world import AnyWorld, World

GoBack = Callable[[], object]


def moment_of(world: AnyWorld) -> GoBack:
    """Remember the present moment; returns what brings the world back to it. Nothing may be under way at either time."""
    known, now = dict(vars(world)), world.clock.now()
    go_backs = _of_store(world.store), _of_stripe(world)

    def go_back() -> None:
        vars(world).update(known)
        world.clock.advance(now - world.clock.now())
        for each in go_backs:
            each()

    return go_back


def _of_store(store: object) -> GoBack:
    if isinstance(store, FakeStore):
        return _of_tables(store)
    assert isinstance(store, SqlStore)
    return (_of_sqlite if store.engine.dialect.name == "sqlite" else _of_postgres)(store.engine)


def _of_stripe(world: AnyWorld) -> GoBack:
    if isinstance(world, World):
        return _of_fake(world.stripe)
    assert isinstance(world, EmulatedWorld)
    return _of_emulator(world.emulator.emulator)


def _of_tables(store: FakeStore) -> GoBack:
    """What is committed never changes, so nothing is copied."""
    committed = store.committed
    return lambda: setattr(store, "committed", committed)


def _of_sqlite(engine: Engine) -> GoBack:
    database = SqliteDatabase(str(engine.url))
    engine.dispose()
    backup = database.back_up()

    def go_back() -> None:
        engine.dispose()
        database.restore(backup)

    return go_back


def _of_postgres(engine: Engine) -> GoBack:
    """The rows: to copy all of a database takes as long as making them did."""
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA IF EXISTS kept CASCADE; CREATE SCHEMA kept")
        found = connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = found.scalars().all()
        for name in tables:
            connection.exec_driver_sql(f"CREATE TABLE kept.{name} AS TABLE {name}")
    # Without triggers, which would count them once more, and without foreign keys.
    statements = ["SET LOCAL session_replication_role = replica"]
    statements += [f"DELETE FROM {name}; INSERT INTO {name} TABLE kept.{name}" for name in tables]
    script = "; ".join(statements)

    def go_back() -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql(script)

    return go_back


def _of_fake(stripe: FakeStripe) -> GoBack:
    kept = _copied(vars(stripe))
    return lambda: vars(stripe).update(_copied(kept))


def _of_emulator(emulator: Emulator) -> GoBack:
    kept = pickle.dumps(emulator.store)

    def go_back() -> None:
        with emulator.lock:
            emulator.store = pickle.loads(kept)

    return go_back


def _copied(value: Any) -> Any:
    """Another one for each thing that can change, and what it contains; all others are the same."""
    new: Any
    if isinstance(value, dict):
        new = copy(value)
        new.update((key, _copied(each)) for key, each in value.items())
        return new
    if isinstance(value, (list, deque)):
        return type(value)(map(_copied, value))
    if isinstance(value, set):
        return set(value)
    if isinstance(value, (FakeAccount, FakeCharges, FakeCustomer)):
        new = copy(value)
        vars(new).update(_copied(vars(value)))
        return new
    return value
