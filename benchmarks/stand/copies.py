"""Any number of copies of rows that the service itself has stored: consistent, and quick to make.

Columns without a rule here are copied unchanged, so new ones need no change here.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from stripe_bridge.adapters.database.compression import decompressed

NUMBER = "copies.number"
"""In SQL expressions, the number of the copy, starting from 1."""
# How to convert a column to text, and back.
_TEXTS = {
    "text": ("{}", "{}"),
    "character varying": ("{}", "{}"),
    "json": ("{}::text", "{}::json"),
    "jsonb": ("{}::text", "{}::jsonb"),
    "bytea": ("convert_from({}, 'UTF8')", "convert_to({}, 'UTF8')"),
}
_COLUMNS = """
SELECT column_name, data_type FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position
"""
# All indexes except those that foreign keys depend on, which are in the order of the rows anyway.
_INDEXES = """
SELECT index.indexrelid::regclass::text, pg_get_indexdef(index.indexrelid),
    own.conname, pg_get_constraintdef(own.oid)
FROM pg_index AS index LEFT JOIN pg_constraint AS own ON own.conindid = index.indexrelid AND own.contype IN ('p', 'u')
WHERE index.indrelid = %s::regclass
    AND NOT EXISTS (SELECT FROM pg_constraint AS leaning WHERE leaning.contype = 'f' AND leaning.conindid = index.indexrelid)
"""


@dataclass(frozen=True)
class Copy:
    """Copies of the rows of `table` that match `where`, as they were when `keep` was called.

    `values` has SQL for columns that are not simply copied. `ids` are Stripe ids, replaced everywhere in text by ids of
    the copy's own.
    """

    table: str
    where: str
    values: Mapping[str, str] = field(default_factory=dict)
    ids: Sequence[str] = ()

    def keep(self, connection: psycopg.Connection[Any]) -> None:
        """Set the originals aside, since the service goes on changing its own rows."""
        connection.execute("CREATE SCHEMA IF NOT EXISTS originals")
        kept = (
            f"CREATE TABLE originals.{self.table} AS SELECT * FROM {self.table} WHERE {self.where} ORDER BY 1"
        )
        connection.execute(kept.encode())
        for name, kind in connection.execute(_COLUMNS, [self.table]).fetchall():
            if kind == "bytea":
                self._decompress(connection, name)

    def _decompress(self, connection: psycopg.Connection[Any], column: str) -> None:
        """So that SQL can find ids in it. The service can read it uncompressed, too."""
        rows = connection.execute(f"SELECT ctid, {column} FROM originals.{self.table}".encode()).fetchall()
        change = f"UPDATE originals.{self.table} SET {column} = %s WHERE ctid = %s".encode()
        for place, stored in rows:
            connection.execute(change, [decompressed(stored), place])

    def insert(self, connection: psycopg.Connection[Any], first: int, last: int) -> None:
        """Insert the copies with these numbers, both included, in order of number."""
        columns = dict(connection.execute(_COLUMNS, [self.table]).fetchall())
        chosen = {
            name: self.values.get(name) or self._value(connection, name, kind)
            for name, kind in columns.items()
        }
        statement = (
            f"INSERT INTO {self.table} ({', '.join(chosen)}) SELECT {', '.join(chosen.values())}"
            f" FROM generate_series({first}, {last}) AS copies (number),"
            f" LATERAL (SELECT * FROM originals.{self.table} WHERE {NUMBER} IS NOT NULL) AS source"
        )
        connection.execute(statement.encode())

    def _value(self, connection: psycopg.Connection[Any], name: str, kind: str) -> str:
        as_text, back = _TEXTS.get(kind, ("", ""))
        if not as_text:
            return f'source."{name}"'
        text = as_text.format(f'source."{name}"')
        # For millions of copies, searching for ids that are not there would be most of the work.
        rows = connection.execute(f"SELECT {text} FROM originals.{self.table} AS source".encode())
        found = " ".join(value for (value,) in rows.fetchall() if value)
        return back.format(replaced(text, [id_ for id_ in self.ids if id_ in found]))


def replaced(text: str, ids: Sequence[str]) -> str:
    """SQL for the text with the copy's own ids in it."""
    for id_ in ids:
        text = f"replace({text}, '{id_}', {own_id(id_)})"
    return text


def own_id(id_: str) -> str:
    """SQL for the copy's own id: as long and as random as the original."""
    kind, _, rest = id_.rpartition("_")
    return f"'{kind}_' || left(md5({NUMBER} || '{id_}'), {len(rest)})"


@contextmanager
def loading(connection: psycopg.Connection[Any], tables: Sequence[str]) -> Iterator[None]:
    """Insert millions of rows quickly: without foreign keys and triggers, and with indexes built afterwards."""
    again: list[str] = []
    for table in tables:
        for index, definition, constraint, clause in connection.execute(_INDEXES, [table]).fetchall():
            if constraint is None:
                connection.execute(f"DROP INDEX {index}".encode())
                again.append(definition)
            else:
                connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}".encode())
                again.append(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {clause}")
    connection.execute("SET session_replication_role = replica")
    connection.execute("SET synchronous_commit = off")
    yield
    for statement in again:
        connection.execute(statement.encode())
    for table in tables:
        connection.execute(f"VACUUM ANALYZE {table}".encode())


def restart_sequence(connection: psycopg.Connection[Any], table: str) -> None:
    """Make new rows get ids after those of all copies."""
    connection.execute(
        f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))".encode()
    )
