"""Stripe's objects in our words: the values that cross the gateway.

They are snapshots, never live: what one says was true when Stripe rendered it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

# The metadata keys of what we make at Stripe. The first names the intent that made the object.
METADATA_REFERENCE = "bridge_intent"
METADATA_KIND = "bridge_receiver"
METADATA_TENANT = "tenant"
# Keys that begin so are this service's own, at Stripe.
OWN_METADATA = "bridge_"
METADATA_INTEGRATION = "integration_id"
METADATA_ORDER = "sales_order_id"
METADATA_ORDER_NUMBER = "sales_order_number"
METADATA_CUSTOMER = "customer_id"
METADATA_INVOICE = "invoice_id"
METADATA_REFUND = "refund_id"
METADATA_AMOUNT = "amount"
METADATA_KEY = "bridge_key"
METADATA_SIGNATURE = "bridge_signature"
# What this service writes.
OUR_METADATA = frozenset(
    {
        METADATA_REFERENCE,
        METADATA_KIND,
        METADATA_TENANT,
        METADATA_INTEGRATION,
        METADATA_ORDER,
        METADATA_ORDER_NUMBER,
        METADATA_CUSTOMER,
        METADATA_INVOICE,
        METADATA_REFUND,
        METADATA_AMOUNT,
        METADATA_KEY,
        METADATA_SIGNATURE,
    }
)
# What only this service needs, and callers are not shown.
INTERNAL_METADATA = OUR_METADATA - {METADATA_ORDER, METADATA_ORDER_NUMBER}


class StripeInvoiceStatus(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    UNCOLLECTIBLE = "uncollectible"
    VOID = "void"


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeInvoice:
    """An invoice. Amounts in minor units. `payments` is None where Stripe was not asked for them.

    `starting_balance` is the customer's when the invoice was finalized, or now for a draft; a negative one is a credit.
    `latest_revision` is the invoice that has taken the place of this one, when it was edited.
    """

    id: str
    status: StripeInvoiceStatus
    customer_id: str
    currency: str
    total: int
    amount_due: int
    amount_paid: int
    amount_remaining: int
    starting_balance: int = 0
    number: str | None = None
    line_count: int = 0
    due_date: datetime | None = None
    hosted_invoice_url: str | None = None
    invoice_pdf: str | None = None
    finalized_at: datetime | None = None
    paid_at: datetime | None = None
    voided_at: datetime | None = None
    latest_revision: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    payments: tuple[StripePayment, ...] | None = None


class PaymentProgress(StrEnum):
    """How far a payment that is still open has come: none was tried, a bank is at it, or the last try failed."""

    NONE = "none"
    PENDING = "pending"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedInvoice:
    """An invoice as an account's list shows it, with what is needed to take it in.

    `revises` is the invoice that this one was made to replace. `customer_metadata` is empty for a deleted customer.
    """

    invoice: StripeInvoice
    created_at: datetime
    customer_email: str | None
    customer_metadata: Mapping[str, str] = field(default_factory=dict)
    revises: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StripePayment:
    """What ties an invoice to a payment intent and its charge (Stripe: InvoicePayment).

    `charge_id` is the payment intent's latest charge, None while there is none or where it was not expanded. `progress` is
    None where the payment intent was not expanded; `failure_reason` is Stripe's code for the last decline. `method` is the
    type of that charge's payment method, None where the charge was not expanded.
    """

    id: str
    invoice_id: str
    status: str
    is_default: bool
    amount_paid: int | None
    payment_intent_id: str | None
    charge_id: str | None
    paid_at: datetime | None = None
    progress: PaymentProgress | None = None
    failure_reason: str | None = None
    method: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeRefund:
    """`status` is pending, requires_action, succeeded, failed or canceled. `amount` in minor units."""

    id: str
    status: str
    amount: int
    currency: str
    charge_id: str | None
    payment_intent_id: str | None
    created_at: datetime
    reason: str | None = None
    failure_reason: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeDispute:
    """`amount` in minor units; it may differ from the charge's, and is 0 where a prevented one took nothing."""

    id: str
    status: str
    amount: int
    currency: str
    charge_id: str | None
    payment_intent_id: str | None
    is_charge_refundable: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSnapshot:
    """A connected account as Stripe describes it."""

    account_id: str
    charges_enabled: bool
    payouts_enabled: bool
    details_submitted: bool
    country: str | None = None
    default_currency: str | None = None
    email: str | None = None
    display_name: str | None = None
    business_name: str | None = None
    business_url: str | None = None
    capabilities: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """What Stripe grants for an OAuth code. The token is as powerful as a secret key: seal it, never log it."""

    account_id: str
    access_token: str = field(repr=False)
    scope: str
    livemode: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpoint:
    """A webhook endpoint at Stripe. Only the answer that creates it has its `secret`."""

    id: str
    url: str
    enabled: bool
    livemode: bool
    api_version: str | None
    enabled_events: frozenset[str]
    metadata: Mapping[str, str] = field(default_factory=dict)
    secret: str | None = field(default=None, repr=False)
