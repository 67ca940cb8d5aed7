"""Between values and rows. Columns are named like the fields and their types convert, so one mapper is enough for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import sqlalchemy
from sqlalchemy import Column, Index, Select, Table, Update, bindparam, update

# PostgreSQL's; its ON CONFLICT is compiled for SQLite as well.
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.sql.dml import ReturningInsert

from stripe_bridge.adapters.database.tables.base import Row
from stripe_bridge.domain.changes.recorder import LogState
from stripe_bridge.domain.errors.conflicts import Conflict
from stripe_bridge.domain.replacing import slot_writers

# What the name of such a column begins with; the rest is the name of the column that it repeats.
LOGGED = "logged_"


class Record(Protocol):
    """Any of the domain's dataclasses."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


class Identified(Record, Protocol):
    """A record whose id comes from the database."""

    @property
    def id(self) -> int: ...


Value = TypeVar("Value", bound=Record)
# Names, and what reads all of them from a value.
Reader = tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]
Aggregate = TypeVar("Aggregate", bound=Identified)


class Mapper(Generic[Value]):
    """How one kind of value is read and written. Columns in `apart` are not read unless asked for.

    A table of objects that the change log has, has a column that repeats another one whenever an object is recorded
    (`logged_version` its version). A release without a change log leaves that column as it is, which shows what it changed.
    """

    def __init__(self, value: type[Value], row: type[Row], *, apart: frozenset[str] = frozenset()) -> None:
        self._value = value
        self._names = [field.name for field in fields(value)]
        self._readers: dict[frozenset[str], Reader] = {}
        self._makers: dict[tuple[str, ...], Callable[[Sequence[Any]], Value]] = {}
        self.table = table_of(row)
        self.columns = [self.table.c[name] for name in self._names if name not in apart]
        self.repeated = next((name for name in self._names if f"{LOGGED}{name}" in self.table.c), None)
        if self.repeated is not None:
            self.columns.append(self.table.c[f"{LOGGED}{self.repeated}"])

    @property
    def select(self) -> Select[Any]:
        return sqlalchemy.select(*self.columns)

    def read(self, row: sqlalchemy.Row[Any]) -> Value:
        return self.make(row._fields, row)

    def make(self, names: Sequence[str], values: Sequence[Any]) -> Value:
        """The value of some columns, among them the one that repeats another, which comes last."""
        return self.maker(names)(values)

    def maker(self, names: Sequence[str]) -> Callable[[Sequence[Any]], Value]:
        """What makes values of such columns. Made once for the same names: there are as many as statements."""
        key = tuple(names)
        if key not in self._makers:
            self._makers[key] = self._make_maker(key if self.repeated is None else key[:-1])
        return self._makers[key]

    def _make_maker(self, names: tuple[str, ...]) -> Callable[[Sequence[Any]], Value]:
        kind = self._value
        if set(names) != set(self._names):
            # The other fields have defaults.
            return lambda values: kind(**dict(zip(names, values, strict=False)))
        writers = [slot_writers(kind)[name] for name in names]

        def make(values: Sequence[Any]) -> Value:
            value = object.__new__(kind)
            for write, member in zip(writers, values, strict=False):
                write(value, member)
            return value

        return make

    def log_state(self, row: sqlalchemy.Row[Any], value: Value) -> LogState:
        """What the change log has of a value that was read from this row."""
        logged = row[-1]
        if logged is None:
            return LogState.MISSING
        is_current = self.repeated is None or logged == getattr(value, self.repeated)
        return LogState.CURRENT if is_current else LogState.OUTDATED

    def values(self, value: Value, *, without: frozenset[str] = frozenset()) -> dict[str, Any]:
        """What is written of a value, which the change log has from then on."""
        names, read = self._reader(without)
        values = dict(zip(names, read(value), strict=True))
        if self.repeated is not None:
            values[f"{LOGGED}{self.repeated}"] = getattr(value, self.repeated)
        return values

    def _reader(self, without: frozenset[str]) -> Reader:
        """Made once for the same names: there are as many as statements."""
        if without not in self._readers:
            names = tuple(name for name in self._names if name not in without)
            self._readers[without] = names, attrgetter(*names)
        return self._readers[without]


@dataclass(frozen=True, slots=True)
class UniqueRule:
    """A unique index that callers may violate, and the error that this means."""

    index: Index
    error: type[Conflict]

    @classmethod
    def of(cls, row: type[Row], name: str, error: type[Conflict]) -> UniqueRule:
        return cls(next(index for index in table_of(row).indexes if index.name == name), error)

    def is_broken_by(self, refusal: BaseException | None) -> bool:
        """PostgreSQL names the index, SQLite its columns."""
        columns = ", ".join(f"{self.index.table}.{column.name}" for column in self.index.columns)
        text = str(refusal)
        return f'"{self.index.name}"' in text or text == f"UNIQUE constraint failed: {columns}"


class AggregateMapper(Mapper[Aggregate]):
    """Adds statements that add and save, built once. Columns that are `fixed` are never written again."""

    def __init__(
        self,
        value: type[Aggregate],
        row: type[Row],
        *,
        rule: UniqueRule | None = None,
        fixed: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(value, row)
        self.rule, self.unsaved = rule, fixed | {"id"}
        self.insert = _insert(self.table, rule)
        self.update = _update(self.table)


def table_of(row: type[Row]) -> Table:
    table = row.__table__
    if not isinstance(table, Table):
        raise TypeError(row)
    return table


def with_lock(statement: Select[Any]) -> Mapping[bool, Select[Any]]:
    """The statement without and with a lock on what it finds. SQLite needs no locks: there is only one writer.

    The lock is weaker than FOR UPDATE, which would also keep others from inserting rows that refer to these.
    """
    return {False: statement, True: statement.with_for_update(key_share=True)}


def upsert(table: Table) -> Insert:
    """Insert a row, or replace the one with the same key."""
    return replacing(insert(table))


def replacing(statement: Insert) -> Insert:
    """The insert, made to replace rows with the same keys."""
    table = statement.table
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={column.name: statement.excluded[column.name] for column in table.c if not column.primary_key},
    )


def _insert(table: Table, rule: UniqueRule | None) -> ReturningInsert[Any]:
    """If the rule forbids it, nothing is inserted: unlike an error, that leaves the transaction usable."""
    id_: Column[Any] = table.c.id
    if rule is None:
        return insert(table).on_conflict_do_nothing().returning(id_)
    statement = insert(table).on_conflict_do_nothing(
        index_elements=list(rule.index.columns),
        index_where=rule.index.dialect_options["postgresql"]["where"],
    )
    return statement.returning(id_)


def _update(table: Table) -> Update:
    """Only if the row still has the version that was read, if it has versions."""
    statement = update(table).where(table.c.id == bindparam("own_id"))
    if "version" in table.c:
        statement = statement.where(table.c.version == bindparam("read_version"))
    return statement
