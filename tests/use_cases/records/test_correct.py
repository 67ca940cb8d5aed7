"""A reading that shows less than an event had said brings the invoice back, unless that would do more harm than good."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.reconciliation import Drift
from stripe_bridge.domain.settlement import MAX_DELAY, Settlement
from stripe_bridge.domain.stripe_objects import StripeInvoice, StripeInvoiceStatus, StripePayment
from stripe_bridge.use_cases.records.correct import CorrectInvoice
from stripe_bridge.use_cases.records.invoices import RecordInvoice
from tests.builders import AMOUNT, a_stripe_payment, an_order_line
from tests.proofs.folding import entries
from tests.world import World


def at_stripe(world: World, invoice: Invoice) -> StripeInvoice:
    (shown,) = [each for each in world.at_stripe() if each.id == invoice.stripe_invoice_id]
    return shown


def said(
    world: World,
    invoice: Invoice,
    *,
    confirmed: bool = False,
    status: StripeInvoiceStatus = StripeInvoiceStatus.PAID,
    paid: int = AMOUNT,
) -> Invoice:
    """As an event, or else Stripe itself, has shown it: paid, unless it is said otherwise."""
    now = world.clock.now()
    shown = at_stripe(world, invoice)
    snapshot = replace(shown, status=status, amount_paid=paid, amount_remaining=shown.amount_due - paid)
    with world.store.writing() as work:
        known = work.invoices.lock(invoice.id)
        assert known is not None
        record = RecordInvoice(world.clock)
        said = record(work, known, snapshot, event_at=None if confirmed else now)
        work.commit()
    return said


def correct(
    world: World,
    known: Invoice,
    current: StripeInvoice | None = None,
    payments: Sequence[StripePayment] | None = None,
) -> Drift:
    current = current or at_stripe(world, known)
    if payments is None:
        payments = world.stripe.accounts[world.account_id].payments_of(current.id)
    with world.store.writing() as work:
        drift = CorrectInvoice(world.clock, RecordInvoice(world.clock))(work, known, current, payments)
        work.commit()
    return drift


def test_the_order_owes_again_what_was_not_paid(world: World):
    known = said(world, world.sent())

    assert correct(world, known) is Drift.CORRECTED

    assert world.invoice(known.id).status is InvoiceStatus.OPEN
    assert world.order().outstanding == known.amount


def test_an_invoice_that_is_void_at_stripe_frees_its_order(world: World):
    known = said(world, world.sent())
    void = replace(at_stripe(world, known), status=StripeInvoiceStatus.VOID, voided_at=world.clock.now())

    assert correct(world, known, void) is Drift.CORRECTED

    assert world.invoice(known.id).status is InvoiceStatus.VOID
    assert (world.order().open_invoice, world.order().outstanding) == (None, known.amount)


def test_payments_that_stripe_does_not_have_no_longer_count(world: World):
    known = said(world, world.sent())
    forged = a_stripe_payment(
        id="inpay_forged",
        invoice_id=str(known.stripe_invoice_id),
        status="paid",
        amount_paid=known.amount,
        payment_intent_id="pi_forged",
        charge_id="ch_forged",
        paid_at=world.clock.now(),
    )
    with world.store.writing() as work:
        known = RecordInvoice(world.clock).record_payments(work, known, [forged])
        work.commit()
    assert known.amount_collected == known.amount

    correct(world, known)

    corrected = world.invoice(known.id)
    default = next(each for each in world.payments(known.id) if each.is_default and each.status == "open")
    assert (corrected.amount_collected, corrected.stripe_charge_id) == (0, None)
    assert corrected.stripe_payment_intent_id == default.payment_intent_id
    assert {each.stripe_id: each.status for each in world.payments(known.id)}["inpay_forged"] == "canceled"


def test_a_payment_that_stripe_does_have_stays(world: World):
    invoice = world.sent()
    known = said(world, invoice)
    world.pay(invoice, 1_000)

    assert correct(world, known) is Drift.CORRECTED

    corrected = world.invoice(known.id)
    assert (corrected.status, corrected.amount_paid, corrected.amount_collected) == (
        InvoiceStatus.OPEN,
        1_000,
        1_000,
    )
    assert corrected.settlement is Settlement.CONFIRMED
    assert corrected.stripe_charge_id in world.links(known.id)


@pytest.mark.parametrize(
    ("status", "paid"),
    [
        (StripeInvoiceStatus.PAID, AMOUNT),
        (StripeInvoiceStatus.VOID, 0),
        (StripeInvoiceStatus.UNCOLLECTIBLE, 0),
        (StripeInvoiceStatus.UNCOLLECTIBLE, 1_000),
        (StripeInvoiceStatus.OPEN, 1_000),
    ],
)
def test_whatever_was_told_before_the_log_tells_that_it_was_wrong(
    world: World, status: StripeInvoiceStatus, paid: int
):
    known = said(world, world.sent(), status=status, paid=paid)

    assert correct(world, known) is Drift.CORRECTED

    with world.store.reading() as work:
        *_, told = entries(work, world.tenant)
    assert told.type is ChangeType.INVOICE_CORRECTED
    shown = told.shown()
    assert (shown["object"]["status"], shown["object"]["amount_paid"]) == ("open", 0)
    assert shown["sales_order"]["outstanding_in_cents"] == AMOUNT


@pytest.fixture
def rivaled(world: World) -> tuple[Invoice, Invoice]:
    """An invoice of which an event said that it was paid, and another one for what the order has grown by since."""
    known = said(world, world.sent())
    grow(world)
    return known, world.send().view.invoice


def grow(world: World) -> None:
    world.clock.advance(seconds=1)
    total = 2 * AMOUNT
    world.put_order(total=total, lines=(an_order_line(total),), source_updated_at=world.clock.now())


def test_an_order_with_another_payable_invoice_is_not_billed_twice(
    world: World, rivaled: tuple[Invoice, Invoice], caplog: pytest.LogCaptureFixture
):
    known, rival = rivaled

    assert correct(world, known) is Drift.CONTRADICTED

    left = world.invoice(known.id)
    assert (left.status, left.is_contradicted) == (InvoiceStatus.PAID, True)
    assert world.order().open_invoice == world.invoice(rival.id)
    assert left.confirm_due_at == world.clock.now() + MAX_DELAY, (
        "An operator may have ended one of them by then."
    )
    (record,) = [each for each in caplog.records if each.msg == "invoice contradicted by Stripe"]
    assert vars(record)["left_because"] == "another invoice of the order can be paid"


def test_it_is_brought_back_once_the_other_one_has_ended(world: World, rivaled: tuple[Invoice, Invoice]):
    known, rival = rivaled
    correct(world, known)
    world.bridge.invoices.void(world.tenant, rival.id)

    assert correct(world, world.invoice(known.id)) is Drift.CORRECTED
    assert world.order().open_invoice == world.invoice(known.id)


def test_another_payable_invoice_is_no_obstacle_if_this_one_is_not_payable(
    world: World, rivaled: tuple[Invoice, Invoice]
):
    known, _ = rivaled
    given_up = replace(at_stripe(world, known), status=StripeInvoiceStatus.UNCOLLECTIBLE)
    assert correct(world, known, given_up) is Drift.CORRECTED
    assert world.invoice(known.id).status is InvoiceStatus.UNCOLLECTIBLE


def test_what_stripe_itself_had_confirmed_is_left_to_an_operator(
    world: World, caplog: pytest.LogCaptureFixture
):
    known = said(world, world.sent(), confirmed=True)
    world.clock.advance(MAX_DELAY)

    assert correct(world, known) is Drift.CONTRADICTED

    left = world.invoice(known.id)
    assert (left.status, left.settlement) == (InvoiceStatus.PAID, Settlement.UNCONFIRMED)
    assert "invoice contradicted by Stripe" in caplog.text
