"""An event's word is enough to show an invoice paid, but only Stripe's own answer confirms it, or takes it back."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.settlement import CONFIRM_AFTER, MAX_DELAY, MIN_DELAY, Settlement, delay_after
from stripe_bridge.domain.stripe_objects import StripeInvoice, StripeInvoiceStatus
from tests.builders import AMOUNT, NOW, a_stripe_invoice, an_invoice

LATER = NOW + timedelta(minutes=1)
DRAFT, OPEN, PAID, VOID, UNCOLLECTIBLE = (
    a_stripe_invoice(status=status)
    for status in (
        StripeInvoiceStatus.DRAFT,
        StripeInvoiceStatus.OPEN,
        StripeInvoiceStatus.PAID,
        StripeInvoiceStatus.VOID,
        StripeInvoiceStatus.UNCOLLECTIBLE,
    )
)
PARTLY_PAID = replace(OPEN, amount_paid=1_000, amount_remaining=AMOUNT - 1_000)
SNAPSHOTS = [DRAFT, OPEN, PARTLY_PAID, PAID, VOID, UNCOLLECTIBLE]


def told(*snapshots: StripeInvoice) -> Invoice:
    """Open, as Stripe answered us, and then as events have it."""
    invoice = an_invoice().observe(OPEN, NOW)
    for snapshot in snapshots:
        invoice = invoice.observe(snapshot, NOW, event_at=NOW)
    return invoice


@pytest.mark.parametrize("snapshot", [PARTLY_PAID, PAID, VOID, UNCOLLECTIBLE])
def test_what_an_event_says_about_an_orders_money_is_to_be_confirmed_soon(snapshot: StripeInvoice):
    invoice = told(snapshot)

    assert invoice.status.value == snapshot.status.value, "It counts at once."
    assert (invoice.confirmed_at, invoice.confirm_due_at) == (None, NOW + CONFIRM_AFTER)
    assert timedelta(minutes=1) > CONFIRM_AFTER


@pytest.mark.parametrize("snapshot", [PARTLY_PAID, PAID, VOID, UNCOLLECTIBLE])
def test_what_stripe_itself_answers_is_confirmed_with_it(snapshot: StripeInvoice):
    invoice = told().observe(snapshot, LATER)
    assert (invoice.confirmed_at, invoice.confirm_due_at) == (LATER, None)


def test_an_open_invoice_of_which_nothing_is_paid_has_nothing_to_confirm():
    by_event = an_invoice().observe(OPEN, NOW, event_at=NOW)
    for invoice in (told(), by_event):
        assert (invoice.settlement, invoice.confirmed_at, invoice.confirm_due_at) == (None, None, None)


def test_settlement_shows_whether_stripe_itself_has_shown_what_was_paid():
    assert told(PARTLY_PAID).settlement is Settlement.UNCONFIRMED
    assert told(PAID).settlement is Settlement.UNCONFIRMED
    assert told(PAID).observe(PAID, LATER).settlement is Settlement.CONFIRMED
    assert told(VOID).settlement is None, "It settles nothing."
    assert replace(told(PAID), confirm_due_at=None).settlement is Settlement.UNCONFIRMED, (
        "An earlier release's."
    )


def test_an_event_that_says_more_than_was_confirmed_is_to_be_confirmed_again():
    partly = told().observe(PARTLY_PAID, NOW)
    assert partly.settlement is Settlement.CONFIRMED

    paid = partly.observe(PAID, NOW, event_at=NOW)

    assert paid.settlement is Settlement.UNCONFIRMED
    assert paid.confirm_due_at == NOW + CONFIRM_AFTER


def test_an_event_never_confirms_another():
    unconfirmed = told(PAID)
    assert unconfirmed.observe(PAID, LATER, event_at=LATER) is unconfirmed


def test_callers_see_from_the_time_of_the_update_that_it_was_confirmed_and_not_that_it_was_again():
    confirmed = told(PAID).observe(PAID, LATER)
    again = confirmed.confirm(LATER + timedelta(days=1))

    assert confirmed.updated_at == LATER
    assert (again.updated_at, again.confirmed_at) == (LATER, LATER + timedelta(days=1))


@pytest.mark.parametrize(
    ("known", "current"),
    [
        (PAID, OPEN),
        (PAID, PARTLY_PAID),
        (PAID, DRAFT),
        (PAID, VOID),
        (PARTLY_PAID, OPEN),
        (VOID, OPEN),
        (VOID, PARTLY_PAID),
        (UNCOLLECTIBLE, OPEN),
        (replace(PAID, amount_paid=0), VOID),
    ],
)
def test_less_at_stripe_than_an_event_said_contradicts_it_and_is_followed_only_by_correcting(
    known: StripeInvoice, current: StripeInvoice
):
    invoice = told(known)
    assert invoice.is_contradicted_by(current)
    assert invoice.observe(current, LATER) is invoice
    assert invoice.observe(current, LATER, event_at=LATER) is invoice

    corrected = invoice.correct(current, LATER)

    assert (corrected.status.value, corrected.amount_paid) == (current.status.value, current.amount_paid)
    assert (corrected.contradicted_at, corrected.confirm_due_at) == (LATER, None)
    assert corrected.settlement is (Settlement.CONFIRMED if current.amount_paid else None)
    assert not corrected.is_contradicted
    assert not corrected.is_contradicted_by(current)


@pytest.mark.parametrize(
    ("known", "current"),
    [
        (PAID, PAID),
        (PAID, replace(PAID, metadata={"a": "b"})),
        (PARTLY_PAID, PAID),
        (PARTLY_PAID, replace(PARTLY_PAID, amount_remaining=1)),
        (VOID, PAID),
        (UNCOLLECTIBLE, PAID),
        (UNCOLLECTIBLE, VOID),
    ],
)
def test_as_much_or_more_at_stripe_is_no_contradiction(known: StripeInvoice, current: StripeInvoice):
    invoice = told(known)
    assert not invoice.is_contradicted_by(current)
    assert invoice.observe(current, LATER).confirmed_at == LATER


def test_a_draft_at_stripe_does_not_contradict_an_open_invoice_as_nothing_of_it_counts():
    assert not told().is_contradicted_by(DRAFT)


@given(st.lists(st.tuples(st.sampled_from(SNAPSHOTS), st.booleans()), max_size=8))
def test_nothing_that_is_observed_leads_back_and_no_event_confirms(history: list[tuple[StripeInvoice, bool]]):
    ranks = {
        InvoiceStatus.OPEN: 0,
        InvoiceStatus.UNCOLLECTIBLE: 1,
        InvoiceStatus.PAID: 2,
        InvoiceStatus.VOID: 2,
    }
    invoice = told()
    for number, (snapshot, is_event) in enumerate(history):
        now = NOW + timedelta(seconds=number)
        following = invoice.observe(snapshot, now, event_at=now if is_event else None)
        if invoice.has_to_be_confirmed:
            assert ranks[following.status] >= ranks[invoice.status]
            assert following.amount_paid >= invoice.amount_paid
        if is_event:
            assert following.confirmed_at in (invoice.confirmed_at, None)
        assert following.has_to_be_confirmed == (
            following.confirmed_at is not None or following.confirm_due_at is not None
        )
        invoice = following


def test_what_was_left_contradicted_is_unconfirmed_until_stripe_shows_it_again():
    confirmed = told().observe(PAID, NOW)
    left = replace(confirmed, contradicted_at=LATER, confirm_due_at=LATER + MAX_DELAY)
    assert (left.is_contradicted, left.settlement) == (True, Settlement.UNCONFIRMED)

    again = left.observe(PAID, LATER + MAX_DELAY)

    assert (again.is_contradicted, again.settlement) == (False, Settlement.CONFIRMED)
    assert again.confirm_due_at is None


def test_what_could_not_be_read_waits_as_long_again_within_limits():
    assert delay_after(timedelta(0)) == MIN_DELAY
    assert delay_after(timedelta(minutes=5)) == timedelta(minutes=5)
    assert delay_after(timedelta(days=2)) == MAX_DELAY
