"""PostgreSQL, durable: what it has committed survives a power cut."""

import time
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
# The defaults are for a machine of the nineties. All contenders share them.
_SIZES = {"shared_buffers": "1GB", "max_wal_size": "8GB", "maintenance_work_mem": "512MB"}
_FLUSHES = "SELECT coalesce(sum(fsyncs), 0)::bigint FROM pg_stat_io WHERE object = 'wal'"


class Postgres:
    """One server for all contenders, a database for each."""

    def __init__(self) -> None:
        self._server = PostgresServer({**DURABLE, **_SIZES})
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
        """A new database; its name."""
        like = sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
        with self.connect("postgres") as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + like)
        return name

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str) -> psycopg.Connection[Any]:
        """Every statement is a transaction."""
        return psycopg.connect(self.url(database), autocommit=True)

    def value(self, database: str, statement: str) -> Any:
        """The one value that a statement answers."""
        with self.connect(database) as connection:
            row = connection.execute(statement.encode()).fetchone()
        return row[0] if row else None

    @contextmanager
    def watched(self, database: str) -> Iterator["Turn"]:
        """A contender's turn: begun with nobody's pages to write but its own, and seen to be durable."""
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
        """Each connection waits for its answer, so a flush of the log can serve one request of each at most.

        Fewer flushes than that mean that something was acknowledged first. Backends tell what they did only now and then.
        """

        def is_flushed() -> bool:
            flushes: int = self.value("postgres", _FLUSHES) - before
            return flushes * CONNECTIONS >= acknowledged

        try:
            wait_until(is_flushed, within=15, every=0.2)
        except AssertionError as error:
            raise LoadFailed(f"{acknowledged} acknowledged without as many flushes of the log") from error


class Turn:
    """What the contender of this turn says it has done."""

    acknowledged = 0


def settle(seconds: float) -> None:
    """Let the machine calm down between two turns."""
    time.sleep(seconds)
