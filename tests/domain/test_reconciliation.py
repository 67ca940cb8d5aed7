"""From when on, and how thoroughly, an integration is reconciled."""

from datetime import timedelta

import pytest

from stripe_bridge.domain.reconciliation import events_wanted_since, is_near_horizon, is_sweep_due
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
