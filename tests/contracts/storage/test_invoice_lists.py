"""What every store promises about the list of a tenant's invoices, and about what is read for many invoices at once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.origin import Actor, ActorType
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.refund import RefundSource
from stripe_bridge.ports.storage.invoicing import InvoiceFilter
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.builders import ACCOUNT, NOW, TENANT, a_dispute, a_payment, a_refund
from tests.contracts.stored import stored_invoice

ANY = InvoiceFilter()
SINCE_EVER = InvoiceFilter(updated_since=NOW - timedelta(days=1))


def page(
    store: Store,
    matching: InvoiceFilter = ANY,
    *,
    page: int | None = None,
    per_page: int = 25,
    cursor: str | None = None,
) -> Page[Invoice]:
    by_update = matching.updated_since is not None
    request = PageRequest.of(page=page, per_page=per_page, cursor=cursor, by_update=by_update)
    with store.reading() as work:
        return work.invoices.page_of_tenant(TENANT, matching, request)


def ids(invoices: Sequence[Invoice]) -> list[int]:
    return [invoice.id for invoice in invoices]


def walk(store: Store, matching: InvoiceFilter, *, per_page: int) -> list[int]:
    """The ids on all pages, by cursor."""
    found = page(store, matching, per_page=per_page)
    seen = ids(found.items)
    while found.next_cursor is not None:
        found = page(store, matching, per_page=per_page, cursor=found.next_cursor)
        assert found.total is None
        seen += ids(found.items)
    return seen


def save(store: Store, invoice: Invoice) -> Invoice:
    with store.writing() as work:
        # What is saved has been read before.
        work.invoices.get(TENANT, invoice.id, lock=True)
        saved = work.invoices.save(invoice)
        work.commit()
    return saved


def test_a_tenants_invoices_come_newest_first_through_whatever_integration(store: Store):
    first, other = stored_invoice(store), stored_invoice(store, sales_order_id=2, stripe_account_id="acct_2")
    stored_invoice(store, tenant_id="other", sales_order_id=3)
    third = stored_invoice(store, sales_order_id=4)

    assert first.integration_id != other.integration_id
    listed = page(store)
    assert list(listed.items) == [third, other, first]
    assert walk(store, ANY, per_page=1) == ids(listed.items)


@pytest.mark.parametrize("status", [None, *InvoiceStatus])
def test_the_list_is_by_status_as_callers_know_it(store: Store, status: InvoiceStatus | None):
    for number, each in enumerate(InvoiceStatus, start=1):
        stored_invoice(store, sales_order_id=number, status=each)

    found = page(store, InvoiceFilter(status=status))

    hidden, drafts = {InvoiceStatus.ABANDONED}, {InvoiceStatus.RESERVED, InvoiceStatus.DRAFT}
    wanted = {None: set(InvoiceStatus), InvoiceStatus.DRAFT: drafts}.get(status, {status}) - hidden
    assert {invoice.status for invoice in found.items} == wanted
    since = replace(SINCE_EVER, status=status)
    assert sorted(walk(store, since, per_page=2)) == sorted(ids(found.items))


def test_the_total_counts_all_integrations(store: Store):
    for number, account in enumerate(["acct_1", "acct_2", "acct_2"], start=1):
        stored_invoice(store, sales_order_id=number, stripe_account_id=account, status=InvoiceStatus.PAID)

    for matching, total in ((ANY, 3), (InvoiceFilter(status=InvoiceStatus.PAID), 3), (SINCE_EVER, 3)):
        assert page(store, matching, per_page=1).total == total
    assert page(store, InvoiceFilter(status=InvoiceStatus.OPEN)).total == 0


def test_what_was_updated_since_comes_in_the_order_of_its_updates(store: Store):
    times = [NOW + timedelta(microseconds=each) for each in (5, 1, 9, 1, 1, 3)]
    stored = [
        stored_invoice(store, sales_order_id=number, updated_at=at) for number, at in enumerate(times, 1)
    ]
    in_order = [each.id for each in sorted(stored, key=lambda each: (each.updated_at, each.id))]

    for per_page in (1, 2, 100):
        assert walk(store, SINCE_EVER, per_page=per_page) == in_order
    since_third = InvoiceFilter(updated_since=NOW + timedelta(microseconds=3))
    assert walk(store, since_third, per_page=2) == in_order[3:]
    assert page(store, since_third, per_page=2).total == 3
    assert ids(page(store, SINCE_EVER, per_page=2, page=2).items) == in_order[2:4]
    assert walk(store, InvoiceFilter(updated_since=NOW + timedelta(seconds=1)), per_page=2) == []


def test_what_is_updated_while_the_list_is_read_comes_again_and_nothing_is_missed(store: Store):
    first, second, third = (
        stored_invoice(store, sales_order_id=number, updated_at=NOW + timedelta(seconds=number))
        for number in (1, 2, 3)
    )
    begun = page(store, SINCE_EVER, per_page=2)
    save(store, replace(first, updated_at=NOW + timedelta(seconds=9)))

    rest = page(store, SINCE_EVER, per_page=9, cursor=begun.next_cursor)

    assert ids(begun.items) == [first.id, second.id]
    assert ids(rest.items) == [third.id, first.id]


def test_an_invoice_is_found_by_what_stripe_calls_it(store: Store):
    mine, other = (
        stored_invoice(
            store,
            sales_order_id=number,
            status=InvoiceStatus.PAID,
            stripe_invoice_id=f"in_{number}",
            number=f"ACME-000{number}",
        )
        for number in (1, 2)
    )
    with store.writing() as work:
        for invoice in (mine, other):
            charge_id, intent_id = f"ch_{invoice.id}", f"pi_{invoice.id}"
            payment = a_payment(
                invoice_id=invoice.id,
                stripe_id=f"inpay_{invoice.id}",
                payment_intent_id=intent_id,
                charge_id=charge_id,
            )
            work.payments.put(payment)
            found = [str(invoice.stripe_invoice_id), charge_id, intent_id, f"ch_failed_{invoice.id}"]
            work.links.add(ACCOUNT, invoice.id, found)
        work.commit()

    for matching in (
        InvoiceFilter(stripe_invoice_id="in_1"),
        InvoiceFilter(stripe_charge_id=f"ch_{mine.id}"),
        InvoiceFilter(number="ACME-0001"),
        replace(SINCE_EVER, number="ACME-0001", stripe_invoice_id="in_1"),
    ):
        found_page = page(store, matching)
        assert (ids(found_page.items), found_page.total) == ([mine.id], 1)
        with store.reading() as work:
            assert work.invoices.page_of_tenant("other", matching, PageRequest()).total == 0
    for nothing in (
        InvoiceFilter(stripe_invoice_id=f"ch_{mine.id}"),
        InvoiceFilter(stripe_charge_id="in_1"),
        InvoiceFilter(stripe_charge_id=f"pi_{mine.id}"),
        InvoiceFilter(stripe_charge_id=f"ch_failed_{mine.id}"),
        InvoiceFilter(number="acme-0001"),
        InvoiceFilter(stripe_invoice_id="in_1", number="ACME-0002"),
    ):
        assert page(store, nothing).total == 0


@pytest.mark.parametrize("prefetched", [False, True])
def test_what_is_read_for_many_invoices_is_what_is_read_for_each(store: Store, prefetched: bool):
    invoices = [
        stored_invoice(store, sales_order_id=number, status=InvoiceStatus.PAID) for number in (1, 2, 3)
    ]
    with store.writing() as work:
        for invoice in invoices[:2]:
            work.links.add(ACCOUNT, invoice.id, [f"in_{invoice.id}"])
            for name in ("B", "a"):
                stripe_id = f"{name}_{invoice.id}"
                work.payments.put(
                    a_payment(invoice_id=invoice.id, stripe_id=stripe_id, payment_intent_id=stripe_id)
                )
                work.disputes.put(a_dispute(invoice_id=invoice.id, stripe_id=stripe_id))
                work.refunds.add(a_refund(invoice_id=invoice.id))
        work.commit()
    all_ids = ids(invoices)
    with store.writing() as work:
        if prefetched:
            work.prefetch([(ACCOUNT, f"in_{invoices[0].id}")])
            work.payments.put(
                a_payment(invoice_id=all_ids[0], stripe_id="new", payment_intent_id="pi_new", method="card")
            )
        for of_kind in (work.payments, work.refunds, work.disputes):
            found = of_kind.of_invoices(all_ids)
            assert found == {each: list(of_kind.of_invoice(each)) for each in all_ids}
            assert [bool(found[each]) for each in all_ids] == [True, True, False]
        assert (len(work.payments.of_invoices(all_ids)[all_ids[0]]) == 3) is prefetched


def test_who_voided_where_a_refund_was_asked_for_and_what_was_paid_with_come_back(store: Store):
    invoice = stored_invoice(store)
    by = Actor(type=ActorType.TOKEN, id="5", user_id=7)
    void = save(store, replace(invoice, status=InvoiceStatus.VOID, voided_by=by))
    payment = a_payment(invoice_id=invoice.id, method="us_bank_account")
    with store.writing() as work:
        work.payments.put(payment)
        refund = work.refunds.add(a_refund(invoice_id=invoice.id, source=RefundSource.CLI))
        work.commit()
    with store.reading() as work:
        assert work.invoices.get(TENANT, invoice.id) == void
        assert void.voided_by == by
        assert work.payments.of_invoice(invoice.id) == [payment]
        assert work.refunds.find(refund.id) == refund
