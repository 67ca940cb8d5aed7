"""Totals of long lists and sums by the hour, kept on the side. Lists show the totals; this is their upkeep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from stripe_bridge.domain.hourly_sums import HourlySum

# What `TotalError.of` says of sums by the hour.
HOURS = "hours"


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalError:
    """A wrong total: that of the rows `of` a table with the values `by` is too small by `number` (too large if negative)."""

    of: str
    by: tuple[object, ...]
    number: int


class Totals(Protocol):
    def compact(self) -> bool:
        """Add the changes since the last time to the totals, so that reading them stays quick. Returns whether there were
        more than one call adds. Lists show the same before and after."""
        ...

    def by_hour(self, tenant_id: str | None, since: datetime) -> Sequence[HourlySum]:
        """The sums of the hours from `since` on, oldest first. A tenant of None means all tenants and what belongs to none.

        Events count as webhooks as soon as they are stored."""
        ...

    def errors(self, integration_id: int) -> Sequence[TotalError]:
        """Count the integration's rows one by one. Call it in a reading unit of work, which sees a single state."""
        ...

    def correct(self, errors: Sequence[TotalError]) -> None:
        """Correct the totals by the differences, which is right even if more has changed since they were found."""
        ...
