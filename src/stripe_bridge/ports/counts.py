"""Totals of long lists, kept on the side. They are part of what lists answer; this is their upkeep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Miscount:
    """A total of so many `of` what has these values that is too small by `number`, or too large."""

    of: str
    by: tuple[object, ...]
    number: int


class Counts(Protocol):
    def fold(self) -> bool:
        """Make what changed since the last time part of the totals, so that reading them stays quick; whether there was more
        than is folded at once. Lists answer the same before and after."""
        ...

    def miscounts(self, integration_id: int) -> Sequence[Miscount]:
        """Count the integration's rows one by one. To be asked of a unit of work that reads: it sees one state."""
        ...

    def correct(self, miscounts: Sequence[Miscount]) -> None:
        """Right also when more has changed since they were found: what is added is the difference."""
        ...
