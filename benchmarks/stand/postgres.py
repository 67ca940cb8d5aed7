"""PostgreSQL, durable: what it has committed survives a power cut."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.load.wrk import CONNECTIONS, LoadFailed
from tests.servers.postgres import PostgresServer
from tests.waiting import wait_until

DURABLE = MappingProxyType({"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"})
# PostgreSQL's defaults are for very small machines. These apply to all contenders alike.
_SIZES = {"shared_buffers": "1GB", "max_wal_size": "8GB", "maintenance_work_mem": "512MB"}
_FLUSHES = "SELECT coalesce(sum(fsyncs), 0)::bigint FROM pg_stat_io WHERE object = 'wal'"


class Postgres:
    """One server for all contenders, with a database for each."""

    def __init__(self) -> None:
        self._server = PostgresServer({**DURABLE, **_SIZES}, on_disk=True)
        self.binaries = self._server.binaries

    @property
    def port(self) -> int:
        return self._server.port

    def __enter__(self) -> "Postgres":
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def create(self, name: str, *, template: str | None = None) -> str:
        """Create a database; returns its name."""
        like = sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
        with self.connect("postgres") as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + like)
        return name

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str) -> psycopg.Connection[Any]:
        """A connection on which every statement is a transaction."""
        return psycopg.connect(self.url(database), autocommit=True)

    def value(self, database: str, statement: str) -> Any:
        """The first value of a statement's first row."""
        with self.connect(database) as connection:
            row = connection.execute(statement.encode()).fetchone()
        return row[0] if row else None

    @contextmanager
    def watched(self, database: str) -> Iterator["Turn"]:
        """A contender's turn: it starts after a checkpoint, so that it writes only its own pages, and must be durable."""
        with self.connect("postgres") as connection:
            connection.execute("CHECKPOINT")
        self._check_settings(database)
        turn, before = Turn(), self.value("postgres", _FLUSHES)
        yield turn
        self._check_flushes(before, turn.acknowledged)

    def _check_settings(self, database: str) -> None:
        for name, wanted in DURABLE.items():
            if (found := self.value(database, f"SHOW {name}")) != wanted:
                raise LoadFailed(f"{name} is {found}")

    def _check_flushes(self, before: int, acknowledged: int) -> None:
        """Each connection waits for its answer, so a flush of the log can serve at most one request of each.

        Fewer flushes mean that something was acknowledged before it was flushed. Backends report their flushes with a delay.
        """

        def is_flushed() -> bool:
            flushes: int = self.value("postgres", _FLUSHES) - before
            return flushes * CONNECTIONS >= acknowledged

        try:
            wait_until(is_flushed, within=15, every=0.2)
        except AssertionError as error:
            raise LoadFailed(f"{acknowledged} acknowledged with too few flushes of the log") from error


class Turn:
    """How many requests the contender says it has acknowledged in this turn."""

    acknowledged = 0
