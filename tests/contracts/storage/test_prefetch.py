"""What every store promises about prefetching: it only changes the speed."""

import threading
from dataclasses import replace

import pytest

from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.origin import Actor, ActorType
from stripe_bridge.domain.payment import Payment
from stripe_bridge.domain.refusal import SendFailure
from stripe_bridge.domain.stripe_objects import PaymentProgress
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from tests.builders import ACCOUNT, NOW, a_payment
from tests.contracts.stored import stored_invoice
from tests.waiting import wait_until

LINKED = [(ACCOUNT, "in_1"), (ACCOUNT, "pi_1"), (ACCOUNT, "in_none")]


@pytest.fixture
def invoice(store: Store) -> Invoice:
    """An open invoice, linked by its own id, without a payment."""
    invoice = stored_invoice(store, status=InvoiceStatus.OPEN, stripe_invoice_id="in_1")
    with store.writing() as work:
        work.links.add(ACCOUNT, invoice.id, ["in_1"])
        work.commit()
    return invoice


def change(work: UnitOfWork, invoice: Invoice) -> Invoice:
    """Change it in several steps, as the events of a payment do."""
    found = work.links.find_invoice_id(ACCOUNT, "in_1")
    assert found == invoice.id
    assert work.links.find_invoice_id(ACCOUNT, "pi_1") is None
    assert work.links.find_invoice_id(ACCOUNT, "in_none") is None
    assert work.invoices.lock(found) == work.invoices.find(found, lock=True) == invoice
    assert list(work.payments.of_invoice(invoice.id)) == []
    payment = a_payment(invoice_id=invoice.id, status="open", charge_id=None, paid_at=None)
    work.payments.put(payment)
    work.links.add(ACCOUNT, invoice.id, ["pi_1", "in_1"])
    saved = work.invoices.save(replace(invoice, status=InvoiceStatus.PAID, paid_at=NOW))
    paid = a_payment(invoice_id=invoice.id)
    work.payments.put(paid)
    assert work.payments.find(ACCOUNT, "pi_1") == paid
    assert list(work.payments.of_invoice(invoice.id)) == [paid]
    assert work.links.find_invoice_id(ACCOUNT, "pi_1") == invoice.id
    assert work.invoices.find(invoice.id) == saved
    return work.invoices.save(replace(saved, amount_paid=saved.amount))


@pytest.mark.parametrize("prefetched", [False, True])
def test_what_is_changed_is_there_once_it_is_committed(store: Store, invoice: Invoice, prefetched: bool):
    with store.writing() as work:
        if prefetched:
            work.prefetch(LINKED)
        saved = change(work, invoice)
        work.commit()
    with store.reading() as work:
        assert work.invoices.find(invoice.id) == saved
        assert saved.version == invoice.version + 2
        assert list(work.payments.of_invoice(invoice.id)) == [a_payment(invoice_id=invoice.id)]
        assert list(work.links.of_invoice(invoice.id)) == ["in_1", "pi_1"]


def test_what_is_not_committed_never_was(store: Store, invoice: Invoice):
    with store.writing() as work:
        work.prefetch(LINKED)
        change(work, invoice)
    with store.reading() as work:
        assert work.invoices.find(invoice.id) == invoice
        assert list(work.payments.of_invoice(invoice.id)) == []
        assert list(work.links.of_invoice(invoice.id)) == ["in_1"]


def test_nothing_linked_is_nothing_read(store: Store):
    with store.writing() as work:
        work.prefetch([])
        work.prefetch([(ACCOUNT, "in_none")])
        assert work.links.find_invoice_id(ACCOUNT, "in_none") is None


def test_what_is_prefetched_is_locked(store: Store, invoice: Invoice):
    seen: list[Invoice | None] = []

    def another() -> None:
        with store.writing() as work:
            seen.append(work.invoices.lock(invoice.id))

    with store.writing() as work:
        work.prefetch(LINKED)
        thread = threading.Thread(target=another)
        thread.start()
        saved = change(work, invoice)
        assert not seen
        work.commit()
    wait_until(lambda: seen)
    thread.join()
    assert seen == [saved]


def test_many_invoices_and_links_are_read_at_once_as_one_by_one(store: Store, invoice: Invoice):
    with store.reading() as work:
        assert list(work.invoices.find_all([invoice.id, 9_001])) == [work.invoices.find(invoice.id)]
        assert list(work.invoices.find_all([])) == []
        others = [(ACCOUNT, "in_none"), ("acct_2", "in_1")]
        assert work.links.find_invoice_ids([(ACCOUNT, "in_1"), *others]) == {(ACCOUNT, "in_1"): invoice.id}
        assert work.links.find_invoice_ids([]) == {}


def test_many_are_stored_as_each_of_them_would_be(store: Store):
    """Whether a field has a value, a document or none."""
    plain, full = (
        stored_invoice(
            store, status=InvoiceStatus.OPEN, sales_order_id=number, stripe_invoice_id=f"in_{number}"
        )
        for number in (1, 2)
    )
    wanted = [
        replace(plain, status=InvoiceStatus.PAID, number=None, metadata={}, updated_at=NOW),
        replace(
            full,
            number='"{NULL},\\é',
            amount_paid=full.amount,
            due_date=NOW,
            voided_by=Actor(type=ActorType.TOKEN, id="7", user_id=9),
            failure=SendFailure(customer_balance=-5),
            metadata={"a": '{"b"}', "c": "NULL"},
            payment_progress=PaymentProgress.PENDING,
        ),
    ]
    payments = [
        a_payment(invoice_id=plain.id, stripe_id="inpay_1", charge_id=None, paid_at=None),
        a_payment(invoice_id=full.id, stripe_id="inpay_2", payment_intent_id=None, is_default=False),
    ]
    for change in (lambda payment: payment, Payment.cancel):
        with store.writing() as work:
            for invoice in (plain, full):
                work.links.add(ACCOUNT, invoice.id, [f"in_{invoice.id}", f"pi_{invoice.id}"])
            work.commit()
        with store.writing() as work:
            work.prefetch([(ACCOUNT, f"in_{invoice.id}") for invoice in (plain, full)])
            saved = [work.invoices.save(invoice) for invoice in wanted]
            for payment in payments:
                work.payments.put(change(payment))
                work.links.add(ACCOUNT, payment.invoice_id, [payment.stripe_id])
            work.commit()
        with store.reading() as work:
            for invoice, payment in zip(saved, payments, strict=True):
                assert work.invoices.find(invoice.id) == invoice
                assert list(work.payments.of_invoice(invoice.id)) == [change(payment)]
                assert payment.stripe_id in work.links.of_invoice(invoice.id)
        wanted = saved
