"""The doctor checks a part of the change logs, and reports what it and workers have found."""

from datetime import timedelta

from stripe_bridge.domain.finding import Severity
from tests.use_cases.changes.logs import remove
from tests.use_cases.operations.patient import diagnose
from tests.world import World


def test_logs_that_are_in_order_are_no_finding(world: World):
    assert diagnose(world) == []
    assert world.store.committed.change_checks.rows[world.tenant].completed_at is not None


def test_a_log_that_is_not_in_order_is_an_error_until_it_is_mended(world: World):
    kept = world.store.committed.changes.rows
    remove(world, 1)
    for _ in range(2):
        (finding,) = diagnose(world)
        assert finding.severity is Severity.ERROR
        assert finding.subject == f"change log of {world.tenant}"
        assert finding.what.startswith("missing at entry 1: ")
        assert f"stripe-bridge changes verify --tenant {world.tenant}" in finding.remedy
    tables = world.store.committed
    tables.changes.rows = kept
    assert diagnose(world) == []


def test_the_services_own_log_is_checked_like_any_other(world: World):
    world.clock.advance(timedelta(days=2))
    tables = world.store.committed
    own = {key: each for key, each in tables.changes.rows.items() if key[0] == ""}
    assert own, "Registering receivers is recorded there."
    tables.changes.rows = {key: each for key, each in tables.changes.rows.items() if key not in own}
    assert [each.subject for each in diagnose(world) if "log" in each.subject] == [
        "change log of the service"
    ]


def test_monitoring_sees_how_many_logs_are_broken(world: World):
    assert world.bridge.operations.measure_backlog().broken_logs == 0
    remove(world, 1)
    diagnose(world)
    assert world.bridge.operations.measure_backlog().broken_logs == 1


def test_what_was_there_before_the_log_is_a_note_until_workers_have_recorded_it(world: World):
    world.store.committed.not_logged.rows = {1: True}
    (finding,) = diagnose(world)
    assert (finding.severity, finding.subject) == (Severity.NOTE, "change log")
    assert "recorded: 1 so far" in finding.what
    assert not world.bridge.operations.measure_backlog().is_log_complete
    world.store.committed.not_logged.rows = {}
    assert diagnose(world) == []
    assert world.bridge.operations.measure_backlog().is_log_complete
