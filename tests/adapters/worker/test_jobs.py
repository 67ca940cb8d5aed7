import logging
import threading
from collections.abc import Callable

import pytest

from stripe_bridge.adapters.worker import Jobs
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from tests.adapters.worker.work import Batches, Endless, bridge_with
from tests.waiting import wait_until


def test_draining_goes_on_until_nothing_is_due():
    events = Batches(50, 50, 3)

    Jobs(bridge_with(events)).run("drain_inbox")

    assert events.calls == 4


def test_settling_is_one_round_however_much_is_due():
    intents = Batches(50, 50)

    Jobs(bridge_with(intents=intents)).run("settle_intents")

    assert intents.calls == 1


@pytest.mark.parametrize("job", ["drain_inbox", "settle_intents"])
def test_a_job_that_fails_is_logged_with_its_traceback(job: str, caplog: pytest.LogCaptureFixture):
    sick = Batches(error=RuntimeError("sick"))

    Jobs(bridge_with(events=sick, intents=sick)).run(job)

    (record,) = caplog.records
    assert (record.levelno, vars(record)["job"]) == (logging.ERROR, job)
    assert record.exc_info


def test_a_store_that_is_away_is_logged_in_one_line(caplog: pytest.LogCaptureFixture):
    Jobs(bridge_with(Batches(error=StoreUnavailable()))).run("drain_inbox")

    (record,) = caplog.records
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)


def test_an_endless_inbox_is_left_when_the_worker_stops():
    events = Endless()
    jobs = Jobs(bridge_with(events))
    draining = threading.Thread(target=jobs.run, args=("drain_inbox",), daemon=True)
    draining.start()
    wait_until(lambda: events.calls > 10)

    jobs.stop()
    draining.join(60)

    assert not draining.is_alive()


def test_the_worker_gives_way_after_each_batch():
    events, rests = Batches(50, 50, 3), Batches()

    Jobs(bridge_with(events, webhook_events__yield_to_receiving=rests)).run("drain_inbox")

    assert (events.calls, rests.calls) == (4, 3)


def test_a_worker_that_rests_begins_nothing_and_stops_at_once():
    events, began = Endless(), threading.Event()

    def rest(_took: float, wait: Callable[[float], bool]) -> None:
        began.set()
        wait(3600)

    jobs = Jobs(bridge_with(events, webhook_events__yield_to_receiving=rest))
    draining = threading.Thread(target=jobs.run, args=("drain_inbox",), daemon=True)
    draining.start()
    assert began.wait(60)

    jobs.stop()
    draining.join(60)

    assert not draining.is_alive()
    assert events.calls == 1


def test_reconciling_goes_on_until_no_integration_is_due():
    integrations = Batches(1, 1, 1)

    Jobs(bridge_with(reconciliation__reconcile_due=integrations)).run("reconcile")

    assert integrations.calls == 4


def test_confirming_goes_on_until_no_invoice_is_due():
    invoices = Batches(25, 25, 3)

    Jobs(bridge_with(reconciliation__confirm_settlements=invoices)).run("confirm_settlements")

    assert invoices.calls == 4


def test_while_events_are_applied_a_sweep_confirms_one_batch():
    invoices = Batches(25, 25)
    jobs = Jobs(bridge_with(Batches(50), reconciliation__confirm_settlements=invoices))

    jobs.run("drain_inbox")
    jobs.run("confirm_settlements")

    assert invoices.calls == 1


def test_receivers_are_not_checked_with_every_sweep():
    receivers = Batches()
    jobs = Jobs(bridge_with(receivers__check_due=receivers))

    jobs.run("check_receivers")
    jobs.run("check_receivers")

    assert receivers.calls == 1


def test_receivers_are_checked_while_reconciling_never_ends():
    integrations, receivers = Endless(), Batches()
    jobs = Jobs(bridge_with(reconciliation__reconcile_due=integrations, receivers__check_due=receivers))
    reconciling = threading.Thread(target=jobs.run, args=("reconcile",), daemon=True)
    reconciling.start()
    wait_until(lambda: integrations.calls > 10)

    jobs.run("check_receivers")

    assert receivers.calls == 1
    jobs.stop()
    reconciling.join(60)


def test_tidying_up_purges_once_an_hour():
    requests, authorizations = Batches(), Batches()
    jobs = Jobs(
        bridge_with(access__purge_idempotency_keys=requests, operations__purge_oauth_states=authorizations)
    )

    jobs.run("tidy_up")
    jobs.run("tidy_up")

    assert (requests.calls, authorizations.calls) == (1, 1)


def test_change_logs_are_checked_a_part_at_a_time_and_not_with_every_sweep():
    logs = Endless()
    jobs = Jobs(bridge_with(changes__check_next=logs))

    jobs.run("check_changes")
    jobs.run("check_changes")

    assert logs.calls == 1


def test_change_logs_wait_while_events_are_applied():
    logs = Batches()
    jobs = Jobs(bridge_with(Batches(50), changes__check_next=logs))

    jobs.run("drain_inbox")
    jobs.run("check_changes")

    assert logs.calls == 0


def test_old_objects_of_the_change_log_are_purged_until_none_is_left():
    objects = Batches(1, 1)

    Jobs(bridge_with(changes__purge_old=objects)).run("tidy_up")

    assert objects.calls == 3


def test_counts_are_folded_until_nothing_is_left_and_not_at_every_sweep():
    counts = Batches(3)
    jobs = Jobs(bridge_with(reconciliation__compact_totals=counts))

    jobs.run("fold_counts")
    jobs.run("fold_counts")

    assert counts.calls == 2


def test_invoices_are_noted_as_overdue_once_a_minute_until_none_is_left():
    overdue = Batches(100, 3)
    jobs = Jobs(bridge_with(invoices__note_overdue=overdue))

    jobs.run("note_overdue")
    jobs.run("note_overdue")

    assert overdue.calls == 3


def test_what_was_there_before_the_log_is_recorded_in_batches_that_give_way_to_receiving():
    existing, pauses = Batches(200, 5), Batches()
    Jobs(bridge_with(changes__record_existing=existing, webhook_events__yield_to_receiving=pauses)).run(
        "record_existing"
    )

    assert (existing.calls, pauses.calls) == (3, 2)


def test_old_payloads_are_let_go_of_until_none_is_left():
    payloads = Batches(2)
    Jobs(bridge_with(operations__purge_payloads=payloads)).run("tidy_up")

    assert payloads.calls == 2


@pytest.mark.parametrize(
    "job",
    [
        "drain_inbox",
        "run_replays",
        "settle_intents",
        "reconcile",
        "confirm_settlements",
        "note_overdue",
        "record_existing",
        "check_receivers",
        "fold_counts",
        "tidy_up",
    ],
)
def test_nothing_is_begun_after_the_stop(job: str):
    work = Batches(1)
    others = (
        "webhook_events__run_replays",
        "reconciliation__reconcile_due",
        "reconciliation__confirm_settlements",
        "reconciliation__compact_totals",
        "receivers__check_due",
        "invoices__note_overdue",
        "changes__record_existing",
        "access__forget_act_windows",
        "access__purge_idempotency_keys",
        "access__purge_panel_sessions",
        "access__purge_console",
        "operations__purge_oauth_states",
        "operations__purge_payloads",
    )
    jobs = Jobs(bridge_with(events=work, intents=work, **dict.fromkeys(others, work)))

    jobs.stop()
    jobs.run(job)

    assert work.calls == 0


def test_running_replays_goes_on_until_none_is_running_and_gives_way_after_each_batch():
    replays, rests = Batches(25, 25, 3), Batches()

    Jobs(bridge_with(webhook_events__run_replays=replays, webhook_events__yield_to_receiving=rests)).run(
        "run_replays"
    )

    assert (replays.calls, rests.calls) == (4, 3)
