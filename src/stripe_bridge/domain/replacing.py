"""`dataclasses.replace`, for the largest of the domain's values and the most frequent copies, in half the time.

It copies the slots instead of calling the constructor with every field.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

Writer = Callable[[Any, Any], None]


@cache
def slot_writers(kind: type[Any]) -> dict[str, Writer]:
    """What sets each field of a new instance, frozen or not."""
    return {name: getattr(kind, name).__set__ for name in kind.__dataclass_fields__}


@cache
def _reader(kind: type[Any]) -> Callable[[Any], tuple[Any, ...]]:
    # The class comes last so that of a single field, too, it is a tuple.
    return attrgetter(*kind.__dataclass_fields__, "__class__")


if TYPE_CHECKING:
    # Only of this one do type checkers compare the names and types of what is replaced.
    from dataclasses import replace as replace
else:

    def replace(value, /, **changes):
        """A copy with other values in some fields. Of dataclasses with slots and without `__post_init__`."""
        kind = type(value)
        copy = object.__new__(kind)
        writers = slot_writers(kind)
        for write, member in zip(writers.values(), _reader(kind)(value), strict=False):
            write(copy, member)
        for name, member in changes.items():
            writers[name](copy, member)
        return copy
