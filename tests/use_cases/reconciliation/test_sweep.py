"""Every object that Stripe may still change is checked, whatever its events said."""

from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.reconciliation import Drift, ReconcileReport
from stripe_bridge.domain.settlement import Settlement
from stripe_bridge.domain.stripe_objects import StripeInvoiceStatus
from stripe_bridge.ports.stripe.errors import OutcomeUnknown
from stripe_bridge.use_cases.records.refetch import SAMPLE_SIZE
from tests.world import World

MINUTES = timedelta(minutes=1)


def reconcile(world: World, **more: bool) -> ReconcileReport:
    report: ReconcileReport = world.bridge.reconciliation.reconcile(world.integration_id, **more)
    world.work_off()
    return report


def drift(report: ReconcileReport) -> dict[Drift, int]:
    return {cause: number for cause, number in report.drift.items() if number}


def test_an_unsettled_invoice_is_checked_even_when_its_events_are_lost(world: World):
    invoice = world.sent()
    world.deliver()
    world.pay(invoice)
    world.listed = list

    report = reconcile(world)

    healed = world.invoice(invoice.id)
    assert healed.status is InvoiceStatus.PAID
    assert healed.stripe_charge_id is not None
    assert drift(report) == {Drift.INVOICE_DIFFERS: 1}
    assert drift(reconcile(world)) == {}


def test_a_draft_deleted_at_stripe_is_void(world: World):
    invoice = world.sent()
    with world.store.writing() as work:
        stored = work.invoices.find(invoice.id)
        assert stored is not None
        work.invoices.save(replace(stored, status=InvoiceStatus.DRAFT))
        work.commit()
    world.stripe.accounts[world.account_id].invoices.clear()
    world.listed = list

    assert drift(reconcile(world)) == {Drift.INVOICE_DIFFERS: 1}
    assert world.invoice(invoice.id).status is InvoiceStatus.VOID


def test_an_open_invoice_that_is_missing_at_stripe_is_reported_and_left(
    world: World, caplog: pytest.LogCaptureFixture
):
    invoice = world.sent()
    world.stripe.accounts[world.account_id].invoices.clear()
    world.listed = list

    assert drift(reconcile(world)) == {Drift.OBJECT_MISSING: 1}
    (record,) = [record for record in caplog.records if record.msg == "object missing at Stripe"]
    assert vars(record)["object"] == f"invoice {invoice.stripe_invoice_id}"
    assert world.invoice(invoice.id).status is InvoiceStatus.OPEN


def test_a_refund_on_its_way_is_followed_to_its_end(world: World):
    world.stripe.new_refund_status = "pending"
    invoice = world.paid()
    world.refund(invoice.id, 500)
    (refund,) = world.refunds_at_stripe()
    world.stripe.change_refund(world.account_id, refund.id, "failed")
    world.listed = list

    assert drift(reconcile(world)) == {Drift.REFUND_DIFFERS: 1}
    assert world.invoice(invoice.id).amount_refunded == 0


def test_a_dispute_is_followed_until_it_ends(world: World):
    invoice = world.paid()
    dispute = world.stripe.dispute(world.account_id, str(invoice.stripe_charge_id))
    world.deliver()
    world.stripe.change_dispute(world.account_id, dispute.id, "lost")
    world.listed = list

    assert drift(reconcile(world)) == {Drift.DISPUTE_DIFFERS: 1}
    assert world.invoice(invoice.id).dispute_status == "lost"
    assert reconcile(world).objects == 0


def test_a_failing_object_does_not_stop_the_rest(world: World):
    failing, healthy = world.sent(501), world.sent(502)
    world.deliver()
    world.pay(healthy)
    world.listed = list
    world.stripe.fail_next("invoice", OutcomeUnknown("internal error"))

    report = reconcile(world)

    assert world.invoice(healthy.id).status is InvoiceStatus.PAID
    assert report.faults == (f"invoice {failing.stripe_invoice_id}: internal error",)


def test_a_stripe_that_is_down_is_not_asked_for_every_object(world: World):
    for number in range(10):
        world.sent(501 + number)
    for _ in range(10):
        world.stripe.fail_next("invoice", OutcomeUnknown("no answer"))

    report = reconcile(world)

    assert len(world.stripe.calls_of("invoice")) == 5
    assert not report.is_complete


def test_hundreds_of_open_invoices_are_all_checked(world: World):
    invoices = [world.sent(501 + number) for number in range(105)]
    world.deliver()
    world.listed = list
    world.pay(invoices[-1])

    report = reconcile(world)

    assert report.objects == 105
    assert drift(report) == {Drift.INVOICE_DIFFERS: 1}


def test_a_few_settled_invoices_are_read_each_day_and_every_one_in_its_turn(world: World):
    paid = [world.paid(501 + number) for number in range(SAMPLE_SIZE + 5)]
    unconfirmed(world, *paid)
    world.listed = list

    first = reconcile(world)
    read = {each.id for each in paid if world.invoice(each.id).confirmed_at is not None}
    world.clock.advance(timedelta(days=1))
    second = reconcile(world)

    assert (first.objects, len(read), drift(first)) == (SAMPLE_SIZE, SAMPLE_SIZE, {})
    assert second.objects == SAMPLE_SIZE
    confirmed_at = [world.invoice(each.id).confirmed_at for each in paid]
    assert None not in confirmed_at
    assert confirmed_at.count(world.clock.now()) == SAMPLE_SIZE


def test_a_settled_invoice_that_stripe_does_not_show_keeps_no_other_from_its_turn(world: World):
    paid = [world.paid(501 + number) for number in range(SAMPLE_SIZE + 1)]
    unconfirmed(world, *paid)
    world.listed = list
    for each in paid[:-1]:
        del world.stripe.accounts[world.account_id].invoices[each.stripe_invoice_id]

    assert drift(reconcile(world)) == {Drift.OBJECT_MISSING: SAMPLE_SIZE}
    reconcile(world)

    assert world.invoice(paid[-1].id).settlement is Settlement.CONFIRMED


def test_a_payment_that_an_earlier_release_believed_is_taken_back(world: World):
    invoice = world.paid()
    unconfirmed(world, invoice)
    at_stripe = world.stripe.accounts[world.account_id]
    unpaid = replace(
        at_stripe.invoices[invoice.stripe_invoice_id],
        status=StripeInvoiceStatus.OPEN,
        amount_paid=0,
        amount_remaining=invoice.amount,
        paid_at=None,
    )
    at_stripe.invoices[unpaid.id] = unpaid
    world.listed = list

    assert drift(reconcile(world)) == {Drift.CORRECTED: 1}

    assert world.invoice(invoice.id).status is InvoiceStatus.OPEN
    assert world.order().outstanding == invoice.amount


def unconfirmed(world: World, *invoices: Invoice) -> None:
    """As an earlier release has stored them."""
    with world.store.writing() as work:
        for each in invoices:
            work.invoices.save(replace(each, confirmed_at=None, confirm_due_at=None))
        work.commit()


def test_links_that_end_within_seven_days_are_renewed_which_is_no_drift(world: World):
    invoice = world.sent()
    world.deliver()
    world.listed = list
    world.clock.advance(timedelta(days=53))
    reconcile(world)
    assert world.invoice(invoice.id).hosted_invoice_url == invoice.hosted_invoice_url

    world.clock.advance(timedelta(days=1))
    report = reconcile(world)

    renewed = world.invoice(invoice.id)
    assert renewed.hosted_invoice_url != invoice.hosted_invoice_url
    assert renewed.hosted_invoice_url_expires_at == world.clock.now() + timedelta(days=10)
    assert drift(report) == {}
