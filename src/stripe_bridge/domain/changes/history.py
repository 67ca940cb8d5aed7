"""A log's name says which history it is. After a restore has been dealt with, the next one begins.

The number of a history tells a reader that has not noticed yet from one that knows more than this database does.
"""

from __future__ import annotations

import re

# The first history's name has no number.
_NAME = re.compile(r"log_(?:([1-9][0-9]{0,8})_)?[A-Za-z0-9_.-]+")


def name_log(token: str, *, after: str | None = None) -> str:
    """`token` is random. `after` names the history before, if there was one."""
    return f"log_{token}" if after is None else f"log_{_number(after) + 1}_{token}"


def is_name_of_log(text: str) -> bool:
    return len(text) <= 100 and _NAME.fullmatch(text) is not None


def is_earlier(log: str, current: str | None) -> bool:
    """Whether it is a history that this database has ended itself."""
    return current is not None and _number(log) < _number(current)


def is_first(log: str | None) -> bool:
    return log is None or _number(log) == 1


def _number(log: str) -> int:
    named = _NAME.fullmatch(log)
    return int(named[1]) if named is not None and named[1] is not None else 1
