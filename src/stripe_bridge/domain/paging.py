"""A page of a list, by number or by cursor.

A page by number comes with a total, for which rows are counted; a cursor continues by key, at the same cost on every page.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from stripe_bridge.domain.errors.values import Invalid, InvalidCursor

MAX_PER_PAGE = 100
DEFAULT_PER_PAGE = 25
Row = TypeVar("Row")

# Deeper than any list; keeps the offset inside a 64-bit integer.
MAX_PAGE = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """Newest first, `per_page` rows: those of page `page`, or those with an id below `before_id`."""

    per_page: int = DEFAULT_PER_PAGE
    page: int = 1
    before_id: int | None = None

    @classmethod
    def of(cls, *, page: int | None, per_page: int, cursor: str | None) -> PageRequest:
        """Raises Invalid for a cursor together with a page, InvalidCursor for one that is not ours."""
        if cursor is not None and page is not None:
            raise Invalid("Give a page or a cursor, not both.", "cursor")
        before_id = None if cursor is None else _decode(cursor)
        return cls(per_page=per_page, page=page or 1, before_id=before_id)

    @property
    def by_cursor(self) -> bool:
        return self.before_id is not None

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.per_page


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Row]):
    """`total` is None when the page was asked for by cursor."""

    items: Sequence[Row]
    request: PageRequest
    total: int | None
    next_cursor: str | None


def cursor_after(last_id: int) -> str:
    """The cursor whose page begins below this id."""
    return base64.urlsafe_b64encode(f"id:{last_id}".encode()).decode().rstrip("=")


def _decode(cursor: str) -> int:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidCursor from None
    prefix, _, digits = text.partition(":")
    if prefix != "id" or not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        raise InvalidCursor
    return int(digits)
