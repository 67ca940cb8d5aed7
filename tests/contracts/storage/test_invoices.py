"""What every store promises about invoices and links."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.domain.errors.base import InvoiceNotFound
from stripe_bridge.domain.errors.conflicts import StaleWrite
from stripe_bridge.domain.invoice import PAYABLE, Invoice, InvoiceStatus
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.refusal import Refusal, SendFailure
from stripe_bridge.ports.storage.invoicing import SettledInvoice
from stripe_bridge.ports.storage.unit_of_work import PayableInvoiceExists, Store, UnitOfWork
from tests.builders import ACCOUNT, NOW, TENANT, a_payment, a_stripe_invoice
from tests.contracts.stored import at_once, ready_invoice, stored_intent, stored_invoice

ORDER = 501


def test_an_invoice_comes_back_as_it_was_stored(store: Store):
    invoice = stored_invoice(store)
    seen = invoice.observe(a_stripe_invoice(), NOW + timedelta(seconds=1))
    with store.writing() as work:
        assert work.invoices.get(TENANT, invoice.id, lock=True) == invoice
        saved = work.invoices.save(seen)
        work.commit()
    assert saved == replace(seen, version=1)
    with store.reading() as work:
        assert work.invoices.get(TENANT, invoice.id) == saved
        assert work.invoices.find(invoice.id) == saved
        assert work.invoices.find(invoice.id + 1) is None


def test_another_tenants_invoice_is_not_found(store: Store):
    invoice = stored_invoice(store)
    with store.reading() as work, pytest.raises(InvoiceNotFound):
        work.invoices.get("other", invoice.id)


def test_a_stale_invoice_is_not_saved(store: Store):
    read = stored_invoice(store)
    with store.writing() as work:
        work.invoices.find(read.id)
        work.invoices.save(replace(read, number="first"))
        with pytest.raises(StaleWrite):
            work.invoices.save(replace(read, number="second"))
        assert work.invoices.get(TENANT, read.id).number == "first"


def payable(work: UnitOfWork) -> list[Invoice]:
    return [each for each in work.invoices.of_order(TENANT, ORDER) if each.is_payable]


@pytest.mark.parametrize("status", sorted(PAYABLE))
def test_an_order_has_one_payable_invoice(store: Store, status):
    first = stored_invoice(store, status=status)
    again = ready_invoice(store)
    with store.writing() as work:
        with pytest.raises(PayableInvoiceExists):
            work.invoices.add(again)
        # The unit of work goes on.
        assert payable(work) == [first]


@pytest.mark.parametrize("status", sorted(set(InvoiceStatus) - PAYABLE))
def test_an_invoice_that_is_not_payable_leaves_the_order_free(store: Store, status):
    stored_invoice(store, status=status)
    with store.reading() as work:
        assert payable(work) == []
    second = stored_invoice(store)
    with store.reading() as work:
        assert payable(work) == [second]


def test_an_invoice_does_not_become_payable_beside_another(store: Store):
    first = stored_invoice(store, status=InvoiceStatus.VOID)
    stored_invoice(store)
    with store.writing() as work, pytest.raises(PayableInvoiceExists):
        work.invoices.save(replace(first, status=InvoiceStatus.OPEN))


def test_of_twenty_simultaneous_reservations_one_wins(store: Store):
    ready = ready_invoice(store)

    def reserve(number: int) -> int:
        with store.writing() as work:
            invoice = work.invoices.add(replace(ready, user_id=number))
            work.commit()
        return invoice.id

    outcomes = at_once(20, reserve)
    winners = [outcome for outcome in outcomes if isinstance(outcome, int)]
    losers = [outcome for outcome in outcomes if isinstance(outcome, PayableInvoiceExists)]
    assert (len(winners), len(losers)) == (1, 19)
    with store.reading() as work:
        assert [each.id for each in work.invoices.of_order(TENANT, ORDER)] == winners


def test_simultaneous_changes_of_one_invoice_are_all_kept_under_its_lock(store: Store):
    invoice = stored_invoice(store)

    def refund(_number: int) -> None:
        with store.writing() as work:
            read = work.invoices.get(TENANT, invoice.id, lock=True)
            work.invoices.save(replace(read, amount_refunded=read.amount_refunded + 10))
            work.commit()

    assert at_once(10, refund) == [None] * 10
    with store.reading() as work:
        assert work.invoices.get(TENANT, invoice.id).amount_refunded == 100


def test_an_abandoned_invoice_is_in_no_list(store: Store):
    gone = stored_invoice(store, status=InvoiceStatus.ABANDONED)
    with store.reading() as work:
        with pytest.raises(InvoiceNotFound):
            work.invoices.get(TENANT, gone.id)
        assert work.invoices.of_order(TENANT, ORDER) == []
        for status in (None, InvoiceStatus.ABANDONED):
            page = work.invoices.page(TENANT, gone.integration_id, status, PageRequest())
            assert (list(page.items), page.total) == ([], 0)
        assert not work.invoices.has_other_account(gone.integration_id, "acct_other")
        assert work.invoices.find(gone.id) == gone


def test_an_orders_invoices_come_newest_first(store: Store):
    ids = [stored_invoice(store, status=status).id for status in (InvoiceStatus.VOID, InvoiceStatus.PAID)]
    stored_invoice(store, sales_order_id=502)
    stored_invoice(store, tenant_id="other")
    with store.reading() as work:
        assert [each.id for each in work.invoices.of_order(TENANT, ORDER)] == ids[::-1]


def test_invoices_that_wait_for_a_customer_come_oldest_first(store: Store):
    waiting = [stored_invoice(store, sales_order_id=number) for number in (1, 2)]
    stored_invoice(store, sales_order_id=3, status=InvoiceStatus.DRAFT)
    stored_invoice(store, sales_order_id=4, stripe_account_id="acct_2")
    with store.reading() as work:
        assert work.invoices.reserved_for_customer(waiting[0].customer_id) == waiting


def test_invoices_of_another_account_are_noticed(store: Store):
    invoice = stored_invoice(store)
    with store.reading() as work:
        assert not work.invoices.has_other_account(invoice.integration_id, ACCOUNT)
        assert work.invoices.has_other_account(invoice.integration_id, "acct_0")
        assert work.invoices.has_other_account(invoice.integration_id, "acct_9")
        assert not work.invoices.has_other_account(invoice.integration_id + 1, "acct_9")


def test_invoices_are_paged_by_integration_and_status(store: Store):
    by_status = {
        status: stored_invoice(store, sales_order_id=number, status=status)
        for number, status in enumerate(InvoiceStatus, start=1)
    }
    integration_id = by_status[InvoiceStatus.OPEN].integration_id

    def ids(status: InvoiceStatus | None, tenant: str = TENANT) -> list[int]:
        with store.reading() as work:
            page = work.invoices.page(tenant, integration_id, status, PageRequest())
        assert page.total == len(page.items)
        return [each.id for each in page.items]

    listed = [each.id for each in by_status.values() if each.status is not InvoiceStatus.ABANDONED]
    assert ids(None) == sorted(listed, reverse=True)
    assert ids(InvoiceStatus.OPEN) == [by_status[InvoiceStatus.OPEN].id]
    # To callers, a reserved one is a draft.
    assert ids(InvoiceStatus.DRAFT) == [
        by_status[InvoiceStatus.DRAFT].id,
        by_status[InvoiceStatus.RESERVED].id,
    ]
    assert ids(None, tenant="other") == []


def test_a_linked_object_leads_to_its_invoice_and_stays_with_it(store: Store):
    first = stored_invoice(store, sales_order_id=1)
    second = stored_invoice(store, sales_order_id=2)
    with store.writing() as work:
        work.links.add(ACCOUNT, first.id, ["pi_1", "ch_1", "pi_1"])
        work.links.add(ACCOUNT, second.id, ["ch_1", "ch_2"])
        work.links.add("acct_2", second.id, ["pi_1"])
        work.links.add(ACCOUNT, second.id, [])
        assert work.links.find_invoice_id(ACCOUNT, "ch_1") == first.id
        assert work.links.find_invoice_id("acct_2", "pi_1") == second.id
        assert work.links.find_invoice_id(ACCOUNT, "in_1") is None
        assert sorted(work.links.of_invoice(first.id)) == ["ch_1", "pi_1"]
        assert sorted(work.links.of_invoice(second.id)) == ["ch_2", "pi_1"]


def test_payments_are_stored_by_their_stripe_id_and_replaced(store: Store):
    first, second = (stored_invoice(store, sales_order_id=number) for number in (1, 2))
    upper, lower, elsewhere = (
        a_payment(invoice_id=first.id, stripe_id="inpay_B", payment_intent_id="pi_B"),
        a_payment(invoice_id=first.id, stripe_id="inpay_a", payment_intent_id="pi_a", paid_at=None),
        a_payment(invoice_id=second.id, stripe_id="inpay_a", account_id="acct_2"),
    )
    with store.writing() as work:
        for payment in (lower, upper, elsewhere, replace(upper, status="open")):
            work.payments.put(payment)
        # In byte order, whatever the database's locale.
        assert work.payments.of_invoice(first.id) == [replace(upper, status="open"), lower]
        assert work.payments.of_invoice(second.id) == [elsewhere]
        assert work.payments.find(ACCOUNT, "pi_a") == lower
        assert work.payments.find("acct_2", "pi_a") is None


def test_locking_an_invoice_waits_for_its_order_and_reads_the_state_after_that(store: Store):
    invoice = stored_invoice(store)
    seen: list[Invoice | None] = []

    def another() -> None:
        with store.writing() as work:
            seen.append(work.invoices.lock(invoice.id))

    with store.writing() as work:
        work.sales_orders.get(TENANT, ORDER, lock=True)
        thread = threading.Thread(target=another)
        thread.start()
        thread.join(timeout=0.2)
        assert thread.is_alive()
        work.invoices.find(invoice.id)
        saved = work.invoices.save(replace(invoice, failure_reason="changed meanwhile"))
        assert not seen
        work.commit()
    thread.join(timeout=60)
    assert seen == [saved]
    with store.writing() as work:
        assert work.invoices.lock(invoice.id + 1) is None


@pytest.mark.parametrize(
    "failure",
    [
        SendFailure(refusal=Refusal(message="No.", code="blocked", request_id="req_1")),
        SendFailure(amount_due=11_500, customer_balance=-500),
    ],
)
def test_why_a_send_was_undone_comes_back(store: Store, failure: SendFailure):
    invoice = stored_invoice(store)
    with store.writing() as work:
        work.invoices.find(invoice.id)
        abandoned = work.invoices.save(invoice.abandon("no", NOW, failure))
        work.commit()
    with store.reading() as work:
        assert work.invoices.find(invoice.id) == abandoned
        assert abandoned.failure == failure


def test_an_invoice_is_settled_once_no_call_on_it_is_open(store: Store):
    invoice = stored_invoice(store)
    intent = stored_intent(store, subject=f"invoice:{invoice.id}")
    with store.autocommit() as work:
        assert work.invoices.find_settled(invoice.id) is None
    with store.writing() as work:
        work.intents.save(intent.confirm(NOW))
        work.commit()
    with store.autocommit() as work:
        last_change = work.changes.last_of_order(invoice.tenant_id, invoice.sales_order_id)
        assert last_change is not None
        assert work.invoices.find_settled(invoice.id) == SettledInvoice(invoice, last_change)
    with store.autocommit() as work:
        assert work.invoices.find_settled(invoice.id + 1) is None
