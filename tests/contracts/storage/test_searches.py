"""What every store promises about searching invoices, sales orders and customers."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from stripe_bridge.domain.errors.values import InvalidCursor
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.payment_status import PaymentStatus
from stripe_bridge.domain.stripe_objects import PaymentProgress
from stripe_bridge.ports.storage.invoicing import InvoiceSearch
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.builders import ACCOUNT, NOW, TENANT, a_customer_key
from tests.contracts.stored import ready_invoice, stored_intent, stored_invoice, stored_order

NUMBERS = ("ACME-0001", "ACME-0002", "ACME-0010", "ACMÉ-1", "acme-0001", "ZOO-0001", None)
EMAILS = ("jane@customer.example", "jane@customer.example.au", "jo@customer.example")
TIMES = [NOW + timedelta(days=days) for days in (3, 1, 2, 1)]


@pytest.fixture
def invoices(store: Store) -> list[Invoice]:
    """Of every status, in every state of being paid, in two accounts."""
    states = product(InvoiceStatus, (None, *PaymentProgress), (0, 500))
    stored = [
        _add(
            store,
            email=EMAILS[number % len(EMAILS)],
            sales_order_id=number,
            status=status,
            payment_progress=progress,
            amount_paid=paid,
            number=NUMBERS[number % len(NUMBERS)],
            created_at=TIMES[number % len(TIMES)],
            stripe_account_id=f"acct_{number % 2}",
        )
        for number, (status, progress, paid) in enumerate(states, start=1)
    ]
    _add(store, tenant_id="other", sales_order_id=999, number="ACME-0001", stripe_account_id="acct_9")
    return stored


def _add(store: Store, *, email: str = EMAILS[0], **changes: Any) -> Invoice:
    invoice = ready_invoice(store, **changes)
    key = a_customer_key(tenant_id=invoice.tenant_id, account_id=invoice.stripe_account_id, email=email)
    with store.writing() as work:
        customer = work.customers.get_or_add(key)
        added = work.invoices.add(replace(invoice, customer_id=customer.id, customer_email=email))
        work.commit()
    return added


def walk(store: Store, wanted: InvoiceSearch, *, per_page: int, examine: int) -> list[int]:
    """The ids on all pages, by cursor; a page may be short, or empty."""
    seen: list[int] = []
    cursor = None
    while True:
        request = PageRequest.of(page=None, per_page=per_page, cursor=cursor)
        with store.reading() as work:
            page = work.invoices.search(TENANT, wanted, request, examine=examine)
        assert page.total is None
        assert len(page.items) <= per_page
        seen += [invoice.id for invoice in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return seen


def by_id(invoice: Invoice) -> Any:
    return -invoice.id


def by_date(invoice: Invoice) -> Any:
    return NOW - invoice.created_at, -invoice.id


def by_number(invoice: Invoice) -> Any:
    return invoice.number, invoice.id


Search = tuple[InvoiceSearch, Callable[[Invoice], bool], Callable[[Invoice], Any]]
SEARCHES: dict[str, Search] = {
    "everything": (InvoiceSearch(), lambda each: True, by_id),
    "of an integration": (InvoiceSearch(integration_id=1), lambda each: each.integration_id == 1, by_id),
    "of an integration, by status": (
        InvoiceSearch(integration_id=2, status=InvoiceStatus.OPEN),
        lambda each: each.integration_id == 2 and each.status is InvoiceStatus.OPEN,
        by_id,
    ),
    "since": (
        InvoiceSearch(created_from=NOW + timedelta(days=2)),
        lambda each: each.created_at >= NOW + timedelta(days=2),
        by_date,
    ),
    "of a day": (
        InvoiceSearch(created_from=NOW + timedelta(days=1), created_before=NOW + timedelta(days=2)),
        lambda each: each.created_at == NOW + timedelta(days=1),
        by_date,
    ),
    "of a day, paid, of an integration": (
        InvoiceSearch(created_before=NOW + timedelta(days=2), status=InvoiceStatus.PAID, integration_id=1),
        lambda each: (
            each.created_at < NOW + timedelta(days=2)
            and each.status is InvoiceStatus.PAID
            and each.integration_id == 1
        ),
        by_date,
    ),
    "pending since": (
        InvoiceSearch(created_from=NOW + timedelta(days=2), payment_status=PaymentStatus.PENDING),
        lambda each: (
            each.created_at >= NOW + timedelta(days=2) and each.payment_status is PaymentStatus.PENDING
        ),
        by_id,
    ),
    "number begins": (
        InvoiceSearch(number="ACME-00"),
        lambda each: (each.number or "").startswith("ACME-00"),
        by_number,
    ),
    "number begins, open": (
        InvoiceSearch(number="A", status=InvoiceStatus.OPEN),
        lambda each: (each.number or "").startswith("A") and each.status is InvoiceStatus.OPEN,
        by_number,
    ),
    "number as it is": (
        InvoiceSearch(number="ACME-0010"),
        lambda each: each.number == "ACME-0010",
        by_number,
    ),
    "of orders": (
        InvoiceSearch(sales_order_ids=(3, 1, 27)),
        lambda each: each.sales_order_id in (1, 3, 27),
        by_id,
    ),
    "of no order": (InvoiceSearch(sales_order_ids=()), lambda each: False, by_id),
    "of customers": (
        InvoiceSearch(customer_ids=(1, 2), status=InvoiceStatus.VOID),
        lambda each: each.customer_id in (1, 2) and each.status is InvoiceStatus.VOID,
        by_id,
    ),
}


def test_a_search_finds_what_it_is_for_in_its_order(store: Store, invoices: list[Invoice]):
    listed = [each for each in invoices if each.status is not InvoiceStatus.ABANDONED]
    for name, (wanted, matches, place) in SEARCHES.items():
        expected = [each.id for each in sorted(filter(matches, listed), key=place)]
        for per_page, examine in ((100, 5000), (3, 5000), (2, 5), (4, 1)):
            assert walk(store, wanted, per_page=per_page, examine=examine) == expected, name


def test_both_statuses_are_what_callers_see(store: Store, invoices: list[Invoice]):
    drafts, hidden = {InvoiceStatus.RESERVED, InvoiceStatus.DRAFT}, {InvoiceStatus.ABANDONED}
    for status, payment_status in product((None, *InvoiceStatus), PaymentStatus):
        shown = {None: set(InvoiceStatus), InvoiceStatus.DRAFT: drafts}.get(status, {status}) - hidden
        expected = {
            each.id for each in invoices if each.status in shown and each.payment_status is payment_status
        }
        wanted = InvoiceSearch(status=status, payment_status=payment_status)
        for each in (wanted, replace(wanted, created_from=NOW), replace(wanted, number="A")):
            found = walk(store, each, per_page=30, examine=5000)
            assert len(found) == len(set(found))
            assert set(found) <= expected if each.number else set(found) == expected


def test_an_invoice_is_found_by_whatever_id_stripe_has_for_it(store: Store, invoices: list[Invoice]):
    mine = next(each for each in invoices if each.status is InvoiceStatus.PAID)
    with store.writing() as work:
        work.links.add(ACCOUNT, mine.id, ["in_1", "pi_1", "ch_1"])
        work.commit()
    for stripe_id in ("in_1", "pi_1", "ch_1"):
        assert walk(store, InvoiceSearch(stripe_id=stripe_id), per_page=2, examine=5) == [mine.id]
        paid = InvoiceSearch(stripe_id=stripe_id, status=InvoiceStatus.OPEN)
        assert walk(store, paid, per_page=2, examine=5) == []
    for nothing in ("in_2", "in_", ""):
        assert walk(store, InvoiceSearch(stripe_id=nothing), per_page=2, examine=5) == []
    with store.reading() as work:
        assert work.invoices.search("other", InvoiceSearch(stripe_id="in_1"), PageRequest()).items == []


def test_a_place_in_the_order_of_numbers_that_is_not_the_tenants_is_refused(
    store: Store, invoices: list[Invoice]
):
    foreign = max(each.id for each in invoices) + 1
    with store.reading() as work, pytest.raises(InvalidCursor):
        work.invoices.search(TENANT, InvoiceSearch(number="A"), PageRequest(before_id=foreign))


def test_orders_are_found_by_the_beginning_of_their_number(store: Store):
    numbers = {7: "SO-2", 1: "SO-10", 2: "SO-1", 3: "so-1", 5: "SO-1", 9: "SO", 2**62: "É"}
    for id_, number in numbers.items():
        stored_order(store, id=id_, number=number)
    stored_order(store, tenant_id="other", id=4, number="SO-1")

    def orders(prefix: str | None, per_page: int) -> list[int]:
        seen: list[int] = []
        cursor = None
        while True:
            request = PageRequest.of(page=None, per_page=per_page, cursor=cursor)
            with store.reading() as work:
                page = work.sales_orders.search(TENANT, prefix, request)
            seen += [order.id for order in page.items]
            cursor = page.next_cursor
            if cursor is None:
                return seen

    for per_page in (1, 2, 100):
        assert orders(None, per_page) == [2**62, 9, 7, 5, 3, 2, 1]
        assert orders("SO-1", per_page) == [2, 5, 1]
        assert orders("SO", per_page) == [9, 2, 5, 1, 7]
        assert orders("É", per_page) == [2**62]
        assert orders("SO-3", per_page) == []
    with store.reading() as work:
        assert work.sales_orders.ids_of_number(TENANT, "SO-1", 10) == [2, 5]
        assert work.sales_orders.ids_of_number(TENANT, "SO-1", 1) == [2]
        with pytest.raises(InvalidCursor):
            work.sales_orders.search(TENANT, "SO", PageRequest(before_id=4))


def test_customers_are_found_by_the_beginning_of_their_email(store: Store):
    emails = ("jo@b.example", "jane@b.example", "jane@b.example.au", "zoe@b.example")
    with store.writing() as work:
        ids = {each: work.customers.get_or_add(a_customer_key(email=each)).id for each in emails}
        other = work.customers.get_or_add(a_customer_key(email="jane@b.example", account_id="acct_2"))
        work.customers.get_or_add(a_customer_key(email="jane@b.example", tenant_id="other"))
        work.commit()
    with store.reading() as work:
        called_jane = [ids["jane@b.example"], other.id, ids["jane@b.example.au"]]
        assert work.customers.ids_by_email(TENANT, "jane@b.example", 10) == called_jane
        assert work.customers.ids_by_email(TENANT, "j", 10) == [*called_jane, ids["jo@b.example"]]
        assert work.customers.ids_by_email(TENANT, "j", 2) == called_jane[:2]
        assert work.customers.ids_by_email(TENANT, "x", 2) == []


def test_the_calls_on_an_invoice_are_found_the_newest_first(store: Store):
    invoice = stored_invoice(store)
    first, second = (
        stored_intent(store, subject=f"invoice:{each}", invoice_id=invoice.id, reference=f"r-{each}")
        for each in (1, 2)
    )
    refund = stored_intent(store, subject="refund:1", reference="r-3")
    with store.reading() as work:
        assert work.intents.of_invoice(invoice.id, 10) == [second, first]
        assert work.intents.of_invoice(invoice.id, 1) == [second]
        assert work.intents.with_references(["r-3", "r-1", "unknown"]) == [refund, first]
        assert work.intents.with_references([]) == []


def test_the_invoices_of_many_orders_are_those_of_each(store: Store, invoices: list[Invoice]):
    orders = [1, 2, 3, 56, 1000]
    with store.reading() as work:
        assert work.invoices.of_orders(TENANT, orders) == {
            each: list(work.invoices.of_order(TENANT, each)) for each in orders
        }
