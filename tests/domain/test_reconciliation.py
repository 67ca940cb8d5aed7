"""Starting from when, and how thoroughly, an integration is reconciled."""

from datetime import timedelta

import pytest

from stripe_bridge.domain.reconciliation import (
    Gap,
    events_wanted_since,
    gap_after,
    is_beyond_horizon,
    is_near_horizon,
    is_sweep_due,
)
from tests.builders import ACCOUNT, NOW, an_account, an_integration

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("ago", "wanted"), [(DAY, DAY + HOUR), (29 * DAY, 29 * DAY + HOUR), (40 * DAY, 30 * DAY)]
)
def test_events_are_wanted_from_an_hour_before_the_last_run_but_no_older_than_stripe_keeps(ago, wanted):
    integration = an_integration().reconciled(NOW - ago)
    assert events_wanted_since(integration, NOW) == NOW - wanted


def test_the_first_run_begins_with_the_connection():
    assert events_wanted_since(an_integration(), NOW + DAY) == NOW - HOUR


@pytest.mark.parametrize(("days", "near"), [(25, False), (26, True)])
def test_the_horizon_is_near_after_twenty_five_days(days, near):
    assert is_near_horizon(an_integration(), NOW + days * DAY) is near


def test_a_sweep_is_due_once_in_each_day_of_its_own():
    integration, sweeps = an_integration(), []
    for quarter in range(4 * 24 * 7):
        now = NOW + quarter * HOUR / 4
        sweeps.append(is_sweep_due(integration, now))
        integration = integration.reconciled(now)
    assert sweeps[0]
    assert sum(sweeps) in (7, 8)
    assert not any(is_sweep_due(an_integration(id=id_).reconciled(NOW), NOW) for id_ in range(5))


def test_the_same_account_again_goes_on_from_where_it_was_and_another_begins_anew():
    left = an_integration().reconciled(NOW).disconnect(NOW + DAY)

    def connect(account_id):
        snapshot = an_account(account_id=account_id)
        return left.connect(snapshot=snapshot, livemode=False, sealed_access_token="s", now=NOW + 2 * DAY)

    same, other = connect(ACCOUNT), connect("acct_other")
    assert (same.connected_at, same.last_reconciled_at) == (NOW, NOW)
    assert (other.connected_at, other.last_reconciled_at) == (NOW + 2 * DAY, None)


MINUTE = timedelta(minutes=1)
EARLIER = Gap(events=2, runs=1, newest_at=NOW - 20 * MINUTE, found_at=NOW - 15 * MINUTE)


def test_events_that_had_to_be_fetched_in_run_after_run_add_up():
    gap = gap_after(EARLIER, [NOW - 2 * MINUTE, NOW - 3 * MINUTE], EARLIER.newest_at, NOW)

    assert gap == Gap(events=4, runs=2, newest_at=NOW - 2 * MINUTE, found_at=NOW)
    assert gap.is_proven


def test_a_run_that_saw_nothing_new_proves_nothing():
    assert gap_after(EARLIER, [], None, NOW) == EARLIER
    assert gap_after(EARLIER, [], EARLIER.newest_at, NOW) == EARLIER


def test_a_newer_event_that_came_by_itself_ends_the_gap():
    assert gap_after(EARLIER, [], NOW - MINUTE, NOW) is None
    assert gap_after(EARLIER, [NOW - 2 * MINUTE], NOW - MINUTE, NOW) is None


def test_and_what_is_missed_after_it_begins_another():
    gap = gap_after(EARLIER, [NOW - MINUTE], NOW - 2 * MINUTE, NOW)

    assert gap == Gap(events=1, runs=1, newest_at=NOW - MINUTE, found_at=NOW)


@pytest.mark.parametrize(("old", "is_proven"), [(5 * MINUTE, False), (6 * MINUTE, True)])
def test_one_run_proves_a_gap_only_by_events_older_than_a_webhook_takes(old: timedelta, is_proven: bool):
    gap = gap_after(None, [NOW - old], None, NOW)

    assert gap is not None
    assert gap.is_proven is is_proven


@pytest.mark.parametrize(
    ("days", "near", "beyond"), [(24, False, False), (26, True, False), (31, True, True)]
)
def test_the_horizon_is_at_thirty_days_and_near_from_twenty_five(days: int, near: bool, beyond: bool):
    integration = an_integration().reconciled(NOW - days * DAY)

    assert (is_near_horizon(integration, NOW), is_beyond_horizon(integration, NOW)) == (near, beyond)
