"""A page of a list, by number or by cursor.

A page by number comes with a total, for which rows are counted; a cursor continues by key, at the same cost on every page.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from stripe_bridge.domain.errors.values import Invalid, InvalidCursor
from stripe_bridge.domain.ids import LARGEST_ID, read_id

MAX_PER_PAGE = 100
DEFAULT_PER_PAGE = 25
Row = TypeVar("Row")
Other = TypeVar("Other")

# Deeper than any list; keeps the offset inside a 64-bit integer.
MAX_PAGE = 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Update:
    """Where a row stands in a list that is sorted by what was updated when."""

    at: datetime
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """`per_page` rows: those of page `page`, or those behind a cursor. That is newest first those with an id below
    `before_id`, or, in a list that is sorted by updates, oldest first those `after` one of them.
    """

    per_page: int = DEFAULT_PER_PAGE
    page: int = 1
    before_id: int | None = None
    after: Update | None = None

    @classmethod
    def of(
        cls, *, page: int | None, per_page: int, cursor: str | None, by_update: bool = False
    ) -> PageRequest:
        """Raises Invalid for a cursor together with a page, InvalidCursor for one that is not of such a list of ours."""
        if cursor is not None and page is not None:
            raise Invalid("Give a page or a cursor, not both.", "cursor")
        if cursor is None:
            return cls(per_page=per_page, page=page or 1)
        if by_update:
            microseconds, id_ = _decode(cursor, "updated", 2)
            return cls(per_page=per_page, after=Update(_moment(microseconds), id_))
        (before_id,) = _decode(cursor, "id", 1)
        return cls(per_page=per_page, before_id=before_id)

    @classmethod
    def below(cls, before_id: int | None, per_page: int = DEFAULT_PER_PAGE) -> PageRequest:
        """By id from the start on, too, so that nothing is counted; None means the start."""
        return cls(per_page=per_page, before_id=LARGEST_ID if before_id is None else before_id)

    @property
    def by_cursor(self) -> bool:
        return self.before_id is not None or self.after is not None

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

    @classmethod
    def of(
        cls, rows: Sequence[Row], request: PageRequest, total: int | None, cursor_of: Callable[[Row], str]
    ) -> Page[Row]:
        """One row more than was asked for shows that there is a next page."""
        items = rows[: request.per_page]
        more = len(rows) > len(items)
        return cls(
            items=items,
            request=request,
            total=total,
            next_cursor=cursor_of(items[-1]) if more else None,
        )

    def shown_as(self, items: Sequence[Other]) -> Page[Other]:
        """The same page, with what is made of its items."""
        return Page(items=items, request=self.request, total=self.total, next_cursor=self.next_cursor)


def cursor_after(last_id: int) -> str:
    """The cursor whose page begins below this id."""
    return _encode("id", last_id)


def cursor_after_update(last: Update) -> str:
    """The cursor whose page begins after this update."""
    return _encode("updated", (last.at - _EPOCH) // _MICROSECOND, last.id)


def _encode(kind: str, *numbers: int) -> str:
    text = ":".join([kind, *map(str, numbers)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _moment(microseconds: int) -> datetime:
    try:
        return _EPOCH + microseconds * _MICROSECOND
    except OverflowError:
        raise InvalidCursor from None


def _decode(cursor: str, kind: str, count: int) -> list[int]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidCursor from None
    prefix, *numbers = text.split(":")
    read = [number for number in map(read_id, numbers) if number is not None]
    if prefix != kind or not len(numbers) == len(read) == count:
        raise InvalidCursor
    return read
