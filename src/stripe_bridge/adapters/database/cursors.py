"""psycopg's cursor, for statements that are made again and again."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.pq import ExecStatus

Columns = list[psycopg.Column]
# By names and types: as many as there are different lists of columns in statements.
_KNOWN: dict[tuple[tuple[bytes | None, int], ...], Columns] = {}


class KnowingCursor(psycopg.Cursor[Any]):
    """Describes columns once. SQLAlchemy asks for them after each statement, which takes a quarter of reading an invoice."""

    @property
    def description(self) -> Columns | None:
        result = self.pgresult
        if result is None or result.status != ExecStatus.TUPLES_OK:
            return super().description
        shape = tuple([(result.fname(place), result.ftype(place)) for place in range(result.nfields)])
        known = _KNOWN.get(shape)
        if known is None:
            known = _KNOWN[shape] = super().description or []
        return known
