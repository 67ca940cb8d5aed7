"""The fake Stripe's objects as webhooks carry them, in the shape of our API version."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from stripe_bridge.domain.stripe_objects import (
    AccountSnapshot,
    StripeDispute,
    StripeInvoice,
    StripePayment,
    StripeRefund,
)
from tests.fakes.stripe.fake_charges import FakeCharge

Object = dict[str, Any]


def invoice_object(invoice: StripeInvoice) -> Object:
    """Without payments, which a webhook never has."""
    shown = _plain(
        invoice, "id", "status", "total", "amount_due", "amount_paid", "amount_remaining", "number"
    )
    return {
        **shown,
        "object": "invoice",
        "customer": invoice.customer_id,
        "currency": invoice.currency.lower(),
        "due_date": _seconds(invoice.due_date),
        "hosted_invoice_url": invoice.hosted_invoice_url,
        "invoice_pdf": invoice.invoice_pdf,
        "lines": {"object": "list", "data": [], "total_count": invoice.line_count},
        "livemode": False,
        "metadata": dict(invoice.metadata),
        "status_transitions": {
            "finalized_at": _seconds(invoice.finalized_at),
            "marked_uncollectible_at": None,
            "paid_at": _seconds(invoice.paid_at),
            "voided_at": _seconds(invoice.voided_at),
        },
    }


def payment_object(payment: StripePayment) -> Object:
    return {
        **_plain(payment, "id", "status", "is_default", "amount_paid"),
        "object": "invoice_payment",
        "invoice": payment.invoice_id,
        "livemode": False,
        "payment": {"type": "payment_intent", "payment_intent": payment.payment_intent_id},
        "status_transitions": {"canceled_at": None, "paid_at": _seconds(payment.paid_at)},
    }


def charge_object(charge: FakeCharge, customer_id: str | None, *, refunded: int = 0) -> Object:
    return {
        "id": charge.id,
        "object": "charge",
        "amount": charge.amount,
        "amount_refunded": refunded,
        "currency": charge.currency.lower(),
        "customer": customer_id,
        "livemode": False,
        "payment_intent": charge.payment_intent_id,
        "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242"}},
        "refunded": refunded == charge.amount,
        "status": "succeeded",
    }


def payment_intent_object(charge: FakeCharge, customer_id: str | None) -> Object:
    return {
        "id": charge.payment_intent_id,
        "object": "payment_intent",
        "amount": charge.amount,
        "currency": charge.currency.lower(),
        "customer": customer_id,
        "latest_charge": charge.id,
        "livemode": False,
        "status": "succeeded",
    }


def refund_object(refund: StripeRefund) -> Object:
    return {
        **_plain(refund, "id", "status", "amount", "reason", "failure_reason"),
        "object": "refund",
        "charge": refund.charge_id,
        "created": _seconds(refund.created_at),
        "currency": refund.currency.lower(),
        "metadata": dict(refund.metadata),
        "payment_intent": refund.payment_intent_id,
    }


def dispute_object(dispute: StripeDispute) -> Object:
    return {
        **_plain(dispute, "id", "status", "amount", "is_charge_refundable"),
        "object": "dispute",
        "charge": dispute.charge_id,
        "created": _seconds(dispute.created_at),
        "currency": dispute.currency.lower(),
        "livemode": False,
        "payment_intent": dispute.payment_intent_id,
    }


def account_object(account: AccountSnapshot) -> Object:
    return {
        **_plain(account, "charges_enabled", "payouts_enabled", "details_submitted", "country", "email"),
        "id": account.account_id,
        "object": "account",
        "business_profile": {"name": account.business_name, "url": account.business_url},
        "capabilities": dict(account.capabilities),
        "default_currency": account.default_currency.lower() if account.default_currency else None,
        "settings": {"dashboard": {"display_name": account.display_name}},
    }


def application_object(client_id: str) -> Object:
    return {"id": client_id, "object": "application", "name": "ERP Platform"}


def _plain(value: Any, *names: str) -> Object:
    shown: Mapping[str, Any] = asdict(value)
    return {name: shown[name] for name in names}


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
