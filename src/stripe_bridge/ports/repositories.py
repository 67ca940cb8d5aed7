"""What is stored, by aggregate. Everything here happens inside a unit of work.

`get` raises the NotFound of its aggregate, `find` may return None. `lock=True` keeps everybody else from changing the row
until the transaction ends. `add` returns the aggregate with its new id (the given one is ignored). `save` raises StaleWrite
if the row no longer has the version that was read, and returns the aggregate with its new version. After a Conflict raised
by `add`, or AccountInUse raised by `save`, the unit of work stays usable; after any other Conflict raised by `save` it can
only be left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from stripe_bridge.domain.access import ApiToken
from stripe_bridge.domain.billed_customer import BilledCustomer, CustomerKey
from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.integration import Integration, OAuthState
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.payment import Payment
from stripe_bridge.domain.receiver import Receiver, ReceiverKind
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.sales_order import SalesOrder


class Tokens(Protocol):
    def add(self, token: ApiToken) -> ApiToken: ...

    def find_by_hash(self, token_hash: str) -> ApiToken | None: ...

    def all(self) -> Sequence[ApiToken]:
        """Oldest first, including revoked ones."""
        ...

    def revoke(self, token_id: int, now: datetime) -> ApiToken:
        """Raises TokenNotFound. Revoking it again changes nothing."""
        ...


class OAuthStates(Protocol):
    def add(self, state: OAuthState) -> None: ...

    def find(self, state_hash: str, *, lock: bool = False) -> OAuthState | None: ...

    def consume(self, state_hash: str, now: datetime) -> None: ...

    def remove_expired_before(self, moment: datetime) -> int:
        """How many there were."""
        ...


class Integrations(Protocol):
    """At most one connected integration per account, over all tenants: breaking that raises AccountInUse."""

    def add(self, integration: Integration) -> Integration: ...

    def get(self, tenant_id: str, integration_id: int, *, lock: bool = False) -> Integration: ...

    def find(self, integration_id: int, *, lock: bool = False) -> Integration | None:
        """Of any tenant: for workers and callbacks, which have other credentials than a tenant's token."""
        ...

    def find_by_account(self, account_id: str, *, lock: bool = False) -> Integration | None:
        """The one connected to the account, else the last one that was."""
        ...

    def names_of(self, integration_ids: Sequence[int]) -> Mapping[int, str]: ...

    def page(self, tenant_id: str, request: PageRequest) -> Page[Integration]: ...

    def with_tokens(self) -> Sequence[int]:
        """The ids of those that hold an access token, of any tenant."""
        ...

    def save(self, integration: Integration) -> Integration: ...


class SalesOrders(Protocol):
    def get(self, tenant_id: str, sales_order_id: int, *, lock: bool = False) -> SalesOrder: ...

    def find(self, tenant_id: str, sales_order_id: int, *, lock: bool = False) -> SalesOrder | None: ...

    def add(self, order: SalesOrder) -> bool:
        """Returns False and changes nothing if there is a copy already. A row that does not exist yet cannot be locked; that
        copy then can."""
        ...

    def save(self, order: SalesOrder) -> None:
        """Replace the earlier copy. Raises StaleWrite if there is none."""
        ...


class BilledCustomers(Protocol):
    def get_or_add(self, key: CustomerKey) -> BilledCustomer:
        """Returns it locked; two simultaneous callers get the same one."""
        ...

    def get(self, customer_id: int, *, lock: bool = False) -> BilledCustomer: ...

    def is_known(self, account_id: str, stripe_customer_id: str) -> bool: ...

    def save(self, customer: BilledCustomer) -> None: ...


class Invoices(Protocol):
    """At most one payable invoice per sales order: adding a second raises PayableInvoiceExists.

    Abandoned invoices are in no list and in no `get`.
    """

    def add(self, invoice: Invoice) -> Invoice: ...

    def get(self, tenant_id: str, invoice_id: int, *, lock: bool = False) -> Invoice: ...

    def find(self, invoice_id: int, *, lock: bool = False) -> Invoice | None:
        """Of any tenant and status, including abandoned ones: for workers."""
        ...

    def find_settled(self, invoice_id: int) -> Invoice | None:
        """Like `find`, but None while a call on it is not settled."""
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

    def save(self, invoice: Invoice) -> Invoice: ...


class Links(Protocol):
    """Which Stripe ids belong to which of our invoices: its own, its payment intents' and (also failed) charges'."""

    def add(self, account_id: str, invoice_id: int, stripe_ids: Sequence[str]) -> None:
        """Existing links stay as they are."""
        ...

    def find_invoice_id(self, account_id: str, stripe_id: str) -> int | None: ...

    def of_invoice(self, invoice_id: int) -> Sequence[str]: ...


class Payments(Protocol):
    """An invoice's payments; one per Stripe invoice payment."""

    def find(self, account_id: str, payment_intent_id: str) -> Payment | None: ...

    def of_invoice(self, invoice_id: int) -> Sequence[Payment]:
        """In the order of their Stripe ids."""
        ...

    def put(self, payment: Payment) -> None:
        """Insert, or replace the one with the same account and Stripe id."""
        ...


class Refunds(Protocol):
    def add(self, refund: Refund) -> Refund: ...

    def find(self, refund_id: int) -> Refund | None: ...

    def find_by_stripe_id(self, account_id: str, stripe_refund_id: str) -> Refund | None: ...

    def find_by_reference(self, reference: str) -> Refund | None: ...

    def of_invoice(self, invoice_id: int) -> Sequence[Refund]:
        """Newest first, including refused ones."""
        ...

    def save(self, refund: Refund) -> Refund: ...


class Disputes(Protocol):
    def find(self, account_id: str, stripe_dispute_id: str) -> Dispute | None: ...

    def of_invoice(self, invoice_id: int) -> Sequence[Dispute]:
        """Newest first."""
        ...

    def put(self, dispute: Dispute) -> None:
        """Insert, or replace the one with the same account and Stripe id."""
        ...


class Receivers(Protocol):
    """At most one of each of the platform's kinds: adding a second one raises StaleWrite."""

    def add(self, receiver: Receiver) -> Receiver: ...

    def find(self, receiver_id: int, *, lock: bool = False) -> Receiver | None: ...

    def of_kinds(self, kinds: Sequence[ReceiverKind]) -> Sequence[Receiver]: ...

    def of_integration(self, integration_id: int) -> Sequence[Receiver]: ...

    def save(self, receiver: Receiver) -> None: ...

    def remove(self, receiver_id: int) -> None: ...
