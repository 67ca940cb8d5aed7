"""Stripe Invoicing inside one connected account: customers, invoices and their payments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from stripe_bridge.domain.sales_order import Address, InvoiceLine
from stripe_bridge.domain.stripe_objects import ListedInvoice, StripeInvoice, StripePayment


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDraft:
    email: str
    name: str
    address: Address | None
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDraft:
    """`order_number` is printed on the invoice; it has at most 140 characters, like Stripe's custom fields."""

    customer_id: str
    currency: str
    days_until_due: int
    order_number: str
    metadata: Mapping[str, str] = field(default_factory=dict)


class InvoiceGateway(Protocol):
    """Every call may raise GatewayError, and ObjectMissing for an id that the account does not have.

    Calls that change something take the idempotency key of their intent. Lookups read Stripe's current state.
    """

    def create_customer(self, account_id: str, draft: CustomerDraft, key: str) -> str:
        """The new customer's id."""
        ...

    def find_customer(self, account_id: str, email: str, reference: str) -> str | None:
        """The customer whose metadata carries this intent's reference."""
        ...

    def create_draft(self, account_id: str, draft: InvoiceDraft, key: str) -> StripeInvoice:
        """An empty draft that stays a draft until finalized, and takes none of the customer's pending items.

        Raises ObjectMissing when the customer is gone.
        """
        ...

    def find_invoice(
        self, account_id: str, customer_id: str, reference: str, since: datetime
    ) -> StripeInvoice | None:
        """The customer's invoice, created at `since` or later, whose metadata carries this intent's reference."""
        ...

    def invoices_since(self, account_id: str, since: datetime) -> Iterator[Sequence[ListedInvoice]]:
        """All of the account's invoices that were created at `since` or later, in pages, newest first, without payments."""
        ...

    def add_lines(
        self, account_id: str, invoice_id: str, lines: Sequence[InvoiceLine], key: str
    ) -> StripeInvoice:
        """All lines in one call; at most 250."""
        ...

    def finalize(self, account_id: str, invoice_id: str, key: str) -> StripeInvoice:
        """Open the draft without letting Stripe advance it. Returns it with its payments. Raises GatewayRefused if it is no
        draft."""
        ...

    def send(self, account_id: str, invoice_id: str, key: str) -> StripeInvoice:
        """Email an open invoice to the customer, again if it was already sent. Raises GatewayRefused once it is closed.

        Only call it for an open one: Stripe would finalize a draft by itself, before its amount was checked.
        """
        ...

    def was_sent(self, account_id: str, invoice_id: str, since: datetime) -> bool:
        """Whether Stripe has an `invoice.sent` event for it."""
        ...

    def void(self, account_id: str, invoice_id: str, key: str) -> StripeInvoice:
        """Raises GatewayRefused if Stripe does not void it in its state."""
        ...

    def delete_draft(self, account_id: str, invoice_id: str) -> None:
        """Raises GatewayRefused if it is no longer a draft, ObjectMissing if it is already gone."""
        ...

    def invoice(self, account_id: str, invoice_id: str, *, quickly: bool = False) -> StripeInvoice:
        """As it is now, with its payments.

        `quickly`: a caller waits for it, so it is tried once, for at most two seconds with the wait for its turn.
        """
        ...

    def payments_of(self, account_id: str, invoice_id: str) -> Sequence[StripePayment]:
        """All payments of the invoice, each with its latest charge."""
        ...

    def find_payment(self, account_id: str, payment_intent_id: str) -> StripePayment | None:
        """The invoice payment that belongs to a payment intent, if there is one."""
        ...
