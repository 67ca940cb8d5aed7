"""What all tables share: how constraints are named, how Python's types are stored, how ids are made."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Index,
    Integer,
    MetaData,
    String,
    TextClause,
    text,
)
from sqlalchemy.orm import DeclarativeBase, mapped_column

from stripe_bridge.adapters.database.types import UtcDateTime


class Row(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, int: BigInteger}


# SQLite makes ids only in a column of exactly this type, and without AUTOINCREMENT gives a deleted row's id again.
Id = Annotated[int, mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)]
# Text that is searched by how it begins: in the order of its bytes, whatever the database's locale, as SQLite has it anyway.
Searched = Annotated[str, mapped_column(String().with_variant(String(collation="C"), "postgresql"))]
OWN_IDS: dict[str, Any] = {"sqlite_autoincrement": True}


def is_among(column: str, choices: Iterable[StrEnum]) -> TextClause:
    """`column IN (…)` with the values written out: only then does the planner see that a partial index covers it."""
    values = ", ".join(f"'{choice.value}'" for choice in sorted(choices))
    return text(f"{column} IN ({values})")


def begins_with(column: ColumnElement[Any], prefix: str) -> list[ColumnElement[bool]]:
    """The two ends of a range of an index by the column, which is `Searched`."""
    return [column >= prefix, column < prefix + "\U0010ffff"]


def one_of(column: str, choices: Iterable[StrEnum]) -> CheckConstraint:
    return CheckConstraint(is_among(column, choices), name=column)


def not_negative(*columns: str) -> list[CheckConstraint]:
    return [CheckConstraint(text(f"{column} >= 0"), name=column) for column in columns]


def partial_index(name: str, *columns: str, where: TextClause, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)
