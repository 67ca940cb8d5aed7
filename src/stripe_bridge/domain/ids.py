"""Ids that the database can hold. An order's is the ERP's, and may need all of a 64-bit integer."""

from __future__ import annotations

LARGEST_ID = 2**63 - 1
_MAX_DIGITS = len(str(LARGEST_ID))


def read_id(text: str) -> int | None:
    """The number that the text is. None if it is another text, or too large for an id."""
    # Python refuses to read thousands of digits.
    if not (text.isascii() and text.isdigit()) or len(text) > _MAX_DIGITS:
        return None
    number = int(text)
    return number if number <= LARGEST_ID else None
