"""One time for all processes: the database's, whatever their hosts show."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from stripe_bridge.adapters.clock import MEASURE_EVERY, AnchoredClock
from stripe_bridge.adapters.database import SqlStore, create_engine

TRUE = datetime(2026, 11, 23, 12, tzinfo=UTC)
SKEWS = st.floats(-86_400, 86_400)


class Host:
    """A machine whose steady clock begins anywhere, and whose wall clock is off."""

    def __init__(self, ahead: float = 0.0, booted: float = 1_000.0) -> None:
        self.ahead, self.booted, self.elapsed = ahead, booted, 0.0
        self.clock = AnchoredClock(self.wall, self.steady)

    def steady(self) -> float:
        return self.booted + self.elapsed

    def wall(self) -> float:
        return self.true().timestamp() + self.ahead

    def true(self) -> datetime:
        return TRUE + timedelta(seconds=self.elapsed)

    def measure(self, takes: float = 0.0) -> None:
        def answer() -> datetime:
            self.elapsed += takes / 2
            shown = self.true()
            self.elapsed += takes / 2
            return shown

        self.clock.measure(answer)

    @property
    def error(self) -> float:
        return (self.clock.now() - self.true()).total_seconds()


def test_the_time_is_aware_and_utc():
    assert AnchoredClock().now().tzinfo is UTC
    assert abs(AnchoredClock().now() - datetime.now(UTC)) < timedelta(seconds=30)


def test_sleeping_takes_at_least_as_long():
    clock = AnchoredClock()
    before = clock.now()
    clock.sleep(0.01)
    assert (clock.now() - before).total_seconds() >= 0.01


@given(SKEWS, st.floats(0, 1e6), st.floats(0, 2), st.lists(SKEWS, max_size=4))
def test_once_measured_a_clock_shows_the_databases_time_whatever_its_host_shows(
    ahead, booted, takes, later_steps
):
    host = Host(ahead, booted)
    host.measure(takes)
    for step in later_steps:
        host.ahead = step
        host.elapsed += 100
        assert host.error == pytest.approx(0, abs=1e-3)
        assert host.clock.skew() == pytest.approx(step, abs=1e-2)


@given(SKEWS, SKEWS)
def test_without_a_database_that_has_a_clock_a_step_of_the_hosts_moves_nothing(at_start, later):
    host = Host(at_start)
    host.ahead = later
    host.elapsed = 60
    assert host.error == pytest.approx(at_start, abs=1e-3)


def test_an_answer_that_took_long_says_nothing():
    host = Host()
    host.measure()
    host.clock.measure(lambda: _late(host))
    assert host.error == pytest.approx(0, abs=1e-3)


def _late(host: Host) -> datetime:
    shown = host.true()
    host.elapsed += 10
    return shown


def test_it_is_measured_at_the_start_and_then_each_minute():
    host = Host()
    assert host.clock.is_measurement_due()
    host.measure()
    assert not host.clock.is_measurement_due()
    host.elapsed += MEASURE_EVERY
    assert host.clock.is_measurement_due()


def test_a_failed_measurement_is_due_again():
    host = Host()

    def fail() -> datetime:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        host.clock.measure(fail)
    assert host.clock.is_measurement_due()


def test_each_change_of_the_skew_is_logged_once(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    host = Host()
    for ahead in (5, 29, 31, 40, -140, 151, 600, 60, 0, 0):
        host.ahead = ahead
        host.clock.skew()
    records = [(each.message, each.levelname, getattr(each, "skew_seconds", 0)) for each in caplog.records]
    assert [(name, level, round(seconds)) for name, level, seconds in records] == [
        ("clock skew", "WARNING", 31),
        ("clock skew", "ERROR", 151),
        ("clock skew", "WARNING", 60),
        ("clock skew gone", "INFO", 0),
    ]


@pytest.fixture
def host_on(request: pytest.FixtureRequest) -> Iterator[tuple[AnchoredClock, SqlStore]]:
    """A process whose host is an hour ahead of the database's."""
    clock = AnchoredClock(lambda: datetime.now(UTC).timestamp() + 3600)
    store = SqlStore(create_engine(request.getfixturevalue(request.param), anchor=clock))
    yield clock, store
    store.close()


@pytest.mark.parametrize("host_on", ["postgres_url"], indirect=True)
def test_a_process_goes_by_the_time_of_postgresql_from_its_first_connection_on(
    host_on: tuple[AnchoredClock, SqlStore],
):
    clock, store = host_on
    assert clock.skew() == pytest.approx(0, abs=1)
    with store.writing() as work:
        assert clock.skew() == pytest.approx(3600, abs=5)
        work.inbox.backlog()
    with store.engine.connect() as connection:
        assert not connection.in_transaction()


def test_a_database_that_is_away_is_still_reported_as_away():
    store = SqlStore(create_engine("postgresql://nobody@127.0.0.1:9/none", anchor=AnchoredClock()))
    with pytest.raises(OperationalError):
        store.engine.connect()
    store.close()
