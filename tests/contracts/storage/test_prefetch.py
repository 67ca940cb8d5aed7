"""What every store promises about prefetching: it only changes the speed."""

import threading
from dataclasses import replace

import pytest

from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
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
