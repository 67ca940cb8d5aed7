"""Sums by the hour, drawn."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stripe_bridge.domain.hourly_sums import HourlySum, Measure, Period, hour_of, series_of

NOW = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
HOURS = st.integers(0, 24 * 40).map(lambda n: hour_of(NOW) - timedelta(hours=n))


def test_a_day_is_its_last_24_hours_and_a_month_its_last_30_days_in_utc():
    day, month = Period.DAY.begins(NOW), Period.MONTH.begins(NOW)
    assert (day[0], day[-1], len(day)) == (datetime(2026, 2, 28, 1, tzinfo=UTC), hour_of(NOW), 24)
    assert (month[0], month[-1]) == (datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC))
    assert len(month) == 30


def test_each_currency_is_a_series_of_its_own_and_counts_come_first():
    sums = [
        HourlySum(measure=Measure.REFUNDED, currency="EUR", hour=hour_of(NOW), number=1),
        HourlySum(measure=Measure.MONEY_IN, currency="USD", hour=hour_of(NOW), number=2),
        HourlySum(measure=Measure.MONEY_IN, currency="EUR", hour=hour_of(NOW), number=3),
    ]
    shown = [(each.measure, each.currency, each.this_hour) for each in series_of(sums, Period.DAY, NOW)]
    assert shown == [
        (Measure.WEBHOOKS, "", 0),
        (Measure.APPLIED, "", 0),
        (Measure.SENT, "", 0),
        (Measure.MONEY_IN, "EUR", 3),
        (Measure.MONEY_IN, "USD", 2),
        (Measure.REFUNDED, "EUR", 1),
    ]


@given(st.dictionaries(HOURS, st.integers(1, 10**9), max_size=60))
def test_the_parts_of_a_period_add_up_to_what_is_said_of_it(by_hour):
    sums = [
        HourlySum(measure=Measure.WEBHOOKS, currency="", hour=hour, number=number)
        for hour, number in by_hour.items()
    ]
    day, month = (series_of(sums, period, NOW)[0] for period in Period)
    assert sum(day.numbers) == day.last_day == month.last_day
    assert sum(month.numbers) == day.last_month == month.last_month
    assert day.numbers[-1] == day.this_hour
