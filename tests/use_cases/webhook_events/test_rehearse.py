from collections.abc import Mapping
from dataclasses import fields as fields_of
from dataclasses import replace
from typing import Any

import pytest

from stripe_bridge.adapters.stripe_gateway.snapshots import StripeSnapshots
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.payment import Payment
from stripe_bridge.domain.replay import MAX_EVENTS, Outcome, PlannedKind, PlannedObject, ReplayPlan
from stripe_bridge.domain.stripe_objects import METADATA_REFERENCE, PaymentProgress, StripeInvoice
from stripe_bridge.domain.webhook_event import EventStatus, SkipReason
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.use_cases.webhook_events.dry_run import NotInDryRun
from stripe_bridge.use_cases.webhook_events.rehearse import difference
from tests.builders import a_payment
from tests.fakes.stripe import payloads
from tests.world import World

WAITING = EventFilter(status=EventStatus.RECEIVED)


def receive(world: World, *types: str) -> None:
    """The events of these types about the present state come in, in this order, and none is applied."""
    for type_ in types:
        for event in world.events():
            if event["type"] == type_:
                world.receive(event)


def plan_of(world: World, tenant: str | None = None) -> ReplayPlan:
    plan: ReplayPlan = world.bridge.webhook_events.plan_replay(tenant, WAITING, MAX_EVENTS)
    return plan


def outcomes(plan: ReplayPlan) -> list[tuple[str, Outcome]]:
    return [(each.event.event_type, each.outcome) for each in plan.events]


def of_kind(plan: ReplayPlan, kind: PlannedKind) -> list[PlannedObject]:
    return [each for each in plan.objects if each.kind is kind]


def fields(planned: PlannedObject) -> dict[str, tuple[Any, Any]]:
    return {each.field: (each.before, each.after) for each in planned.changes}


def test_events_are_judged_on_top_of_what_those_before_them_would_do(world: World):
    invoice = world.paid()
    refund = world.stripe.refund(world.account_id, str(invoice.stripe_charge_id), 1_000)
    pending = replace(refund, status="pending")
    world.receive(world.event("refund.created", payloads.refund_object(pending)))
    world.receive(world.event("refund.updated", payloads.refund_object(refund)))

    plan = plan_of(world)

    assert outcomes(plan) == [
        ("refund.created", Outcome.APPLIED),
        ("refund.updated", Outcome.APPLIED),
    ]
    (planned,) = of_kind(plan, PlannedKind.REFUND)
    assert (planned.id, planned.stripe_id, planned.is_new) == (None, refund.id, True)
    assert fields(planned)["status"] == (None, "succeeded")
    (changed,) = of_kind(plan, PlannedKind.INVOICE)
    assert fields(changed)["amount_refunded"] == (0, 1_000)
    assert fields(changed)["refund_status"] == ("none", "partial")


def test_what_only_stripe_could_tell_is_unknown_and_so_is_what_follows_for_that_invoice(world: World):
    disputed, other = world.paid(501), world.sent(502)
    refund = world.stripe.refund(world.account_id, str(disputed.stripe_charge_id), 1_000)
    world.stripe.dispute(world.account_id, str(disputed.stripe_charge_id))
    world.pay(other)
    receive(world, "charge.dispute.updated")
    world.receive(world.event("refund.created", payloads.refund_object(refund)))
    paid = world.stripe.accounts[world.account_id].invoices[str(other.stripe_invoice_id)]
    world.receive(world.event("invoice.paid", payloads.invoice_object(paid)))

    plan = plan_of(world)

    assert outcomes(plan) == [
        ("charge.dispute.updated", Outcome.UNKNOWN),
        ("refund.created", Outcome.UNKNOWN),
        ("invoice.paid", Outcome.APPLIED),
    ]
    unknown = {each.invoice_id: each.is_unknown for each in of_kind(plan, PlannedKind.INVOICE)}
    assert unknown == {disputed.id: True, other.id: False}
    assert not of_kind(plan, PlannedKind.REFUND)


def test_a_payment_that_nobody_knows_may_be_of_any_of_its_customers_invoices(world: World):
    invoice = world.sent()
    world.pay(invoice, 5_000)
    world.pay(invoice)
    receive(world, "charge.succeeded", "invoice.paid")

    plan = plan_of(world)

    assert Outcome.UNKNOWN in {each.outcome for each in plan.events}
    (planned,) = of_kind(plan, PlannedKind.INVOICE)
    assert planned.is_unknown


class Raising(StripeSnapshots):
    """A bug that makes the events of invoices fail."""

    def invoice(self, object_: Mapping[str, Any]) -> StripeInvoice:
        raise ZeroDivisionError


def test_an_event_that_would_fail_again_says_so_and_stops_no_other(world: World):
    invoice = world.paid()
    world.restart(lambda adapters: replace(adapters, snapshots=Raising()))
    refund = world.stripe.refund(world.account_id, str(invoice.stripe_charge_id), 1_000)
    world.receive(world.event("invoice.updated", {"id": invoice.stripe_invoice_id, "object": "invoice"}))
    world.receive(world.event("refund.created", payloads.refund_object(refund)))

    plan = plan_of(world)

    assert outcomes(plan) == [("invoice.updated", Outcome.FAILED), ("refund.created", Outcome.APPLIED)]
    assert "ZeroDivisionError" in str(plan.events[0].error)


class Unforeseen(StripeSnapshots):
    def invoice(self, object_: Mapping[str, Any]) -> StripeInvoice:
        raise NotInDryRun


def test_what_a_dry_run_cannot_tell_is_not_said_to_fail(world: World):
    invoice = world.paid()
    world.restart(lambda adapters: replace(adapters, snapshots=Unforeseen()))
    world.receive(world.event("invoice.updated", {"id": invoice.stripe_invoice_id, "object": "invoice"}))

    with pytest.raises(NotInDryRun):
        plan_of(world)


def test_what_is_about_nothing_of_ours_is_skipped_with_its_reason(world: World):
    world.sent()
    world.receive(world.event("invoice.paid", {"id": "in_foreign", "object": "invoice"}))
    world.receive(world.event("customer.created", {"id": "cus_1", "object": "customer"}))

    plan = world.bridge.webhook_events.plan_replay(None, EventFilter(account_id=world.account_id), MAX_EVENTS)

    assert [each.skip_reason for each in plan.events] == [SkipReason.FOREIGN_OBJECT, SkipReason.UNKNOWN_TYPE]
    assert plan.objects == []


def test_an_event_from_before_the_account_was_connected_is_judged_as_that_integrations(world: World):
    account_id = world.stripe.connect_account("acct_later")
    world.account_id = account_id
    world.receive(
        world.event("account.updated", payloads.account_object(world.stripe.accounts[account_id].snapshot))
    )
    (nobodys,) = plan_of(world).events
    world.work_off()
    world.connect(account_id)

    plan: ReplayPlan = world.bridge.webhook_events.plan_replay(
        None, EventFilter(ids=frozenset({nobodys.event.id})), 1
    )

    assert nobodys.skip_reason is SkipReason.NO_INTEGRATION
    assert [each.outcome for each in plan.events] == [Outcome.APPLIED]


def test_whether_an_account_still_lets_us_in_makes_all_that_follows_unknown(world: World):
    invoice = world.sent()
    world.pay(invoice)
    client_id = world.settings.stripe_client_id
    revoked = {"id": client_id, "object": "application"}
    world.receive(world.event("account.application.deauthorized", revoked))
    receive(world, "invoice.paid")

    plan = plan_of(world)

    assert [each.outcome for each in plan.events] == [Outcome.UNKNOWN, Outcome.UNKNOWN]
    (integration,) = of_kind(plan, PlannedKind.INTEGRATION)
    assert (integration.id, integration.is_unknown) == (world.integration_id, True)


def moved_account(world: World) -> Invoice:
    """An account that another tenant has now, and an invoice in it that is the first one's."""
    invoice = world.sent()
    world.bridge.integrations.disconnect(world.tenant, world.integration_id)
    world.connect(world.account_id, tenant="initech")
    world.pay(invoice)
    return invoice


def test_a_tenants_plan_shows_no_object_of_another(world: World):
    invoice = moved_account(world)
    receive(world, "invoice.paid")

    theirs, everyones = plan_of(world, "initech"), plan_of(world)

    assert outcomes(theirs) == outcomes(everyones) == [("invoice.paid", Outcome.APPLIED)]
    assert {each.invoice_id for each in everyones.objects} == {invoice.id}
    assert theirs.objects == []


@pytest.mark.parametrize("payload", [b"{", b'{"id": "evt_1", "da'])
def test_a_damaged_payload_would_fail(world: World, payload: bytes):
    world.sent()
    receive(world, "invoice.finalized")
    (stored,) = world.store.committed.events.rows.values()
    world.store.committed.events.rows[stored.id] = replace(stored, payload=payload)

    assert [each.outcome for each in plan_of(world).events] == [Outcome.FAILED]


def counts_of_events(world: World) -> list[str]:
    shown = world.adapters.metrics.render(world.bridge.operations.measure_backlog()).decode()
    return [line for line in shown.splitlines() if line.startswith("stripe_bridge_webhook")]


def test_a_plan_leaves_no_trace(world: World):
    invoice = world.sent()
    world.pay(invoice)
    receive(world, "invoice.paid", "charge.succeeded", "invoice_payment.paid")
    world.nudges.waiting.clear()
    before, calls = world.store.committed, world.calls()
    counted = counts_of_events(world)

    plan_of(world)

    assert world.store.committed is before
    assert (world.nudges.waiting, world.calls()) == ([], calls)
    assert counts_of_events(world) == counted


def test_what_has_not_happened_is_not_in_the_logs(world: World, caplog: pytest.LogCaptureFixture):
    """Not even that a refund was made twice, which has somebody called."""
    invoice = world.paid()
    (ours,) = world.refund(invoice.id, 1_000)
    second = world.stripe.refund(world.account_id, str(invoice.stripe_charge_id), 1_000)
    again = payloads.refund_object(replace(second, metadata={METADATA_REFERENCE: str(ours.reference)}))
    world.receive(world.event("refund.created", again))

    (planned,) = plan_of(world).events
    assert planned.outcome is Outcome.APPLIED
    assert [each.message for each in caplog.records if "duplicated" in each.message] == []

    world.work_off()
    assert [each.message for each in caplog.records if "duplicated" in each.message] != []


# Which invoice and account it belongs to never changes; and callers see not which is the default, but what it comes to.
NOT_SHOWN = {"invoice_id", "account_id", "is_default"}


@pytest.mark.parametrize("name", sorted({each.name for each in fields_of(Payment)} - NOT_SHOWN))
def test_no_field_of_a_payment_changes_unseen(name: str):
    before = a_payment()
    other = Payment(
        invoice_id=2,
        account_id="acct_2",
        stripe_id="inpay_2",
        payment_intent_id="pi_2",
        charge_id="ch_2",
        status="open",
        is_default=False,
        amount_paid=1,
        paid_at=None,
        progress=PaymentProgress.FAILED,
        failure_reason="card_declined",
        method="card",
    )

    assert len(difference(before, replace(before, **{name: getattr(other, name)}))) == 1
