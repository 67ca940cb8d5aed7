"""Searching a tenant's invoices, as people do: by what they have at hand, and by what narrows it down."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from stripe_bridge.domain.ids import read_id
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.paging import MAX_PER_PAGE, Page, PageRequest
from stripe_bridge.domain.payment_status import PaymentStatus
from stripe_bridge.ports.storage.invoicing import InvoiceSearch
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork

# Of those whose email begins in some way, and of orders with the same number.
MOST_CUSTOMERS, _MOST_ORDERS = 50, 50
_STRIPE_ID = re.compile(r"(?:in|pi|ch|py)_\S+")


class SearchBy(StrEnum):
    """`NUMBER` and `EMAIL` are searched by how they begin, the others as they are. `ORDER` is the ERP's id, or its number."""

    NUMBER = "number"
    EMAIL = "email"
    STRIPE_ID = "stripe_id"
    ORDER = "order"


def recognize(text: str) -> SearchBy:
    """What somebody seems to have typed in."""
    if _STRIPE_ID.fullmatch(text):
        return SearchBy.STRIPE_ID
    if "@" in text:
        return SearchBy.EMAIL
    return SearchBy.ORDER if text.isascii() and text.isdigit() else SearchBy.NUMBER


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceQuery:
    """`text` is searched as `by` says, or else as what it seems to be; empty means any."""

    text: str = ""
    by: SearchBy | None = None
    status: InvoiceStatus | None = None
    payment_status: PaymentStatus | None = None
    integration_id: int | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None

    @property
    def searched_by(self) -> SearchBy | None:
        return (self.by or recognize(self.text)) if self.text else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundInvoices:
    """`integrations` are the tenant's newest ones, to choose from. `has_more_customers`: of those whose email begins as was
    asked for, only the first were searched."""

    page: Page[Invoice]
    integration_names: Mapping[int, str]
    integrations: Sequence[Integration]
    has_more_customers: bool


class SearchInvoices:
    """As the store's search has them. Raises InvalidCursor."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str, query: InvoiceQuery, request: PageRequest) -> FoundInvoices:
        with self._store.reading() as work:
            wanted = _wanted(work, tenant_id, query)
            page = work.invoices.search(tenant_id, wanted, request)
            newest = PageRequest.below(None, MAX_PER_PAGE)
            integrations = work.integrations.page(tenant_id, newest).items
            return FoundInvoices(
                page=page,
                integration_names=_names(work, integrations, page.items),
                integrations=integrations,
                has_more_customers=len(wanted.customer_ids or ()) == MOST_CUSTOMERS,
            )


def _wanted(work: UnitOfWork, tenant_id: str, query: InvoiceQuery) -> InvoiceSearch:
    wanted = InvoiceSearch(
        status=query.status,
        payment_status=query.payment_status,
        integration_id=query.integration_id,
        created_from=query.created_from,
        created_before=query.created_before,
    )
    match query.searched_by:
        case SearchBy.NUMBER:
            # Stripe's have no small letters.
            return replace(wanted, number=query.text.upper())
        case SearchBy.STRIPE_ID:
            return replace(wanted, stripe_id=query.text)
        case SearchBy.EMAIL:
            # A customer's is kept in lower case.
            customers = work.customers.ids_by_email(tenant_id, query.text.lower(), MOST_CUSTOMERS)
            return replace(wanted, customer_ids=tuple(customers))
        case SearchBy.ORDER:
            return replace(wanted, sales_order_ids=_orders(work, tenant_id, query.text))
        case None:
            return wanted


def _orders(work: UnitOfWork, tenant_id: str, text: str) -> tuple[int, ...]:
    called = work.sales_orders.ids_of_number(tenant_id, text, _MOST_ORDERS)
    id_ = read_id(text)
    return tuple(called if id_ is None else {*called, id_})


def _names(
    work: UnitOfWork, integrations: Sequence[Integration], invoices: Sequence[Invoice]
) -> Mapping[int, str]:
    known = {each.id: each.name for each in integrations}
    missing = {each.integration_id for each in invoices} - known.keys()
    return {**known, **work.integrations.names_of(sorted(missing))} if missing else known
