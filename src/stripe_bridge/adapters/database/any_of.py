"""`column IN (…)` with all values in one parameter.

However many values there are, the statement stays the same: it is compiled once, and PostgreSQL parses and plans it once per
connection.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import Column, ColumnElement, Dialect, Text, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


def any_of(column: Column[Any], name: str) -> ColumnElement[bool]:
    """Whether the column has one of the values in the parameter with this name."""
    return _AnyOf(column, bindparam(name, type_=_Values(column.type)))


class _Values(TypeDecorator[Collection[Any]]):
    """An array, or JSON if the database has no arrays."""

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(self.item) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> Any:
        values = list(value or ())
        return values if dialect.name == "postgresql" else json.dumps(values)


class _AnyOf(FunctionElement[bool]):
    # Not a Boolean: SQLite has none, so SQLAlchemy would compare it with 1, which no index can answer.
    inherit_cache = True


@compiles(_AnyOf, "postgresql")
def _as_array(element: _AnyOf, compiler: Any, **how: Any) -> str:
    column, values = element.clauses
    return f"{compiler.process(column, **how)} = ANY ({compiler.process(values, **how)})"


@compiles(_AnyOf, "sqlite")
def _as_json(element: _AnyOf, compiler: Any, **how: Any) -> str:
    column, values = element.clauses
    name, placeholder = (compiler.process(each, **how) for each in (column, values))
    return f"{name} IN (SELECT value FROM json_each({placeholder}))"  # noqa: S608 (no values in it)
