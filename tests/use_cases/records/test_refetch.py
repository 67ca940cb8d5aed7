"""What is read again at Stripe brings our record to Stripe's state, and never sets it back."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from stripe_bridge.domain.intent import Operation
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.reconciliation import Drift
from stripe_bridge.domain.refund import RefundState
from stripe_bridge.domain.settlement import Settlement
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from stripe_bridge.ports.stripe.errors import (
    AccessRevoked,
    GatewayBusy,
    GatewayError,
    GatewayRefused,
    OutcomeUnknown,
)
from stripe_bridge.use_cases.records.invoices import RecordInvoice
from stripe_bridge.use_cases.records.ledger import RefundLedger
from stripe_bridge.use_cases.records.refetch import (
    FINAL_CHECK_TIMEOUT,
    STUCK_DRAFT_REASON,
    DeleteStuckDraft,
    FinalCheck,
    RefetchDisputes,
    RefetchInvoices,
    RefetchRefunds,
)
from stripe_bridge.use_cases.records.signed_metadata import SignedMetadata
from tests.fakes.signer import FakeSigner
from tests.use_cases.sends import not_sent
from tests.world import World


def invoices_of(world: World) -> RefetchInvoices:
    return RefetchInvoices(
        world.store,
        world.clock,
        world.adapters.invoice_gateway,
        RecordInvoice(world.clock),
        DeleteStuckDraft(world.clock, world.adapters.identifiers),
    )


def refunds_of(world: World) -> RefetchRefunds:
    return RefetchRefunds(
        world.store, world.adapters.refund_gateway, RefundLedger(world.clock, SignedMetadata(FakeSigner()))
    )


def disputes_of(world: World) -> RefetchDisputes:
    return RefetchDisputes(
        world.store, world.adapters.refund_gateway, RefundLedger(world.clock, SignedMetadata(FakeSigner()))
    )


def final_check_of(world: World) -> FinalCheck:
    return FinalCheck(world.store, world.clock, [invoices_of(world), refunds_of(world), disputes_of(world)])


def listed(world: World, target: Any) -> list[Any]:
    with world.store.reading() as work:
        return list(target.page(work, world.account_id, None))


def pending_refund(world: World, invoice: Invoice) -> None:
    """One of the merchant's own, which the customer's bank has not taken yet."""
    world.stripe.new_refund_status = "pending"
    world.stripe.refund(world.account_id, invoice.stripe_charge_id, 1_000)


def stuck_draft(world: World) -> Invoice:
    """A draft that could be neither sent nor deleted."""
    world.put_order()
    world.fail("add_lines", GatewayRefused("No lines."))
    world.fail("delete_draft", GatewayRefused("Not deleted."))
    world.fail("void", GatewayRefused("Not voided."))
    not_sent(world)
    assert not world.unsettled()
    return world.invoice(1)


def test_an_invoice_paid_at_stripe_is_recorded_with_the_charge_that_paid_it(world: World):
    invoice = world.sent()
    world.pay(invoice)

    assert invoices_of(world).refetch(invoice) is Drift.INVOICE_DIFFERS
    recorded = world.invoice(invoice.id)
    assert (recorded.status, recorded.stripe_charge_id is not None) == (InvoiceStatus.PAID, True)
    assert listed(world, invoices_of(world)) == [], "It is final."


def test_what_agrees_with_stripe_is_left_as_it_is(world: World):
    invoice = world.sent()
    commits = world.invoice(invoice.id).version

    assert invoices_of(world).refetch(invoice) is None
    assert world.invoice(invoice.id).version == commits


def test_a_record_that_was_changed_meanwhile_is_not_set_back(world: World):
    invoice = world.sent()
    world.pay(invoice)
    world.deliver()

    assert invoices_of(world).refetch(invoice) is None
    assert world.invoice(invoice.id).status is InvoiceStatus.PAID


def test_a_reading_of_what_is_known_confirms_it_which_is_no_drift(world: World):
    invoice = world.paid()
    assert invoice.settlement is Settlement.UNCONFIRMED

    assert invoices_of(world).refetch(invoice) is None

    assert world.invoice(invoice.id).settlement is Settlement.CONFIRMED


def test_what_stripe_shows_besides_a_payment_that_was_confirmed_is_followed(world: World):
    invoice = world.paid()
    account = world.stripe.accounts[world.account_id]
    account.invoices[invoice.stripe_invoice_id] = replace(
        account.invoices[invoice.stripe_invoice_id], metadata={"note": "changed in the dashboard"}
    )

    assert invoices_of(world).refetch(invoice) is Drift.INVOICE_DIFFERS

    followed = world.invoice(invoice.id)
    assert (followed.settlement, followed.metadata) == (
        Settlement.CONFIRMED,
        {"note": "changed in the dashboard"},
    )


@pytest.mark.parametrize(
    ("is_draft", "drift", "status"),
    [
        (True, Drift.INVOICE_DIFFERS, InvoiceStatus.VOID),
        (False, Drift.OBJECT_MISSING, InvoiceStatus.OPEN),
    ],
)
def test_a_missing_draft_was_deleted_and_any_other_missing_invoice_is_only_reported(
    world: World, is_draft: bool, drift: Drift, status: InvoiceStatus
):
    invoice = stuck_draft(world) if is_draft else world.sent()
    world.stripe.accounts[world.account_id].invoices.clear()

    assert invoices_of(world).refetch(invoice) is drift
    assert world.invoice(invoice.id).status is status


def test_the_deletion_of_a_stuck_draft_is_planned_once(world: World):
    invoice = stuck_draft(world)

    for _ in range(2):
        assert invoices_of(world).refetch(world.invoice(invoice.id)) is None

    (planned,) = world.unsettled()
    assert planned.operation is Operation.DELETE_DRAFT
    assert planned.parameters["because"] == STUCK_DRAFT_REASON
    world.work_off()
    assert world.order().open_invoice is None
    assert world.at_stripe() == []


def test_a_refund_is_followed_to_its_end_and_what_changed_meanwhile_stays(world: World):
    invoice = world.paid()
    pending_refund(world, invoice)
    world.deliver()
    (pending,) = listed(world, refunds_of(world))
    world.stripe.change_refund(world.account_id, pending.stripe_refund_id, "succeeded")

    assert refunds_of(world).refetch(pending) is Drift.REFUND_DIFFERS
    assert refunds_of(world).refetch(pending) is None, "It was changed since it was read."
    with world.store.reading() as work:
        (refund,) = work.refunds.of_invoice(invoice.id)
    assert refund.state is RefundState.SUCCEEDED
    assert listed(world, refunds_of(world)) == []


def test_a_refund_that_a_webhook_changed_while_stripe_was_asked_is_not_set_back(world: World):
    invoice = world.paid()
    pending_refund(world, invoice)
    world.deliver()
    (known,) = listed(world, refunds_of(world))
    with world.store.writing() as work:
        work.refunds.find(known.id)
        work.refunds.save(replace(known, state=RefundState.REQUIRES_ACTION))
        work.commit()

    # Pending and waiting for the customer have the same rank, so only the version tells that the record is newer.
    assert refunds_of(world).refetch(known) is None
    (kept,) = listed(world, refunds_of(world))
    assert kept.state is RefundState.REQUIRES_ACTION


def test_a_dispute_is_followed_to_its_end(world: World):
    invoice = world.paid()
    dispute = world.stripe.dispute(world.account_id, invoice.stripe_charge_id)
    world.deliver()
    (known,) = listed(world, disputes_of(world))
    assert disputes_of(world).refetch(known) is None
    world.stripe.change_dispute(world.account_id, dispute.id, "lost")

    assert disputes_of(world).refetch(known) is Drift.DISPUTE_DIFFERS
    assert world.invoice(invoice.id).amount_lost == invoice.amount
    assert listed(world, disputes_of(world)) == []


def test_a_dispute_that_a_webhook_changed_while_stripe_was_asked_is_not_set_back(world: World):
    invoice = world.paid()
    world.stripe.dispute(world.account_id, invoice.stripe_charge_id)
    world.deliver()
    (known,) = listed(world, disputes_of(world))
    with world.store.writing() as work:
        work.disputes.find(known.account_id, known.stripe_id)
        work.disputes.put(replace(known, status="under_review", version=known.version + 1))
        work.commit()

    assert disputes_of(world).refetch(known) is None
    (kept,) = listed(world, disputes_of(world))
    assert kept.status == "under_review"


@pytest.mark.parametrize("target", [refunds_of, disputes_of])
def test_a_refund_or_dispute_that_stripe_does_not_show_is_only_reported(
    world: World, target: Callable[[World], Any]
):
    invoice = world.paid()
    pending_refund(world, invoice)
    world.stripe.dispute(world.account_id, invoice.stripe_charge_id)
    world.deliver()
    (known,) = listed(world, target(world))
    charges = world.stripe.accounts[world.account_id].charges
    charges.refunds.clear()
    charges.disputes.clear()

    assert target(world).refetch(known) is Drift.OBJECT_MISSING
    assert listed(world, target(world)) == [known]


def test_the_final_check_refetches_every_kind(world: World):
    paid, open_ = world.paid(501), world.sent(502)
    pending_refund(world, paid)
    dispute = world.stripe.dispute(world.account_id, paid.stripe_charge_id)
    world.deliver()
    (pending,) = listed(world, refunds_of(world))
    world.stripe.change_refund(world.account_id, pending.stripe_refund_id, "succeeded")
    world.stripe.change_dispute(world.account_id, dispute.id, "won")
    world.pay(open_)

    final_check_of(world)(world.account_id)

    assert world.invoice(open_.id).status is InvoiceStatus.PAID
    assert world.invoice(paid.id).dispute_status == "won"
    for target in (invoices_of, refunds_of, disputes_of):
        assert listed(world, target(world)) == []


@pytest.mark.parametrize(
    ("error", "is_only_about_one"),
    [
        (GatewayRefused("not this one"), True),
        (AccessRevoked("no access"), False),
        (OutcomeUnknown("down"), False),
        (GatewayBusy("429"), False),
    ],
)
def test_the_final_check_goes_on_unless_all_of_stripe_is_out_of_reach(
    world: World, error: GatewayError, is_only_about_one: bool, caplog: pytest.LogCaptureFixture
):
    first, second = world.sent(501), world.sent(502)
    world.pay(first)
    world.pay(second)
    world.fail("invoice", error)

    final_check_of(world)(world.account_id)

    assert "object could not be refetched" in caplog.text
    assert world.invoice(first.id).status is InvoiceStatus.OPEN
    assert (world.invoice(second.id).status is InvoiceStatus.PAID) is is_only_about_one


def test_the_final_check_ends_when_its_time_is_up(world: World, caplog: pytest.LogCaptureFixture):
    first, second = world.sent(501), world.sent(502)
    world.pay(first)
    world.pay(second)
    world.stripe.before_next("invoice", lambda: world.clock.advance(FINAL_CHECK_TIMEOUT))

    final_check_of(world)(world.account_id)

    assert "final check timed out" in caplog.text
    assert world.invoice(first.id).status is InvoiceStatus.PAID
    assert world.invoice(second.id).status is InvoiceStatus.OPEN


def test_the_final_check_fails_only_if_the_store_does(world: World):
    world.sent()
    world.stripe.before_next("invoice", lambda: 1 / 0)
    final_check_of(world)(world.account_id)

    world.stripe.before_next("invoice", lambda: setattr(world.store, "is_available", False))
    with pytest.raises(StoreUnavailable):
        final_check_of(world)(world.account_id)
