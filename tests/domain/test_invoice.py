"""An invoice follows Stripe, in whatever order Stripe's snapshots arrive."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_bridge.domain.agreed_amount import is_as_agreed
from stripe_bridge.domain.errors.rules import InvoiceNotVoidable
from stripe_bridge.domain.invoice import PAYABLE, Invoice, InvoiceStatus, SnapshotOrder
from stripe_bridge.domain.origin import Actor, ActorType, dump_actor, load_actor
from stripe_bridge.domain.payment_status import RefundStatus
from stripe_bridge.domain.stripe_objects import StripeInvoice, StripeInvoiceStatus
from tests.builders import AMOUNT, NOW, a_payment, a_stripe_invoice, an_invoice

LATER = NOW + timedelta(seconds=1)
DRAFT = a_stripe_invoice(status=StripeInvoiceStatus.DRAFT)
OPEN = a_stripe_invoice(status=StripeInvoiceStatus.OPEN)


@st.composite
def histories(draw: st.DrawFn) -> list[StripeInvoice]:
    """What Stripe may show of an invoice over its life: neither its status nor the amount paid ever goes back."""
    history = [DRAFT, OPEN]
    for part in draw(st.lists(st.integers(min_value=1, max_value=AMOUNT // 4), max_size=3)):
        paid = history[-1].amount_paid + part
        history.append(replace(history[-1], amount_paid=paid, amount_remaining=AMOUNT - paid))
        if draw(st.booleans()):
            # A credit note changes what remains, and nothing else.
            history.append(replace(history[-1], amount_remaining=history[-1].amount_remaining - 1))
    if draw(st.booleans()):
        history.append(replace(history[-1], status=StripeInvoiceStatus.UNCOLLECTIBLE))
    match draw(st.sampled_from(["paid", "void", "still open"])):
        case "paid":
            history.append(
                replace(
                    history[-1],
                    status=StripeInvoiceStatus.PAID,
                    amount_paid=AMOUNT,
                    amount_remaining=0,
                    paid_at=LATER,
                )
            )
        case "void" if history[-1].amount_paid == 0:
            history.append(replace(history[-1], status=StripeInvoiceStatus.VOID, voided_at=LATER))
    return history


def follow(invoice: Invoice, snapshots: list[StripeInvoice], current: StripeInvoice) -> Invoice:
    """Follow as a handler does: if only Stripe can tell, its current state is fetched."""
    for snapshot in snapshots:
        unclear = invoice.compare(snapshot) is SnapshotOrder.UNCLEAR
        invoice = invoice.observe(current if unclear else snapshot, LATER)
    return invoice


def essence(invoice: Invoice) -> tuple[object, ...]:
    return (
        invoice.status,
        invoice.stripe_invoice_id,
        invoice.number,
        invoice.amount_paid,
        invoice.amount_remaining,
        invoice.due_date,
        invoice.finalized_at,
        invoice.paid_at,
        invoice.voided_at,
        dict(invoice.metadata),
    )


@given(histories(), st.randoms(use_true_random=False))
def test_any_order_and_repetition_of_a_history_ends_in_its_last_state(history, random):
    seen = history + random.choices(history, k=len(history))
    random.shuffle(seen)
    expected = an_invoice().observe(history[-1], LATER)
    assert essence(follow(an_invoice(), seen, history[-1])) == essence(expected)


@given(histories(), st.data())
def test_nothing_moves_an_invoice_from_its_last_state(history, data):
    last = an_invoice().observe(history[-1], NOW)
    snapshot = data.draw(st.sampled_from(history))
    assert essence(follow(last, [snapshot], history[-1])) == essence(last)


@given(histories(), st.data())
def test_a_status_never_goes_back(history, data):
    """Unless Stripe itself contradicts an event: see `test_settlement.py`."""
    stages = ["reserved", "draft", "open", "uncollectible", "paid", "void"]
    invoice = an_invoice()
    for snapshot in data.draw(st.lists(st.sampled_from(history), max_size=12)):
        following = invoice.observe(snapshot, LATER)
        if invoice.compare(snapshot) is not SnapshotOrder.UNCLEAR:
            assert stages.index(following.status) >= stages.index(invoice.status)
            assert following.amount_paid >= invoice.amount_paid
        invoice = following


def test_the_same_snapshot_again_changes_nothing_not_even_the_time():
    opened = an_invoice().observe(OPEN, NOW)
    assert opened.compare(OPEN) is SnapshotOrder.SAME
    assert opened.observe(OPEN, LATER) is opened


def test_a_new_bearer_link_alone_is_no_change():
    opened = an_invoice().observe(OPEN, NOW)
    assert (
        opened.compare(replace(OPEN, hosted_invoice_url="https://invoice.example/anew")) is SnapshotOrder.SAME
    )


@pytest.mark.parametrize(
    "change",
    [{"amount_remaining": 1}, {"number": "ACME-0002"}, {"due_date": LATER}, {"metadata": {"a": "b"}}],
)
def test_of_equal_rank_with_other_content_only_stripe_can_tell(change):
    assert an_invoice().observe(OPEN, NOW).compare(replace(OPEN, **change)) is SnapshotOrder.UNCLEAR


def test_void_and_paid_at_once_is_for_stripe_to_tell():
    void = an_invoice().observe(a_stripe_invoice(status=StripeInvoiceStatus.VOID), NOW)
    assert void.compare(a_stripe_invoice(status=StripeInvoiceStatus.PAID)) is SnapshotOrder.NEWER
    paid_nothing = a_stripe_invoice(status=StripeInvoiceStatus.PAID, amount_paid=0)
    assert void.compare(paid_nothing) is SnapshotOrder.UNCLEAR


def test_a_later_status_with_less_paid_is_for_stripe_to_tell_and_an_earlier_one_is_older():
    partly_paid = replace(OPEN, amount_paid=100, amount_remaining=AMOUNT - 100)
    opened = an_invoice().observe(partly_paid, NOW)
    assert opened.compare(a_stripe_invoice(status=StripeInvoiceStatus.VOID)) is SnapshotOrder.UNCLEAR
    for older in (replace(partly_paid, status=StripeInvoiceStatus.DRAFT), OPEN, DRAFT):
        assert opened.compare(older) is SnapshotOrder.OLDER
    assert opened.compare(replace(DRAFT, amount_paid=200)) is SnapshotOrder.UNCLEAR


@pytest.mark.parametrize(
    ("status", "paid", "remaining", "settles"),
    [
        (InvoiceStatus.RESERVED, 0, 0, 0),
        (InvoiceStatus.DRAFT, 0, AMOUNT, 0),
        (InvoiceStatus.OPEN, 0, AMOUNT, 0),
        (InvoiceStatus.OPEN, 100, AMOUNT - 100, 100),
        (InvoiceStatus.OPEN, 0, AMOUNT + 100, 0),
        (InvoiceStatus.UNCOLLECTIBLE, 100, AMOUNT - 100, 100),
        (InvoiceStatus.PAID, AMOUNT, 0, AMOUNT),
        (InvoiceStatus.PAID, 0, 0, AMOUNT),
        (InvoiceStatus.VOID, 0, AMOUNT, 0),
        (InvoiceStatus.ABANDONED, 0, 0, 0),
    ],
)
def test_an_invoice_settles_what_was_paid_of_it(status, paid, remaining, settles):
    invoice = an_invoice(status=status, amount_paid=paid, amount_remaining=remaining)
    assert invoice.settled_amount == settles


@given(st.sampled_from(InvoiceStatus), *(st.integers(min_value=0, max_value=2 * AMOUNT) for _ in range(3)))
def test_what_is_refunded_or_lost_settles_nothing_and_never_less(status, remaining, refunded, lost):
    invoice = an_invoice(
        status=status, amount_remaining=remaining, amount_refunded=refunded, amount_lost=lost
    )
    whole = replace(invoice, amount_refunded=0, amount_lost=0).settled_amount
    assert invoice.settled_amount == max(0, whole - refunded - lost)


@pytest.mark.parametrize(
    ("refunded", "shown"), [(0, RefundStatus.NONE), (1, RefundStatus.PARTIAL), (100, RefundStatus.FULL)]
)
def test_a_refund_is_full_when_all_that_was_collected_went_back(refunded, shown):
    assert an_invoice(amount_collected=100, amount_refunded=refunded).refund_status is shown


@pytest.mark.parametrize("paid", [0, 100])
def test_a_refund_is_not_full_because_the_payment_that_it_gives_back_is_not_known_yet(paid):
    assert an_invoice(amount_paid=paid, amount_refunded=30).refund_status is RefundStatus.PARTIAL


@pytest.mark.parametrize("status", InvoiceStatus)
def test_reserved_draft_and_open_invoices_are_payable(status):
    is_payable = an_invoice(status=status).is_payable
    assert is_payable == (status in PAYABLE) == (status.value in ("reserved", "draft", "open"))


@pytest.mark.parametrize(
    ("invoice", "word"),
    [
        (an_invoice(status=InvoiceStatus.PAID), "paid"),
        (an_invoice(status=InvoiceStatus.VOID), "void"),
        (an_invoice(status=InvoiceStatus.UNCOLLECTIBLE), "uncollectible"),
        (an_invoice(status=InvoiceStatus.OPEN, amount_paid=1), "partly paid"),
    ],
)
def test_what_cannot_be_voided_is_refused_by_name(invoice, word):
    with pytest.raises(InvoiceNotVoidable) as refusal:
        invoice.check_voidable()
    assert f"is {word} " in str(refusal.value)
    assert ("Refund" in str(refusal.value)) == ("paid" in word)


def test_stripe_has_to_ask_for_exactly_what_we_do():
    assert is_as_agreed(an_invoice(), OPEN)
    assert not is_as_agreed(an_invoice(), replace(OPEN, amount_due=AMOUNT - 1))
    assert not is_as_agreed(an_invoice(), replace(OPEN, total=AMOUNT + 1))


def test_showing_the_same_again_changes_nothing():
    invoice = an_invoice().set_payment_totals(a_payment(), AMOUNT, NOW).set_refund_totals(5, NOW, NOW)
    invoice = invoice.set_dispute_totals("lost", 7, NOW).mark_sent(NOW)
    again = invoice.set_payment_totals(a_payment(), AMOUNT, LATER).set_refund_totals(5, NOW, LATER)
    assert again.set_dispute_totals("lost", 7, LATER).mark_sent(LATER) == invoice


@pytest.mark.parametrize(
    ("status", "left"),
    [
        (InvoiceStatus.RESERVED, AMOUNT),
        (InvoiceStatus.DRAFT, AMOUNT),
        (InvoiceStatus.OPEN, 700),
        (InvoiceStatus.UNCOLLECTIBLE, 700),
        (InvoiceStatus.PAID, 0),
        (InvoiceStatus.VOID, 0),
    ],
)
def test_what_is_left_to_pay_is_nothing_once_nobody_can_pay_it(status, left):
    """Stripe shows a void invoice with what remained before."""
    remaining = 0 if status in (InvoiceStatus.RESERVED, InvoiceStatus.DRAFT) else 700
    assert an_invoice(status=status, amount_remaining=remaining).left_to_pay == left


@pytest.mark.parametrize("type_", ActorType)
def test_who_had_an_invoice_voided_is_kept_as_it_was_given(type_):
    by = Actor(type=type_, id="5", user_id=7)
    assert load_actor(dump_actor(by)) == by
    void = an_invoice(status=InvoiceStatus.VOID).name_voider(by, LATER)
    assert (void.voided_by, void.updated_at) == (by, LATER)
    assert void.name_voider(None, LATER) is void
    still_open = an_invoice(status=InvoiceStatus.OPEN)
    assert still_open.name_voider(by, LATER) is still_open
