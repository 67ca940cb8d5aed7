"""One database transaction, as the repositories see it: values in and out, our own errors."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, CursorResult, Executable, Select, func
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from stripe_bridge.adapters.database.mapping import Aggregate, AggregateMapper, Mapper, Value
from stripe_bridge.domain.errors import StaleWrite
from stripe_bridge.domain.paging import Page, PageRequest, cursor_after
from stripe_bridge.ports.unit_of_work import StoreUnavailable

_log = logging.getLogger(__name__)
# As they come where a driver is used without SQLAlchemy between.
_DRIVERS = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    sqlite3.OperationalError,
    sqlite3.InterfaceError,
)
# A write in a transaction that may not, and the beginning of one that may on a server that does not let it.
_TAKES_NO_WRITES = ("25006", "0A000")


@contextmanager
def telling_unavailable() -> Iterator[None]:
    """The drivers' ways of saying that the database is gone, full or too busy, as ours."""
    try:
        yield
    except (DBAPIError, PoolTimeout, psycopg.Error, *_DRIVERS) as error:
        if not _is_of_the_database(error):
            raise
        # The driver's first line: what follows it, and what SQLAlchemy adds, may show values.
        told = str(getattr(error, "orig", None) or error).partition("\n")[0]
        _log.warning("the database is not usable", extra={"reason": told})
        raise StoreUnavailable from error


def _is_of_the_database(error: Exception) -> bool:
    """And no mistake of ours, whatever the driver counts it as: it takes some ends of a connection for one, such as that of
    a transaction in which nothing happened for too long; and that the whole server takes no writes, as a standby does after
    a failover."""
    is_told = isinstance(error, (OperationalError, InterfaceError, PoolTimeout, *_DRIVERS))
    is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return is_told or is_lost or getattr(getattr(error, "orig", error), "sqlstate", None) in _TAKES_NO_WRITES


class Transaction:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, statement: Executable, values: Mapping[str, Any] | None = None) -> CursorResult[Any]:
        with telling_unavailable():
            return self._connection.execute(statement, values)

    def execute_many(self, statement: Executable, values: Sequence[Mapping[str, Any]]) -> None:
        """For each of the values; for none, nothing."""
        if values:
            with telling_unavailable():
                self._connection.execute(statement, values)

    def find(self, mapper: Mapper[Value], statement: Select[Any], **given: Any) -> Value | None:
        """The first row's value."""
        row = self.execute(statement, given).first()
        return None if row is None else mapper.read(row)

    def list(self, mapper: Mapper[Value], statement: Select[Any], **given: Any) -> list[Value]:
        return [mapper.read(row) for row in self.execute(statement, given)]

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
        values = self.list(mapper, statement)
        items = values[: request.per_page]
        more = len(values) > len(items)
        return Page(
            items=items,
            request=request,
            total=total,
            next_cursor=cursor_after(items[-1].id) if more else None,
        )

    def add(self, mapper: AggregateMapper[Aggregate], value: Aggregate) -> int:
        """The new row's id. Raises the error of the rule that stands against it."""
        new_id: int | None = self.execute(mapper.insert, mapper.values(value, without=_ID)).scalar()
        if new_id is None:
            raise mapper.rule.error if mapper.rule else StaleWrite
        return new_id

    def save(self, mapper: AggregateMapper[Aggregate], value: Aggregate) -> None:
        """Raises StaleWrite, or the error of the rule that stands against it.

        On PostgreSQL the latter ends the transaction, unless it is a `part`.
        """
        values = mapper.values(value, without=mapper.unsaved)
        values["own_id"] = value.id
        if "version" in values:
            values["read_version"] = values["version"]
            values["version"] += 1
        try:
            result = self.execute(mapper.update, values)
        except IntegrityError as refusal:
            if mapper.rule is not None and mapper.rule.is_broken_by(refusal.orig):
                raise mapper.rule.error from refusal
            raise
        if result.rowcount != 1:
            raise StaleWrite

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part that may fail without ending the whole."""
        with telling_unavailable(), self._connection.begin_nested():
            yield


_ID = frozenset({"id"})
