"""Engines are as others are, although they share what they compile."""

from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Column, Engine, Integer, MetaData, Table, insert, select
from sqlalchemy.engine.interfaces import CacheStats

from stripe_bridge.adapters.database import create_engine

NOTES = Table(
    "notes",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("said", JSON),
    Column("is_new", Boolean),
)


def write(engine: Engine, said: Any) -> None:
    NOTES.create(engine)
    with engine.begin() as connection:
        connection.execute(insert(NOTES).values(id=1, said=said, is_new=True))


def said_in(engine: Engine) -> Any:
    with engine.connect() as connection:
        return connection.execute(select(NOTES.c.said, NOTES.c.is_new).where(NOTES.c.id == 1)).one()


@pytest.mark.servers
def test_each_engine_talks_to_its_own_database_in_its_own_dialect(
    sqlite_url: str, postgres_url: str, tmp_path: Any
):
    engines = [create_engine(url) for url in (sqlite_url, postgres_url, f"sqlite:///{tmp_path / 'other'}")]
    for number, engine in enumerate(engines):
        write(engine, {"number": number})
    for _ in range(2):
        assert [said_in(engine) for engine in engines] == [({"number": number}, True) for number in range(3)]
    for engine in engines:
        engine.dispose()


def test_a_statement_is_compiled_once_for_all_engines_of_a_kind(tmp_path: Any):
    for name in ("a", "b"):
        engine = create_engine(f"sqlite:///{tmp_path / name}")
        write(engine, name)
        with engine.connect() as connection:
            compiled = connection.execute(select(NOTES.c.said)).context.cache_hit
        engine.dispose()
    assert compiled is CacheStats.CACHE_HIT
