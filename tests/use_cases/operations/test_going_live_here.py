from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.domain.going_live import Outcome
from stripe_bridge.use_cases.operations.going_live_here import Evidence
from tests.fakes.system import NOON
from tests.fakes.vault import FakeVault
from tests.use_cases.operations.patient import check_of, ready_to_go_live, unregistered
from tests.world import World


@pytest.mark.parametrize(
    ("setting", "value", "subject", "what"),
    [
        ("REDIS_URL", "", "queue", "no REDIS_URL"),
        ("METRICS_TOKEN", "", "metrics", "METRICS_TOKEN is not set"),
        ("EVENT_PAYLOAD_DAYS", "0", "retention", "0 keeps personal data forever"),
        ("CHANGE_OBJECT_DAYS", "0", "retention", "0 keeps personal data forever"),
        ("RECONCILE_SECONDS", "0", "worker", "nothing fetches events that webhooks have missed"),
    ],
)
def test_a_setting_that_may_be_meant_so_is_only_warned_of(setting: str, value: str, subject: str, what: str):
    check = check_of(ready_to_go_live(**{setting: value}), subject)

    assert check.outcome is Outcome.WARN
    assert what in check.what


def test_one_file_as_a_database_is_named_as_such(ready: World):
    assert "SQLite" in check_of(ready, "database").what
    in_a_server = ready_to_go_live(DATABASE_URL="postgresql://db.test/bridge")
    assert "SQLite" not in check_of(in_a_server, "database").what


def test_a_queue_that_does_not_answer_fails(ready: World):
    ready.nudges.is_available = False

    assert check_of(ready, "queue").outcome is Outcome.FAIL


def test_a_worker_shows_that_it_is_alive_by_what_it_does_regularly(ready: World):
    ready.clock.advance(timedelta(minutes=29))
    alive = check_of(ready, "worker")
    ready.clock.advance(timedelta(minutes=2))
    silent = check_of(ready, "worker")
    ready.bridge.receivers.check_due()
    again = check_of(ready, "worker")

    assert [each.outcome for each in (alive, silent, again)] == [Outcome.OK, Outcome.FAIL, Outcome.OK]
    assert "29 minutes ago" in alive.what
    assert "every 15 minutes" in silent.what


def test_without_endpoints_nothing_is_said_of_workers(ready: World):
    unregistered(ready)

    assert check_of(ready, "worker").outcome is Outcome.WARN


def test_a_host_whose_clock_is_off_fails(ready: World):
    ready.clock.host_ahead = -40.0

    check = check_of(ready, "clock")

    assert check.outcome is Outcome.FAIL
    assert "40 s slow" in check.what


def test_another_encryption_key_than_the_stored_one_fails(ready: World):
    ready.restart(lambda adapters: replace(adapters, vault=FakeVault("another key")))

    assert check_of(ready, "encryption key").outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("shown", "outcome"), [(None, Outcome.WARN), (False, Outcome.FAIL), (True, Outcome.OK)]
)
def test_keys_count_as_kept_only_if_somebody_shows_them(ready: World, shown: bool | None, outcome: Outcome):
    assert check_of(ready, "kept keys", Evidence(are_keys_kept=shown)).outcome is outcome


@pytest.mark.parametrize(
    ("age", "outcome"),
    [
        (None, Outcome.WARN),
        (timedelta(hours=25), Outcome.OK),
        (timedelta(hours=27), Outcome.FAIL),
    ],
)
def test_a_backup_is_no_older_than_a_day(ready: World, age: timedelta | None, outcome: Outcome):
    newest = None if age is None else NOON - age

    assert check_of(ready, "backups", Evidence(newest_backup=newest)).outcome is outcome
