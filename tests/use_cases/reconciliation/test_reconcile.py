"""What webhooks missed is corrected, reported by cause, and never wrongly reported as corrected."""

from datetime import timedelta

import pytest

from stripe_bridge.domain.errors.base import IntegrationNotFound
from stripe_bridge.domain.errors.outcomes import InvoiceNotSent
from stripe_bridge.domain.errors.rules import IntegrationNotConnected
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.receiver import SUBSCRIBED_EVENTS
from stripe_bridge.domain.reconciliation import Drift, ReconcileReport
from stripe_bridge.ports.stripe.errors import AccessRevoked, GatewayBusy, GatewayRefused, OutcomeUnknown
from tests.builders import TENANT
from tests.world import World

MINUTES = timedelta(minutes=1)


@pytest.fixture
def world() -> World:
    world = World()
    world.connect()
    return world


def integration(world: World) -> Integration:
    with world.store.reading() as work:
        found = work.integrations.find(world.integration_id)
    assert found is not None
    return found


def reconcile(world: World, **more: bool) -> ReconcileReport:
    report: ReconcileReport = world.bridge.reconciliation.reconcile(world.integration_id, **more)
    world.work_off()
    return report


def drift(report: ReconcileReport) -> dict[Drift, int]:
    return {cause: number for cause, number in report.drift.items() if number}


def test_a_missed_event_is_stored_and_applied(world: World):
    invoice = world.sent()
    world.pay(invoice)

    report = reconcile(world, sweep=False)

    assert world.invoice(invoice.id).status is InvoiceStatus.PAID
    sent = [event for event in world.events() if event["type"] in SUBSCRIBED_EVENTS]
    assert drift(report) == {Drift.MISSED_EVENT: len(sent)}
    assert report.is_complete


def test_events_that_came_are_not_called_missed(world: World):
    world.paid()

    report = reconcile(world)

    assert drift(report) == {}
    assert report.events == len(world.events())


def test_what_no_webhook_would_have_brought_was_not_missed(world: World):
    event = world.event("customer.updated", {"id": "cus_1", "object": "customer"})
    world.listed = lambda: [event]

    report = reconcile(world)

    assert (report.events, drift(report)) == (1, {})
    assert not world.events_stored()


def test_the_accounts_snapshot_is_refreshed(world: World):
    world.stripe.change_account(world.account_id, charges_enabled=False)

    assert drift(reconcile(world)) == {Drift.ACCOUNT_DIFFERS: 1}
    assert integration(world).sync_status.value == "restricted"


def test_what_a_webhook_changed_meanwhile_is_not_set_back(world: World):
    invoice = world.sent()
    world.deliver()
    held = world.adapters.invoice_gateway.invoice(world.account_id, str(invoice.stripe_invoice_id))
    assert held.status.value == "open"

    def paid_meanwhile() -> None:
        world.pay(invoice)
        world.deliver()

    world.stripe.before_next("invoice", paid_meanwhile)
    reconcile(world)

    assert world.invoice(invoice.id).status is InvoiceStatus.PAID


def test_the_time_reconciled_is_when_the_run_began(world: World):
    begun = world.clock.now()
    world.stripe.before_next("pages_since", lambda: world.clock.sleep(60))

    reconcile(world)

    assert integration(world).last_reconciled_at == begun


@pytest.mark.parametrize("call", ["account", "pages_since", "invoice"])
def test_a_run_with_a_fault_reconciled_nothing_for_certain(world: World, call: str):
    world.sent()
    world.stripe.fail_next(call, GatewayBusy("too many requests"))

    report = reconcile(world)

    assert not report.is_complete
    assert "too many requests" in report.faults[0]
    assert integration(world).last_reconciled_at is None
    assert reconcile(world).is_complete
    assert integration(world).last_reconciled_at is not None


def test_a_failing_object_keeps_no_account_from_being_reconciled(world: World):
    world.sent()
    world.deliver()
    world.fail("invoice", OutcomeUnknown("internal error"), times=100)

    for _ in range(4):
        begun = world.clock.now()
        report = reconcile(world)
        assert len(report.faults) == 1
        assert integration(world).last_reconciled_at == begun
        calls = len(world.calls())
        world.clock.advance(timedelta(seconds=world.settings.reconcile_seconds))
        assert world.bridge.reconciliation.reconcile_due() == 1
        assert len(world.calls()) <= calls + 3, (
            "Its account and its events: objects are looked at once a day."
        )
        world.clock.advance(timedelta(days=1))


def test_an_account_whose_access_was_revoked_is_disconnected(world: World):
    world.stripe.revoke(world.account_id)

    report = reconcile(world)

    assert report.disconnected
    left = integration(world)
    assert (left.connected, left.sealed_access_token) == (False, None)
    assert left.last_reconciled_at is None
    with pytest.raises(IntegrationNotConnected):
        reconcile(world)


def test_an_account_for_which_a_single_call_is_refused_stays_connected(world: World):
    world.stripe.fail_next("pages_since", AccessRevoked("no access"))

    report = reconcile(world)

    assert not report.disconnected
    assert not report.is_complete
    assert integration(world).connected


def test_an_account_connected_again_during_the_call_stays_connected(world: World):
    def connected_again() -> None:
        world.bridge.integrations.disconnect(TENANT, world.integration_id)
        world.connect(world.account_id, into=world.integration_id)
        world.stripe.fail_next("account", AccessRevoked("no access"))

    world.stripe.before_next("account", connected_again)
    reconcile(world)

    assert integration(world).connected


def test_events_are_asked_for_from_an_hour_before_the_last_run(world: World):
    first = reconcile(world)
    world.clock.advance(timedelta(days=2))
    second = reconcile(world)

    connected_at = integration(world).connected_at
    assert connected_at is not None
    assert first.since == connected_at - 60 * MINUTES
    assert second.since == first.started_at - 60 * MINUTES
    assert not second.beyond_horizon


def test_beyond_the_horizon_is_warned_of_and_not_asked_for(world: World):
    reconcile(world)
    world.clock.advance(timedelta(days=29))
    assert not reconcile(world).beyond_horizon
    world.clock.advance(timedelta(days=31))

    report = reconcile(world)

    assert report.beyond_horizon
    assert report.since == report.started_at - timedelta(days=30)


@pytest.mark.parametrize("reconciled_before", [True, False])
def test_a_reconnect_catches_up_from_before_the_disconnect(world: World, reconciled_before: bool):
    if reconciled_before:
        reconcile(world)
    known_until = world.clock.now()
    world.clock.advance(timedelta(minutes=10))
    world.bridge.integrations.disconnect(TENANT, world.integration_id)
    world.clock.advance(timedelta(days=3))
    world.connect(world.account_id, into=world.integration_id)

    report = reconcile(world)

    assert report.since <= known_until - 60 * MINUTES


@pytest.mark.parametrize("reconciled_before", [True, False])
def test_another_integration_of_the_tenants_catches_up_from_before_the_disconnect(
    world: World, reconciled_before: bool
):
    if reconciled_before:
        reconcile(world)
    known_until = world.clock.now()
    world.clock.advance(timedelta(minutes=10))
    world.bridge.integrations.disconnect(TENANT, world.integration_id)
    world.clock.advance(timedelta(days=3))
    world.connect(world.account_id)

    report = reconcile(world)

    assert report.since <= known_until - 60 * MINUTES


def test_another_tenant_begins_anew(world: World):
    reconcile(world)
    world.bridge.integrations.disconnect(TENANT, world.integration_id)
    world.clock.advance(timedelta(days=3))
    connected_at = world.clock.now()
    world.connect(world.account_id, tenant="other")

    assert integration(world).last_reconciled_at is None
    assert reconcile(world).since == connected_at - 60 * MINUTES


def test_an_integration_that_is_not_there_is_refused(world: World):
    with pytest.raises(IntegrationNotFound):
        world.bridge.reconciliation.reconcile(99)


# By schedule.


def due(world: World) -> int:
    reconciled: int = world.bridge.reconciliation.reconcile_due()
    return reconciled


def test_each_integration_is_reconciled_once_every_so_often(world: World):
    assert [due(world), due(world)] == [1, 0]
    world.clock.advance(timedelta(seconds=899))
    assert due(world) == 0
    world.clock.advance(timedelta(seconds=1))
    assert [due(world), due(world)] == [1, 0]


def test_a_run_that_failed_waits_before_the_next(world: World):
    world.stripe.fail_next("account", GatewayBusy("busy"))

    assert [due(world), due(world)] == [1, 0]
    world.clock.advance(5 * MINUTES)
    assert due(world) == 1
    assert integration(world).last_reconciled_at is not None


def test_every_object_is_checked_once_a_day(world: World):
    world.sent()
    looks = []
    for _ in range(3 * 96):
        before = len(world.stripe.calls_of("invoice"))
        due(world)
        looks.append(len(world.stripe.calls_of("invoice")) - before)
        world.clock.advance(15 * MINUTES)

    assert looks[0] == 1
    assert 3 <= sum(looks) <= 4


def test_a_run_that_ends_after_a_newer_one_does_not_set_it_back(world: World):
    older_began_at = world.clock.now()

    def a_newer_one_ends() -> None:
        world.clock.advance(10 * MINUTES)
        reconcile(world)

    world.stripe.before_next("pages_since", a_newer_one_ends)
    reconcile(world)

    assert integration(world).last_reconciled_at == older_began_at + 10 * MINUTES


@pytest.mark.parametrize("askings", range(4))
def test_a_run_in_hand_when_the_worker_stops_is_due_for_others_at_once(world: World, askings: int):
    for number in (501, 502, 503):
        world.sent(number)
    answers = iter([False] * askings)

    assert world.bridge.reconciliation.reconcile_due(lambda: next(answers, True)) == 1

    assert world.calls().count("pages_since") == 1
    assert integration(world).last_reconciled_at is None
    assert due(world) == 1
    assert integration(world).last_reconciled_at is not None


def test_a_long_run_holds_on_to_its_lease(world: World):
    world.sent()
    world.stripe.before_next("pages_since", lambda: world.clock.advance(4 * MINUTES))
    world.stripe.before_next("invoice", lambda: world.clock.advance(4 * MINUTES))
    others: list[int] = []
    world.stripe.before_next("payments_of", lambda: others.append(due(world)))
    world.pay(world.invoice(world.invoice_id))
    world.listed = list

    assert due(world) == 1
    assert others == [0]


def test_the_schedule_can_be_turned_off():
    world = World(RECONCILE_SECONDS="0")
    world.connect()

    assert due(world) == 0
    assert reconcile(world).is_complete


def test_a_draft_that_nothing_moves_any_more_is_undone_by_the_sweep_and_frees_its_order(world: World):
    world.put_order()
    for step in ("finalize", "delete_draft", "void"):
        world.fail(step, GatewayRefused("no"))
    with pytest.raises(InvoiceNotSent):
        world.send()
    stuck = world.order().open_invoice
    assert stuck is not None
    assert (stuck.status, world.unsettled()) == (InvoiceStatus.DRAFT, [])

    world.bridge.reconciliation.reconcile(world.integration_id)
    world.work_off()

    assert (world.order().open_invoice, world.at_stripe()) == (None, [])
    assert world.send().created


def test_a_draft_that_a_call_is_under_way_for_is_left_to_it(world: World):
    world.put_order()
    world.fail("finalize", OutcomeUnknown("cut"))
    world.fail("invoice", OutcomeUnknown("cut"), times=30)
    with pytest.raises(InvoiceNotSent):
        world.send()
    world.stop_failing()

    world.bridge.reconciliation.reconcile(world.integration_id)
    world.come_to_rest()

    assert "delete_draft" not in world.calls()
    assert world.invoice(1).status is InvoiceStatus.OPEN
