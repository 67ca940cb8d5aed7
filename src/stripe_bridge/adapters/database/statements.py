"""A database transaction as the repositories see it: values in and out, and our own errors."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, CursorResult, Dialect, Executable, Row, Select, func, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from stripe_bridge.adapters.database.mapping import Aggregate, AggregateMapper, Mapper, Value
from stripe_bridge.adapters.database.outages import SqliteCode, outage, sqlite_code
from stripe_bridge.adapters.database.together import Together
from stripe_bridge.domain.changes.recorded import Recorded
from stripe_bridge.domain.changes.recorder import Recorder
from stripe_bridge.domain.errors.conflicts import StaleWrite
from stripe_bridge.domain.paging import Page, PageRequest, cursor_after
from stripe_bridge.domain.request_trace import Trace

_log = logging.getLogger(__name__)
# The drivers' own errors for a database that is gone, full or too busy.
_UNUSABLE = ("OperationalError", "InterfaceError")
# What the drivers blame on us, by error code: a write in a read-only transaction, and the start of a writing one on a server
# that does not allow it; a table or column that does not exist, or that we may not use; a damaged file or index.
_READ_ONLY = ("25006", "0A000")
_WRONG_SCHEMA = ("42P01", "42703", "42501")
_CORRUPT = ("XX001", "XX002", SqliteCode.CORRUPT, SqliteCode.NOTADB)
_DATABASE_FAULTS = (*_READ_ONLY, *_WRONG_SCHEMA, *_CORRUPT)


@contextmanager
def translate_driver_errors() -> Iterator[None]:
    """Turn the drivers' errors for a database that is gone, full, too busy or not in order into ours."""
    try:
        yield
    except _translated() as error:
        if not _is_database_fault(error):
            raise
        # Only the driver's first line: what follows, and what SQLAlchemy adds, may contain values.
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
        _log.warning("database unavailable", extra={"reason": reason})
        raise outage(error) from error


def _is_database_fault(error: Exception) -> bool:
    """Whether the database is at fault, and not we, whatever class the driver gives the error. It blames us when a connection
    ends because a transaction was idle for too long, when the server takes no writes, like a standby after a failover, and
    when the schema has not been migrated yet, as when a new release starts before its upgrade."""
    if isinstance(error, PoolTimeout) or getattr(error, "connection_invalidated", False):
        return True
    original: Any = getattr(error, "orig", error)
    code = getattr(original, "sqlstate", None) or sqlite_code(original)
    return isinstance(original, _drivers(*_UNUSABLE)) or code in _DATABASE_FAULTS


def _translated() -> tuple[type[Exception], ...]:
    return (DBAPIError, PoolTimeout, *_drivers("Error"))


def _drivers(*names: str) -> tuple[type[Exception], ...]:
    """These errors of each driver. One that is not loaded has raised nothing: beside PostgreSQL, SQLite's is not."""
    loaded = (psycopg, sys.modules.get("sqlite3"))
    return tuple(getattr(driver, name) for driver in loaded if driver is not None for name in names)


class Transaction:
    """`recorder` is asked about each object that is read or written; a transaction that only reads has none."""

    def __init__(self, connection: Connection, recorder: Recorder | None = None) -> None:
        self._connection, self.recorder = connection, recorder
        # Of the request that this is done for: written at the commit, by one statement.
        self.traces: list[Trace] = []

    @property
    def dialect(self) -> Dialect:
        return self._connection.dialect

    @property
    def is_sqlite(self) -> bool:
        return self.dialect.name == "sqlite"

    def execute(self, statement: Executable, values: Mapping[str, Any] | None = None) -> CursorResult[Any]:
        with translate_driver_errors():
            return self._connection.execute(statement, values)

    def execute_many(
        self,
        statement: Executable,
        values: Sequence[Mapping[str, Any]],
        together: Together | None = None,
    ) -> None:
        """Execute it for each of the values; for none, do nothing. `together` does it for all, on PostgreSQL."""
        if together is not None and len(values) > 1 and not self.is_sqlite:
            self.execute(together.statement, together.parameters(values, self.dialect))
        elif values:
            with translate_driver_errors():
                self._connection.execute(statement, values)

    def find(self, mapper: Mapper[Value], statement: Select[Any], **given: Any) -> Value | None:
        """The first row's value."""
        row = self.execute(statement, given).first()
        return None if row is None else self._noted(mapper, row, mapper.read(row))

    def list(self, mapper: Mapper[Value], statement: Executable, **given: Any) -> list[Value]:
        result = self.execute(statement, given)
        make = mapper.maker(list(result.keys()))
        if self.recorder is None or mapper.repeated is None:
            return [make(row) for row in result]
        return [self._noted(mapper, row, make(row)) for row in result]

    def _noted(self, mapper: Mapper[Value], row: Row[Any], value: Value) -> Value:
        if self.recorder is not None and mapper.repeated is not None:
            self.recorder.read(cast(Any, value), mapper.log_state(row, value))
        return value

    def added(self, value: Recorded) -> None:
        """Record that it was added."""
        if self.recorder is not None:
            self.recorder.added(value)

    def saved(self, value: Recorded) -> None:
        """Record that it was saved as this. Raises NotRead."""
        if self.recorder is not None:
            self.recorder.saved(value)

    def put(self, value: Recorded) -> None:
        """Record that it was inserted, or replaced what was read."""
        if self.recorder is not None:
            self.recorder.put(value)

    def changed(self, before: Recorded, after: Recorded) -> None:
        """Record a change by a statement of its own."""
        if self.recorder is not None:
            self.recorder.read(before)
            self.recorder.saved(after)

    def page(
        self,
        mapper: Mapper[Aggregate],
        matching: Select[Any],
        request: PageRequest,
        counting: Sequence[Select[Any]] | None = None,
    ) -> Page[Aggregate]:
        """Newest first. One row more than asked for shows whether there is a next page.

        `counting` are statements whose numbers add up to the total; without them the rows are counted.
        """
        ids = mapper.table.c.id
        statement = matching.order_by(ids.desc()).limit(request.per_page + 1)
        total = None
        if request.by_cursor:
            statement = statement.where(ids < request.before_id)
        else:
            statement = statement.offset(request.offset)
            if counting is None:
                counting = [matching.with_only_columns(func.count(), maintain_column_froms=True)]
            total = sum(int(self.execute(statement).scalar_one()) for statement in counting)
        return Page.of(self.list(mapper, statement), request, total, lambda value: cursor_after(value.id))

    def add(self, mapper: AggregateMapper[Aggregate], value: Aggregate) -> int:
        """Returns the new row's id. Raises the error of the rule that forbids it."""
        new_id: int = self.insert(mapper, mapper.insert, value)[0]
        if mapper.repeated is not None:
            self.added(replace(cast(Any, value), id=new_id))
        return new_id

    def insert(
        self, mapper: AggregateMapper[Aggregate], statement: Executable, value: Aggregate, **given: Any
    ) -> Row[Any]:
        """What the statement, the mapper's own with more, returns. Raises the error of the rule that forbids it."""
        row = self.execute(statement, mapper.values(value, without=_ID) | given).first()
        if row is None:
            raise mapper.rule.error if mapper.rule else StaleWrite
        return row

    def restore(self, mapper: AggregateMapper[Aggregate], value: Aggregate) -> bool:
        """Add it under the id that it has. Returns False and changes nothing if that id is taken. Raises the error of the
        rule that forbids it."""
        taken = select(mapper.table.c.id).where(mapper.table.c.id == value.id)
        if self.execute(taken).first() is not None:
            return False
        if self.execute(mapper.insert, mapper.values(value)).scalar() is None:
            raise mapper.rule.error if mapper.rule else StaleWrite
        if mapper.repeated is not None:
            self.added(cast(Any, value))
        return True

    def save(self, mapper: AggregateMapper[Aggregate], value: Aggregate) -> Aggregate:
        """Returns it with its new version. Raises StaleWrite, or the error of the rule that forbids it.

        On PostgreSQL the latter ends the transaction, unless this is inside a `savepoint`.
        """
        saved: Any = value
        values = {}
        if "version" in mapper.table.c:
            values["read_version"] = saved.version
            saved = replace(saved, version=saved.version + 1)
        values |= mapper.values(saved, without=mapper.unsaved)
        values["own_id"] = value.id
        try:
            result = self.execute(mapper.update, values)
        except IntegrityError as refusal:
            if mapper.rule is not None and mapper.rule.is_broken_by(refusal.orig):
                raise mapper.rule.error from refusal
            raise
        if result.rowcount != 1:
            raise StaleWrite
        if mapper.repeated is not None:
            self.saved(saved)
        return cast("Aggregate", saved)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part that may fail without ending the whole."""
        with translate_driver_errors(), self._connection.begin_nested():
            yield


_ID = frozenset({"id"})
