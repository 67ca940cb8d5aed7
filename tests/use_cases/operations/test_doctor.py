"""The doctor reports each problem with what to do about it, and fixes what can be fixed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.domain.finding import Fix, Severity
from stripe_bridge.domain.webhook_event import MAX_ATTEMPTS
from stripe_bridge.ports.stripe.errors import OutcomeUnknown
from stripe_bridge.ports.vault import SealBroken
from tests.builders import TENANT
from tests.use_cases.operations.patient import diagnose, fix
from tests.world import Event, World


def test_a_healthy_service_has_no_findings(world: World):
    assert diagnose(world) == []
    assert fix(world) == []


def test_a_clock_that_is_off_is_found(world: World):
    world.clock.host_ahead = -600.0
    (finding,) = diagnose(world)
    assert (finding.severity, finding.subject) == (Severity.WARNING, "clock")
    assert "600 s slow" in finding.what
    assert "NTP" in finding.remedy


@pytest.mark.parametrize("error", [SealBroken(), RuntimeError("broken")])
def test_an_integration_that_cannot_be_checked_hides_nothing_of_the_others(world: World, error: Exception):
    sick = world.integration_id
    world.connect()
    world.bridge.reconciliation.reconcile(world.integration_id)
    world.stripe.revoke(world.account_id)
    world.stripe.fail_next("pages_since", error)

    findings = diagnose(world)

    assert [(finding.subject, finding.fix) for finding in findings] == [
        (f"integration {sick}", None),
        (f"integration {world.integration_id}", Fix.RECONCILE),
    ]
    assert "could not be checked" in findings[0].what


def test_an_account_whose_events_do_not_arrive_is_found_and_reconciled(world: World):
    event = world.event("invoice.updated", {"id": "in_1", "object": "invoice"})
    world.listed = lambda: [event]
    assert diagnose(world) == []
    world.clock.advance(timedelta(minutes=6))

    (finding,) = diagnose(world)

    assert (finding.severity, finding.fix) == (Severity.ERROR, Fix.RECONCILE)
    assert "none has arrived" in finding.what
    assert fix(world) == [f"integration {world.integration_id}: reconciled, 1 difference corrected"]
    (finding,) = diagnose(world)
    assert (finding.severity, finding.fix) == (Severity.WARNING, None)


def test_what_happened_in_an_account_before_it_was_joined_is_not_missed(world: World):
    earlier = world.event("invoice.paid", {"id": "in_1", "object": "invoice"}, account="acct_busy")
    world.clock.advance(timedelta(hours=5))
    world.bridge.reconciliation.reconcile(world.integration_id)
    world.connect("acct_busy")
    world.listed = lambda: [earlier]

    assert diagnose(world) == []


def happen(world: World, number: int) -> Event:
    """Something happens at Stripe without a webhook; a quarter of an hour later is the next run."""
    world.clock.advance(timedelta(minutes=8))
    event = world.event("invoice.updated", {"id": f"in_{number}", "object": "invoice"})
    before = world.listed
    world.listed = lambda: [*before(), event]
    world.clock.advance(timedelta(minutes=7))
    world.bridge.reconciliation.reconcile_due()
    world.work_off()
    return event


def test_webhooks_that_do_not_get_through_are_found_however_well_reconciling_works(receiving: World):
    for number in range(3):
        happen(receiving, number)

    (finding,) = diagnose(receiving)

    assert (finding.severity, finding.subject) == (
        Severity.ERROR,
        f"integration {receiving.integration_id}",
    )
    assert "reconciling fetched 3 events that no webhook delivered, in 3 runs in a row" in finding.what


def test_they_are_found_until_one_gets_through(receiving: World):
    for number in range(3):
        happen(receiving, number)
    receiving.clock.advance(timedelta(seconds=1))
    event = receiving.event("invoice.updated", {"id": "in_9", "object": "invoice"})
    receiving.receive(event)
    receiving.work_off()
    receiving.listed = lambda: [event]
    receiving.clock.advance(timedelta(minutes=15))
    receiving.bridge.reconciliation.reconcile_due()

    assert diagnose(receiving) == []


def test_a_run_that_was_faster_than_a_webhook_finds_no_gap(receiving: World):
    event = receiving.event("invoice.updated", {"id": "in_1", "object": "invoice"})
    receiving.listed = lambda: [event]
    receiving.clock.advance(timedelta(minutes=1))
    receiving.bridge.reconciliation.reconcile(receiving.integration_id)
    receiving.work_off()

    assert diagnose(receiving) == []


def test_an_account_that_revoked_our_access_is_found_and_disconnected(world: World):
    world.stripe.revoke(world.account_id)

    (finding,) = diagnose(world)

    assert f"our access to {world.account_id} was revoked" in finding.what
    assert "disconnected" in fix(world)[0]
    assert not world.bridge.integrations.show(TENANT, world.integration_id).integration.connected
    assert diagnose(world) == []


@pytest.mark.parametrize(
    ("passed", "severity", "what"),
    [
        (timedelta(hours=2), Severity.WARNING, "not reconciled since"),
        (timedelta(days=26), Severity.ERROR, "not reconciled for 26 days"),
    ],
)
def test_an_account_not_reconciled_for_long_is_found(
    world: World, passed: timedelta, severity: Severity, what: str
):
    world.clock.advance(passed)

    (finding,) = diagnose(world)

    assert (finding.severity, finding.fix) == (severity, Fix.RECONCILE)
    assert what in finding.what
    fix(world)
    assert diagnose(world) == []


def test_a_token_that_cannot_be_opened_is_found_and_left_to_the_operator(world: World):
    with world.store.writing() as work:
        integration = work.integrations.get(TENANT, world.integration_id)
        work.integrations.save(replace(integration, sealed_access_token="broken"))
        work.commit()

    (finding,) = diagnose(world)

    assert "the account's token cannot be opened" in finding.what
    assert "ENCRYPTION_KEYS" in finding.remedy
    assert fix(world) == []


def test_failed_events_are_found_and_queued_again(receiving: World):
    receiving.receive(receiving.event("invoice.updated", {"id": "in_1", "object": "invoice"}))
    with receiving.store.writing() as work:
        (event,) = work.inbox.claim(receiving.clock.now(), receiving.clock.now(), 10)
        spent = replace(event, attempts=MAX_ATTEMPTS)
        failed = spent.retry_or_fail("broken", receiving.clock.now(), jitter=0.0)
        assert work.inbox.settle(event.due_at, [failed])
        work.commit()

    (finding,) = diagnose(receiving)

    assert (finding.severity, finding.fix) == (Severity.ERROR, Fix.REPLAY_EVENTS)
    assert fix(receiving) == ["events: 1 queued again"]
    receiving.work_off()
    assert diagnose(receiving) == []


def test_events_that_wait_for_a_worker_are_found(receiving: World):
    receiving.receive(receiving.event("invoice.updated", {"id": "in_1", "object": "invoice"}))
    assert diagnose(receiving) == []
    receiving.clock.advance(timedelta(minutes=11))

    (finding,) = diagnose(receiving)

    assert "is a worker running?" in finding.what


def test_events_that_are_being_retried_are_not_taken_for_waiting(receiving: World):
    receiving.receive(receiving.event("invoice.updated", {"id": "in_1", "object": "invoice"}))
    now = receiving.clock.now()
    with receiving.store.writing() as work:
        (event,) = work.inbox.claim(now, now, 10)
        later = replace(event.retry_or_fail("broken", now, jitter=0.0), due_at=now + timedelta(hours=1))
        assert work.inbox.settle(event.due_at, [later])
        work.commit()
    receiving.clock.advance(timedelta(minutes=11))

    (finding,) = diagnose(receiving)

    assert "1 event could not be applied so far and will be retried" in finding.what


def test_events_whose_worker_is_gone_are_found(receiving: World):
    receiving.receive(receiving.event("invoice.updated", {"id": "in_1", "object": "invoice"}))
    now = receiving.clock.now()
    with receiving.store.writing() as work:
        assert work.inbox.claim(now, now + timedelta(minutes=1), 10)
        work.commit()
    receiving.clock.advance(timedelta(minutes=12))

    (finding,) = diagnose(receiving)

    assert "1 event overdue by more than ten minutes: is a worker running?" in finding.what


def test_with_the_database_away_that_is_the_only_finding(world: World):
    world.store.is_available = False

    (finding,) = diagnose(world)

    assert (finding.subject, finding.severity) == ("database", Severity.ERROR)
    assert "stripe-bridge db upgrade" in finding.remedy


def test_that_stripe_is_unreachable_is_reported_once_for_the_platform_and_for_each_account(world: World):
    for method in ("endpoints", "pages_since"):
        world.stripe.fail_next(method, OutcomeUnknown("no answer"))

    assert [finding.subject for finding in diagnose(world)] == [
        "stripe",
        f"integration {world.integration_id}",
    ]
