"""What was received, done and paid in each hour: sums that are kept beside the rows, so that drawing them reads few."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

_HOURS, _DAYS = 24, 30


class Measure(StrEnum):
    """What is summed up, each by the hour in which it happened; events and invoices are counted.

    An event that is applied again counts in the hour of the last time.
    """

    WEBHOOKS = "webhooks"
    APPLIED = "applied"
    SENT = "sent"
    MONEY_IN = "money_in"
    REFUNDED = "refunded"

    @property
    def is_money(self) -> bool:
        return self in (Measure.MONEY_IN, Measure.REFUNDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class HourlySum:
    """`hour` is when it begins, in UTC. `number` in minor units if it is money; else `currency` is empty."""

    measure: Measure
    currency: str
    hour: datetime
    number: int


def hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


class Period(StrEnum):
    """What is drawn: the hours of a day, or the days of a month, up to and with the present one."""

    DAY = "day"
    MONTH = "month"

    def begins(self, now: datetime) -> Sequence[datetime]:
        """When each part of it begins, oldest first."""
        if self is Period.DAY:
            return [hour_of(now) - timedelta(hours=n) for n in reversed(range(_HOURS))]
        today = hour_of(now).replace(hour=0)
        return [today - timedelta(days=n) for n in reversed(range(_DAYS))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One measure, in one currency if it is money. `numbers` are those of a period's parts."""

    measure: Measure
    currency: str
    numbers: Sequence[int]
    this_hour: int
    last_day: int
    last_month: int


def series_of(sums: Iterable[HourlySum], period: Period, now: datetime) -> Sequence[Series]:
    """One for each that is counted, and one for each currency that there is of those that are money, by currency."""
    found: dict[tuple[Measure, str], dict[datetime, int]] = {
        (measure, ""): {} for measure in Measure if not measure.is_money
    }
    for each in sums:
        found.setdefault((each.measure, each.currency), {})[each.hour] = each.number
    order = list(Measure)
    keys = sorted(found, key=lambda key: (order.index(key[0]), key[1]))
    return [_series(*key, found[key], period, now) for key in keys]


def _series(
    measure: Measure, currency: str, by_hour: Mapping[datetime, int], period: Period, now: datetime
) -> Series:
    begins = period.begins(now)
    numbers = [0] * len(begins)
    for hour, number in by_hour.items():
        if hour >= begins[0]:
            numbers[bisect_right(begins, hour) - 1] += number

    def since(begin: datetime) -> int:
        return sum(number for hour, number in by_hour.items() if hour >= begin)

    return Series(
        measure=measure,
        currency=currency,
        numbers=numbers,
        this_hour=since(hour_of(now)),
        last_day=since(Period.DAY.begins(now)[0]),
        last_month=since(Period.MONTH.begins(now)[0]),
    )
