"""Stripe Invoicing in a connected account, as direct charges: the merchant's own customers and invoices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast
from urllib.parse import quote_plus

import stripe

from stripe_bridge.adapters.stripe_gateway import snapshots
from stripe_bridge.adapters.stripe_gateway.client import StripeCalls, StripeConfig, TokenFor
from stripe_bridge.domain.sales_order import InvoiceLine
from stripe_bridge.domain.stripe_objects import (
    METADATA_REFERENCE,
    ListedInvoice,
    StripeInvoice,
    StripePayment,
)
from stripe_bridge.ports.stripe.errors import ObjectMissing
from stripe_bridge.ports.stripe.invoices import CustomerDraft, InvoiceDraft

if TYPE_CHECKING:
    from stripe.params import (
        CustomerCreateParams,
        CustomerCreateParamsAddress,
        InvoiceAddLinesParams,
        InvoiceCreateParams,
        InvoiceFinalizeInvoiceParams,
        InvoiceListParams,
    )

# How far Stripe's clock may lag behind ours: better to search a little further back than to miss something.
CLOCK_SKEW = timedelta(seconds=60)
_PAGE = 100
# Four levels, the most that Stripe expands.
_CHARGES = ["data.payment.payment_intent.latest_charge"]


class StripeInvoiceGateway:
    def __init__(self, config: StripeConfig, token_for: TokenFor | None = None) -> None:
        self._stripe = StripeCalls(config, token_for)
        self._quick_stripe = StripeCalls(config.quick(), token_for)

    def create_customer(self, account_id: str, draft: CustomerDraft, key: str) -> str:
        params: CustomerCreateParams = {
            "email": draft.email,
            "name": draft.name,
            "metadata": dict(draft.metadata),
        }
        if draft.address is not None:
            # To Stripe an empty part means "unset this", which it refuses for a new customer.
            known = {part: text for part, text in asdict(draft.address).items() if text and text.strip()}
            params["address"] = cast("CustomerCreateParamsAddress", known)
        with self._stripe.change(account_id, key) as options:
            return self._stripe.v1.customers.create(params, options).id

    def find_customer(self, account_id: str, email: str, reference: str) -> str | None:
        with self._stripe.lookup(account_id) as options:
            found = self._stripe.v1.customers.list({"email": email, "limit": _PAGE}, options)
            return next(
                (each.id for each in found.auto_paging_iter() if _refers_to(each.metadata, reference)), None
            )

    def create_draft(self, account_id: str, draft: InvoiceDraft, key: str) -> StripeInvoice:
        params: InvoiceCreateParams = {
            "customer": draft.customer_id,
            "currency": draft.currency.lower(),
            "collection_method": "send_invoice",
            "days_until_due": draft.days_until_due,
            "auto_advance": False,
            "pending_invoice_items_behavior": "exclude",
            "custom_fields": [{"name": "Sales order", "value": draft.order_number}],
            "metadata": dict(draft.metadata),
        }
        with self._stripe.change(account_id, key) as options:
            return snapshots.invoice(self._stripe.post("/v1/invoices", params, options))

    def find_invoice(
        self, account_id: str, customer_id: str, reference: str, since: datetime
    ) -> StripeInvoice | None:
        with self._stripe.lookup(account_id) as options:
            found = self._stripe.v1.invoices.list(
                {"customer": customer_id, "created": {"gte": _with_clock_skew(since)}, "limit": _PAGE},
                options,
            )
            return next(
                (
                    snapshots.invoice(each)
                    for each in found.auto_paging_iter()
                    if _refers_to(each.metadata, reference)
                ),
                None,
            )

    def invoices_since(self, account_id: str, since: datetime) -> Iterator[Sequence[ListedInvoice]]:
        params: InvoiceListParams = {
            "created": {"gte": int(since.timestamp())},
            "expand": ["data.customer"],
            "limit": _PAGE,
        }
        more = True
        while more:
            with self._stripe.lookup(account_id) as options:
                found = self._stripe.v1.invoices.list(params, options)
                page = [snapshots.listed_invoice(each) for each in found.data]
                more = found.has_more and bool(page)
                if more:
                    params["starting_after"] = page[-1].invoice.id
            yield page

    def add_lines(
        self, account_id: str, invoice_id: str, lines: Sequence[InvoiceLine], key: str
    ) -> StripeInvoice:
        params: InvoiceAddLinesParams = {
            "lines": [{"amount": line.amount, "description": line.description} for line in lines]
        }
        with self._stripe.change(account_id, key) as options:
            return snapshots.invoice(self._stripe.post(_on(invoice_id, "add_lines"), params, options))

    def finalize(self, account_id: str, invoice_id: str, key: str) -> StripeInvoice:
        params: InvoiceFinalizeInvoiceParams = {"auto_advance": False, "expand": ["payments"]}
        with self._stripe.change(account_id, key) as options:
            return snapshots.invoice(self._stripe.post(_on(invoice_id, "finalize"), params, options))

    def send(self, account_id: str, invoice_id: str, key: str) -> StripeInvoice:
        with self._stripe.change(account_id, key) as options:
            return snapshots.invoice(self._stripe.post(_on(invoice_id, "send"), {}, options))

    def was_sent(self, account_id: str, invoice_id: str, since: datetime) -> bool:
        with self._stripe.lookup(account_id) as options:
            events = self._stripe.v1.events.list(
                {"types": ["invoice.sent"], "created": {"gte": _with_clock_skew(since)}, "limit": _PAGE},
                options,
            )
            return any(event.data.object["id"] == invoice_id for event in events.auto_paging_iter())

    def void(self, account_id: str, invoice_id: str, key: str) -> StripeInvoice:
        with self._stripe.change(account_id, key) as options:
            return snapshots.invoice(self._stripe.v1.invoices.void_invoice(invoice_id, {}, options))

    def delete_draft(self, account_id: str, invoice_id: str) -> None:
        with self._stripe.change(account_id) as options:
            self._stripe.v1.invoices.delete(invoice_id, {}, options)

    def invoice(self, account_id: str, invoice_id: str, *, quickly: bool = False) -> StripeInvoice:
        calls = self._quick_stripe if quickly else self._stripe
        with calls.lookup(account_id) as options:
            return snapshots.invoice(
                calls.v1.invoices.retrieve(invoice_id, {"expand": ["payments"]}, options)
            )

    def payments_of(self, account_id: str, invoice_id: str) -> Sequence[StripePayment]:
        with self._stripe.lookup(account_id) as options:
            found = self._stripe.v1.invoice_payments.list(
                {"invoice": invoice_id, "expand": _CHARGES, "limit": _PAGE}, options
            )
            return [snapshots.payment(each) for each in found.auto_paging_iter()]

    def find_payment(self, account_id: str, payment_intent_id: str) -> StripePayment | None:
        try:
            with self._stripe.lookup(account_id) as options:
                found = self._stripe.v1.invoice_payments.list(
                    {
                        "payment": {"type": "payment_intent", "payment_intent": payment_intent_id},
                        "expand": _CHARGES,
                    },
                    options,
                )
                return next((snapshots.payment(each) for each in found.data), None)
        except ObjectMissing:
            return None


def _on(invoice_id: str, action: str) -> str:
    return f"/v1/invoices/{quote_plus(invoice_id)}/{action}"


def _refers_to(metadata: stripe.StripeObject | Mapping[str, str] | None, reference: str) -> bool:
    return (
        metadata is not None and METADATA_REFERENCE in metadata and metadata[METADATA_REFERENCE] == reference
    )


def _with_clock_skew(since: datetime) -> int:
    return int((since - CLOCK_SKEW).timestamp())
