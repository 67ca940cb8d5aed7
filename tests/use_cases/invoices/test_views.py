"""Invoices as callers see them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.payment import Payment
from stripe_bridge.domain.refund import RefundState
from stripe_bridge.domain.stripe_objects import PaymentProgress
from stripe_bridge.use_cases.invoices.views import InvoiceView, view_invoice, view_invoices
from tests.builders import AMOUNT, NOW, a_dispute, a_payment, a_refund
from tests.contracts.stored import stored_invoice
from tests.fakes.storage.unit_of_work import FakeStore

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


def an_open_payment(progress: PaymentProgress | None, **changes: Any) -> Payment:
    return a_payment(status="open", charge_id=None, amount_paid=0, paid_at=None, progress=progress, **changes)


def seen(store: FakeStore, invoice: Invoice, *payments: Payment) -> InvoiceView:
    with store.writing() as work:
        for payment in payments:
            work.payments.put(replace(payment, invoice_id=invoice.id))
        work.commit()
    with store.reading() as work:
        (view,) = view_invoices(work, [invoice])
        assert view_invoice(work, invoice, view.integration_name) == view
    return view


def paid_invoice(store: FakeStore, **changes: Any) -> Invoice:
    collected = {"amount_paid": AMOUNT, "amount_collected": AMOUNT}
    return stored_invoice(store, status=InvoiceStatus.PAID, **{**collected, **changes})


def test_payments_come_in_the_order_in_which_they_were_paid_and_those_that_were_not_last(store: FakeStore):
    invoice = paid_invoice(store, payment_progress=PaymentProgress.FAILED)
    second = a_payment(stripe_id="inpay_1", payment_intent_id="pi_1", amount_paid=4_000, paid_at=LATER)
    first = a_payment(stripe_id="inpay_2", payment_intent_id="pi_2", amount_paid=8_000)
    failed = an_open_payment(PaymentProgress.FAILED, stripe_id="inpay_0", is_default=False)

    view = seen(store, invoice, second, first, failed)

    assert [(each.payment.stripe_id, each.status, each.amount, each.currency) for each in view.payments] == [
        ("inpay_2", "paid", 8_000, "EUR"),
        ("inpay_1", "paid", 4_000, "EUR"),
        ("inpay_0", "failed", None, "EUR"),
    ]


@pytest.mark.parametrize(
    ("status", "remaining", "amount"),
    [
        (InvoiceStatus.OPEN, 7_000, 7_000),
        (InvoiceStatus.VOID, 7_000, 7_000),
        # Another payment has paid all of it.
        (InvoiceStatus.PAID, 0, None),
    ],
)
@pytest.mark.parametrize("progress", [PaymentProgress.PENDING, PaymentProgress.FAILED])
def test_a_try_is_for_all_that_remained(
    store: FakeStore, progress: PaymentProgress, status: InvoiceStatus, remaining: int, amount: int | None
):
    invoice = stored_invoice(store, status=status, amount_remaining=remaining, payment_progress=progress)

    (tried,) = seen(store, invoice, an_open_payment(progress)).payments

    assert (tried.status, tried.amount) == (progress.value, amount)


def test_a_payment_that_nobody_has_tried_is_none(store: FakeStore):
    """Stripe makes one for every invoice, and cancels it if another has paid."""
    invoice = paid_invoice(store)
    untried = [
        an_open_payment(progress, stripe_id=f"inpay_{number}")
        for number, progress in enumerate([None, PaymentProgress.NONE])
    ]
    canceled = replace(untried[0], stripe_id="inpay_9", status="canceled")

    assert seen(store, invoice, *untried, canceled).payments == []


def test_what_may_be_refunded_is_less_what_was_and_what_is_reserved_or_blocked(store: FakeStore):
    invoice = paid_invoice(store)
    assert seen(store, invoice, a_payment()).refundable == AMOUNT
    with store.writing() as work:
        work.refunds.add(a_refund(invoice_id=invoice.id, amount=2_000))
        work.refunds.add(a_refund(invoice_id=invoice.id, amount=1_000, state=RefundState.FAILED))
        work.commit()
    assert seen(store, invoice).refundable == AMOUNT - 2_000
    with store.writing() as work:
        work.disputes.put(a_dispute(invoice_id=invoice.id))
        work.commit()
    assert seen(store, invoice).refundable == 0


def test_each_invoice_has_what_is_its_own(store: FakeStore):
    first, second = paid_invoice(store), paid_invoice(store, sales_order_id=502, stripe_account_id="acct_2")
    with store.writing() as work:
        for invoice in (first, second):
            stripe_id = f"inpay_{invoice.id}"
            work.payments.put(
                a_payment(invoice_id=invoice.id, stripe_id=stripe_id, payment_intent_id=stripe_id)
            )
        work.refunds.add(a_refund(invoice_id=second.id, payment_intent_id=f"inpay_{second.id}", amount=1))
        work.commit()

    with store.reading() as work:
        views = view_invoices(work, [second, first])

    assert [view.invoice for view in views] == [second, first]
    assert [view.payments[0].payment.stripe_id for view in views] == ["inpay_2", "inpay_1"]
    assert [view.refundable for view in views] == [AMOUNT - 1, AMOUNT]


class Counting:
    """Counts what a repository is asked."""

    def __init__(self, repository: Any, asked: list[str]) -> None:
        self._repository, self._asked = repository, asked

    def __getattr__(self, name: str) -> Any:
        self._asked.append(name)
        return getattr(self._repository, name)


def counting(work: Any) -> list[str]:
    asked: list[str] = []
    for name in ("integrations", "payments", "refunds", "disputes"):
        setattr(work, name, Counting(getattr(work, name), asked))
    return asked


def test_a_page_takes_four_reads_however_long_it_is_and_a_new_invoice_none(store: FakeStore):
    invoices = [paid_invoice(store, sales_order_id=number) for number in range(1, 6)]
    new = stored_invoice(store, sales_order_id=9, status=InvoiceStatus.OPEN)
    with store.reading() as work:
        asked = counting(work)
        assert len(view_invoices(work, invoices)) == 5
        assert len(asked) == 4
        asked.clear()
        assert view_invoice(work, new, "Main shop") == InvoiceView(
            invoice=new, integration_name="Main shop", payments=[]
        )
        assert list(view_invoices(work, [])) == []
        assert asked == []
