"""Databases that can be backed up, lost and restored."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from stripe_bridge.adapters.database import SqlStore, create_engine

_names = count(1)


class SqliteDatabase:
    def __init__(self, url: str) -> None:
        self._url, self._path = url, Path(url.removeprefix("sqlite:///"))

    def open(self) -> SqlStore:
        return SqlStore(create_engine(self._url))

    def back_up(self) -> str:
        """A copy of the file. Nothing may be connected."""
        return str(shutil.copyfile(self._path, self._path.with_suffix(f".backup-{next(_names)}")))

    def restore(self, backup: str) -> None:
        for leftover in self._path.parent.glob(f"{self._path.name}-*"):
            leftover.unlink()
        shutil.copyfile(backup, self._path)


class PostgresDatabase:
    def __init__(self, url: str) -> None:
        self._url, self._name = url, urlsplit(url).path.removeprefix("/")

    def open(self) -> SqlStore:
        return SqlStore(create_engine(self._url))

    def back_up(self) -> str:
        """A copy of the database. Nothing may be connected."""
        backup = f"{self._name}_{next(_names)}"
        with self._server() as server:
            _run(server, "CREATE DATABASE {} TEMPLATE {}", backup, self._name)
        return backup

    def restore(self, backup: str) -> None:
        with self._server() as server:
            _run(server, "DROP DATABASE {} WITH (FORCE)", self._name)
            _run(server, "CREATE DATABASE {} TEMPLATE {}", self._name, backup)
            _run(server, "DROP DATABASE {}", backup)

    @contextmanager
    def _server(self) -> Iterator[psycopg.Connection]:
        url = urlsplit(self._url)._replace(scheme="postgresql", path="/postgres").geturl()
        with psycopg.connect(url, autocommit=True) as server:
            yield server


Database = SqliteDatabase | PostgresDatabase


def database_at(url: str) -> Database:
    return SqliteDatabase(url) if url.startswith("sqlite") else PostgresDatabase(url)


def _run(server: psycopg.Connection, statement: str, *names: str) -> None:
    server.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
