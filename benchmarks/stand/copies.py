"""Any number of rows, each the copy of one that the service itself has stored: consistent, and quick to make.

Columns that are not named here are copied as they are, whatever they are.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from stripe_bridge.adapters.database.compression import decompressed

NUMBER = "copies.number"
"""In an expression: which copy it is, from 1 on."""
# How to have a column as text, and what it was again.
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
# All but what foreign keys lean on: those are in the order of the rows anyway.
_INDEXES = """
SELECT index.indexrelid::regclass::text, pg_get_indexdef(index.indexrelid),
    own.conname, pg_get_constraintdef(own.oid)
FROM pg_index AS index LEFT JOIN pg_constraint AS own ON own.conindid = index.indexrelid AND own.contype IN ('p', 'u')
WHERE index.indrelid = %s::regclass
    AND NOT EXISTS (SELECT FROM pg_constraint AS leaning WHERE leaning.contype = 'f' AND leaning.conindid = index.indexrelid)
"""


@dataclass(frozen=True)
class Copy:
    """The rows of `table` for which `where` holds, as they were when they were kept, as often as asked for.

    `values` has SQL for the columns that are not simply copied. `ids` are Stripe's, each replaced by one of its own
    in all text, wherever it stands.
    """

    table: str
    where: str
    values: Mapping[str, str] = field(default_factory=dict)
    ids: Sequence[str] = ()

    def keep(self, connection: psycopg.Connection[Any]) -> None:
        """Put the originals aside: the service goes on with its own."""
        connection.execute("CREATE SCHEMA IF NOT EXISTS originals")
        kept = (
            f"CREATE TABLE originals.{self.table} AS SELECT * FROM {self.table} WHERE {self.where} ORDER BY 1"
        )
        connection.execute(kept.encode())
        for name, kind in connection.execute(_COLUMNS, [self.table]).fetchall():
            if kind == "bytea":
                self._decompress(connection, name)

    def _decompress(self, connection: psycopg.Connection[Any], column: str) -> None:
        """SQL has to find ids in there. The service reads it all the same."""
        rows = connection.execute(f"SELECT ctid, {column} FROM originals.{self.table}".encode()).fetchall()
        change = f"UPDATE originals.{self.table} SET {column} = %s WHERE ctid = %s".encode()
        for place, stored in rows:
            connection.execute(change, [decompressed(stored), place])

    def insert(self, connection: psycopg.Connection[Any], first: int, last: int) -> None:
        """The copies with these numbers, both included, number by number."""
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
        # By the million, looking for what is not there is most of the work.
        rows = connection.execute(f"SELECT {text} FROM originals.{self.table} AS source".encode())
        found = " ".join(value for (value,) in rows.fetchall() if value)
        return back.format(replaced(text, [id_ for id_ in self.ids if id_ in found]))


def replaced(text: str, ids: Sequence[str]) -> str:
    """SQL for the text with a copy's own ids in it."""
    for id_ in ids:
        text = f"replace({text}, '{id_}', {own_id(id_)})"
    return text


def own_id(id_: str) -> str:
    """SQL for the id that a copy has instead: as long, and as random."""
    kind, _, rest = id_.rpartition("_")
    return f"'{kind}_' || left(md5({NUMBER} || '{id_}'), {len(rest)})"


@contextmanager
def loading(connection: psycopg.Connection[Any], tables: Sequence[str]) -> Iterator[None]:
    """Rows by the million: without indexes, which are built afterwards, foreign keys and triggers."""
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
    """Let new rows have ids behind all that were copied."""
    connection.execute(
        f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))".encode()
    )
