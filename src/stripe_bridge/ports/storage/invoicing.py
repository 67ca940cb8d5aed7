"""Sales orders, the customers billed for them, invoices, and which Stripe ids belong to which invoice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from stripe_bridge.domain.billed_customer import BilledCustomer, CustomerKey
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.payment_status import PaymentStatus
from stripe_bridge.domain.sales_order import SalesOrder


class SalesOrders(Protocol):
    """To `get`, an order that the ERP has not submitted does not exist."""

    def get(self, tenant_id: str, sales_order_id: int, *, lock: bool = False) -> SalesOrder: ...

    def find(self, tenant_id: str, sales_order_id: int, *, lock: bool = False) -> SalesOrder | None: ...

    def add(self, order: SalesOrder) -> bool:
        """Returns False and changes nothing if there is a copy already. A row that does not exist yet cannot be locked; that
        copy then can."""
        ...

    def save(self, order: SalesOrder) -> None:
        """Replace the earlier copy. Raises StaleWrite if there is none."""
        ...

    def search(self, tenant_id: str, prefix: str | None, request: PageRequest) -> Page[SalesOrder]:
        """By number those whose number begins with the prefix; without one all, the highest id first. Uncounted, also those
        that the ERP has not submitted. `before_id` is the id of the order that the page before ended with.
        """
        ...

    def ids_of_number(self, tenant_id: str, number: str, limit: int) -> Sequence[int]:
        """Of the orders with exactly this number, in ascending order."""
        ...

    def reset_updated_at(self, order: SalesOrder) -> None:
        """Store the order's two times, even if the copy is not a newer one. The caller holds its lock."""
        ...


class BilledCustomers(Protocol):
    def get_or_add(self, key: CustomerKey) -> BilledCustomer:
        """Returns it locked; two simultaneous callers get the same one."""
        ...

    def get(self, customer_id: int, *, lock: bool = False) -> BilledCustomer: ...

    def is_known(self, account_id: str, stripe_customer_id: str) -> bool: ...

    def ids_by_email(self, tenant_id: str, prefix: str, limit: int) -> Sequence[int]:
        """Of those whose email, which is in lower case, begins with the prefix; by email."""
        ...

    def save(self, customer: BilledCustomer) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceFilter:
    """Invoices with all of these; None means any. `draft` includes the reserved ones. `stripe_charge_id` is the charge of one
    of its payments.
    """

    status: InvoiceStatus | None = None
    updated_since: datetime | None = None
    stripe_invoice_id: str | None = None
    stripe_charge_id: str | None = None
    number: str | None = None


@dataclass(frozen=True, slots=True)
class SettledInvoice:
    """An invoice on which no call is open. `last_change` is the number of its order's last change, None if there is none."""

    invoice: Invoice
    last_change: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceSearch:
    """Invoices with all of these; None means any. `draft` includes the reserved ones.

    `number` is the beginning of Stripe's invoice number, `stripe_id` the whole id of the invoice or of a payment intent or
    charge of it. They were created at `created_from` or later, and before `created_before`.
    """

    status: InvoiceStatus | None = None
    payment_status: PaymentStatus | None = None
    integration_id: int | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    number: str | None = None
    stripe_id: str | None = None
    customer_ids: tuple[int, ...] | None = None
    sales_order_ids: tuple[int, ...] | None = None


# A page of a search looks through at most so many invoices, so that it takes no longer the fewer there are to be found.
MOST_EXAMINED = 5_000


class Invoices(Protocol):
    """At most one payable invoice per sales order: adding a second raises PayableInvoiceExists.

    Abandoned invoices are in no list and in no `get`.
    """

    def add(self, invoice: Invoice) -> Invoice: ...

    def restore(self, invoice: Invoice) -> bool:
        """Add it under the id that it has. Returns False and changes nothing if that id is taken."""
        ...

    def get(self, tenant_id: str, invoice_id: int, *, lock: bool = False) -> Invoice: ...

    def find(self, invoice_id: int, *, lock: bool = False) -> Invoice | None:
        """Of any tenant and status, including abandoned ones: for workers."""
        ...

    def find_all(self, invoice_ids: Sequence[int]) -> Sequence[Invoice]:
        """Like `find`, for many at once; those that do not exist are missing."""
        ...

    def find_settled(self, invoice_id: int) -> SettledInvoice | None:
        """Like `find`, but None while a call on it is not settled. In one statement."""
        ...

    def lock(self, invoice_id: int) -> Invoice | None:
        """Like `find`, with its order and then the invoice locked."""
        ...

    def of_order(self, tenant_id: str, sales_order_id: int) -> Sequence[Invoice]:
        """Newest first."""
        ...

    def reserved_for_customer(self, customer_id: int) -> Sequence[Invoice]:
        """Those that are waiting for their customer to be created at Stripe; oldest first."""
        ...

    def overdue(self, now: datetime, limit: int) -> Sequence[int]:
        """The ids of open ones whose due date has passed without a note of it, longest overdue first."""
        ...

    def has_other_account(self, integration_id: int, account_id: str) -> bool:
        """Whether the integration has an invoice in an account other than this."""
        ...

    def page(
        self,
        tenant_id: str,
        integration_id: int,
        status: InvoiceStatus | None,
        request: PageRequest,
    ) -> Page[Invoice]:
        """`draft` includes the reserved ones."""
        ...

    def page_of_tenant(self, tenant_id: str, matching: InvoiceFilter, request: PageRequest) -> Page[Invoice]:
        """Through whatever integration. With `updated_since` sorted by updates, the oldest first: what is updated meanwhile
        then comes later, and is not missed.
        """
        ...

    def search(
        self,
        tenant_id: str,
        wanted: InvoiceSearch,
        request: PageRequest,
        *,
        examine: int = MOST_EXAMINED,
    ) -> Page[Invoice]:
        """Newest first: by time of creation if that is asked for, else by id. Those with a number that begins in some way come
        in the order of their numbers. Uncounted.

        At most `examine` invoices are looked through for a page, so it may have few or none although there are more, behind
        its cursor. `before_id` is the id of the invoice that the page before ended with.
        """
        ...

    def of_orders(self, tenant_id: str, sales_order_ids: Sequence[int]) -> Mapping[int, Sequence[Invoice]]:
        """Like `of_order`, by order; those without invoices have an empty list."""
        ...

    def save(self, invoice: Invoice) -> Invoice: ...


class Links(Protocol):
    """Which Stripe ids belong to which of our invoices: its own, its payment intents' and (also failed) charges'."""

    def add(self, account_id: str, invoice_id: int, stripe_ids: Sequence[str]) -> None:
        """Existing links stay as they are."""
        ...

    def find_invoice_id(self, account_id: str, stripe_id: str) -> int | None: ...

    def find_invoice_ids(self, linked: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
        """For many objects (account and Stripe id) at once; those that are not linked are missing."""
        ...

    def of_invoice(self, invoice_id: int) -> Sequence[str]: ...
