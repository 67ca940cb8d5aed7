"""Backups that are made while the service works, and databases that are lost."""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Protocol

import psycopg

from tests.servers.postgres import PostgresServer


class Backups(Protocol):
    def back_up(self) -> None: ...

    def restore(self) -> None:
        """Put the last backup in place of the database, which is lost. No process of the service may be running."""
        ...


class SqliteBackups:
    """As by `sqlite3 FILE ".backup COPY"`."""

    def __init__(self, path: Path) -> None:
        self._path, self._backup = path, path.with_suffix(".backup")

    def back_up(self) -> None:
        with closing(sqlite3.connect(self._path)) as live, closing(sqlite3.connect(self._backup)) as copy:
            live.backup(copy)

    def restore(self) -> None:
        for each in self._path.parent.glob(f"{self._path.name}*"):
            each.unlink()
        self._backup.rename(self._path)


class PostgresBackups:
    """As by `pg_dump` and `pg_restore`."""

    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self._server, self._backup = server, folder / "backup.dump"

    def back_up(self) -> None:
        self._run("pg_dump", "--format=custom", f"--file={self._backup}", "postgres")

    def restore(self) -> None:
        url = self._server.url("template1").replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as server:
            server.execute("DROP DATABASE postgres WITH (FORCE)")
            server.execute("CREATE DATABASE postgres")
        self._run("pg_restore", "--exit-on-error", "--dbname=postgres", str(self._backup))

    def _run(self, program: str, *arguments: str) -> None:
        address = ["--host=127.0.0.1", f"--port={self._server.port}", "--username=postgres"]
        command = [str(self._server.binaries / program), *address, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
