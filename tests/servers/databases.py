"""Fresh databases for tests: each is a copy of one that was migrated."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

Migrate = Callable[[str], None]


class PostgresDatabases:
    """Databases on one server, which several test processes share; all names of a run share its prefix.

    A copy takes about 50 ms, twice as long as emptying the tables, but nothing carries over from one test to the
    next: no sequence, no lock, no connection of a process that is still ending.
    """

    def __init__(self, server_url: str, *, run: str, worker: str, migrate: Migrate) -> None:
        self._server = server_url
        self._migrate = migrate
        self._template = f"{_prefix(run)}template"
        self._names = (f"{_prefix(run)}{worker}_{number}" for number in count(1))

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """A new, migrated, empty database; removed afterwards, even if somebody is still connected."""
        self._ensure_template()
        name = next(self._names)
        with self._administering() as server:
            # Copied as files, which takes less of the processor than writing each page into the log: 14 does nothing else.
            strategy = " STRATEGY FILE_COPY" if server.info.server_version >= 150_000 else ""
            _run(server, "CREATE DATABASE {} TEMPLATE {}" + strategy, name, self._template)
        try:
            yield self._url(name)
        finally:
            with self._administering() as server:
                _run(server, "DROP DATABASE {} WITH (FORCE)", name)

    def _ensure_template(self) -> None:
        """Migrate once per run: the first process does it, and the others wait for it."""
        with self._administering() as server:
            server.execute("SELECT pg_advisory_lock(hashtext(%s))", [self._template])
            if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self._template]).fetchone():
                return
            building = f"{self._template}_building"
            _run(server, "DROP DATABASE IF EXISTS {}", building)
            _run(server, "CREATE DATABASE {}", building)
            self._migrate(self._url(building))
            _run(server, "ALTER DATABASE {} RENAME TO {}", building, self._template)

    @contextmanager
    def _administering(self) -> Iterator[psycopg.Connection[Any]]:
        with _connect(self._server) as connection:
            yield connection

    def _url(self, name: str) -> str:
        return urlsplit(self._server)._replace(scheme="postgresql+psycopg", path=f"/{name}").geturl()


def drop_all(server_url: str, *, run: str) -> None:
    """Remove the databases that a run made on a server that outlives it."""
    with _connect(server_url) as server:
        names = server.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [_prefix(run)]
        )
        for (name,) in names.fetchall():
            _run(server, "DROP DATABASE {} WITH (FORCE)", name)


class SqliteDatabases:
    """Database files, each a copy of one that was migrated."""

    def __init__(self, folder: Path, *, migrate: Migrate) -> None:
        self._template = folder / "template.sqlite"
        self._migrate = migrate

    def fresh(self, folder: Path) -> str:
        """A new, migrated, empty database in the folder."""
        if not self._template.exists():
            self._migrate(_sqlite_url(self._template))
        path = folder / "bridge.sqlite"
        shutil.copyfile(self._template, path)
        return _sqlite_url(path)


def _sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def _prefix(run: str) -> str:
    return f"bridge_test_{run}_"


def _connect(server_url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(urlsplit(server_url)._replace(scheme="postgresql").geturl(), autocommit=True)


def _run(server: psycopg.Connection[Any], statement: str, *names: str) -> None:
    server.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
