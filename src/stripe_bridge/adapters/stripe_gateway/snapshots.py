"""Stripe's objects as domain values, from the SDK's answers and from webhook payloads.

Nothing past this module sees an SDK object. Depending on the call, Stripe leaves out keys, and shows an object in full or
only as its id; all of these can be read here. What cannot be read (no id, an unknown status) raises KeyError, TypeError or
ValueError: an answer then proves nothing, a payload is unreadable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import stripe

from stripe_bridge.domain.dispute import PREVENTED
from stripe_bridge.domain.stripe_objects import (
    AccountSnapshot,
    Authorization,
    ListedInvoice,
    PaymentProgress,
    StripeDispute,
    StripeInvoice,
    StripeInvoiceStatus,
    StripePayment,
    StripeRefund,
    WebhookEndpoint,
)
from stripe_bridge.ports.stripe.snapshots import SnapshotUnreadable

Raw = Mapping[str, Any]
Shown = stripe.StripeObject | Raw
Value = TypeVar("Value")

_NOT_FAILING = frozenset({"processing", "succeeded", "canceled"})
# The status shows whether money is on its way, so an unknown one must not be guessed at.
_REFUND_STATUSES = frozenset({"pending", "requires_action", "succeeded", "failed", "canceled"})


class StripeSnapshots:
    """Reads webhook payloads."""

    def invoice(self, object_: Mapping[str, Any]) -> StripeInvoice:
        return _readable(invoice, object_)

    def payment(self, object_: Mapping[str, Any]) -> StripePayment:
        return _readable(payment, object_)

    def account(self, object_: Mapping[str, Any]) -> AccountSnapshot:
        return _readable(account, object_)

    def refund(self, object_: Mapping[str, Any]) -> StripeRefund:
        return _readable(refund, object_)

    def dispute(self, object_: Mapping[str, Any]) -> StripeDispute:
        return _readable(dispute, object_)


def invoice(shown: Shown) -> StripeInvoice:
    raw = _raw(shown)
    lines = raw.get("lines") or {}
    moments = raw.get("status_transitions") or {}
    payments = raw.get("payments")
    return StripeInvoice(
        id=_must(str, raw["id"]),
        status=StripeInvoiceStatus(raw["status"]),
        customer_id=_must(str, _id(raw["customer"])),
        currency=_must(str, raw["currency"]).upper(),
        total=_must(int, raw["total"]),
        amount_due=_must(int, raw["amount_due"]),
        amount_paid=_must(int, raw["amount_paid"]),
        amount_remaining=_must(int, raw["amount_remaining"]),
        starting_balance=raw.get("starting_balance") or 0,
        number=raw.get("number"),
        line_count=lines.get("total_count") or len(lines.get("data") or ()),
        due_date=_moment(raw.get("due_date")),
        hosted_invoice_url=raw.get("hosted_invoice_url"),
        invoice_pdf=raw.get("invoice_pdf"),
        finalized_at=_moment(moments.get("finalized_at")),
        paid_at=_moment(moments.get("paid_at")),
        voided_at=_moment(moments.get("voided_at")),
        latest_revision=_id(raw.get("latest_revision")),
        metadata=raw.get("metadata") or {},
        payments=None if payments is None else tuple(payment(each) for each in payments["data"]),
    )


def listed_invoice(shown: Shown) -> ListedInvoice:
    """With its customer expanded."""
    raw = _raw(shown)
    customer = raw["customer"]
    return ListedInvoice(
        invoice=invoice(raw),
        created_at=_at(_must(int, raw["created"])),
        customer_email=raw.get("customer_email"),
        customer_metadata=(customer.get("metadata") or {}) if isinstance(customer, Mapping) else {},
        revises=_id((raw.get("from_invoice") or {}).get("invoice")),
    )


def payment(shown: Shown) -> StripePayment:
    raw = _raw(shown)
    made_by = raw["payment"]
    intent = made_by.get("payment_intent")
    # The charge itself is named only if it has no payment intent.
    charge = intent.get("latest_charge") if isinstance(intent, Mapping) else made_by.get("charge")
    return StripePayment(
        id=_must(str, raw["id"]),
        invoice_id=_must(str, _id(raw["invoice"])),
        status=_must(str, raw["status"]),
        is_default=bool(raw.get("is_default")),
        amount_paid=None if raw.get("amount_paid") is None else _must(int, raw["amount_paid"]),
        payment_intent_id=_id(intent),
        charge_id=_id(charge),
        paid_at=_moment((raw.get("status_transitions") or {}).get("paid_at")),
        progress=_progress(intent) if isinstance(intent, Mapping) else None,
        failure_reason=_failure_reason(intent) if isinstance(intent, Mapping) else None,
        method=_method(charge) if isinstance(charge, Mapping) else None,
    )


def _method(charge: Raw) -> str | None:
    """What is only shown need not be readable."""
    details = charge.get("payment_method_details")
    kind = details.get("type") if isinstance(details, Mapping) else None
    return kind if isinstance(kind, str) else None


def _progress(intent: Raw) -> PaymentProgress:
    if intent.get("status") == "processing":
        return PaymentProgress.PENDING
    return PaymentProgress.FAILED if _failure_reason(intent) else PaymentProgress.NONE


def _failure_reason(intent: Raw) -> str | None:
    """Of the last try, if that one failed."""
    if intent.get("status") in _NOT_FAILING:
        return None
    error = intent.get("last_payment_error") or {}
    reason = error.get("decline_code") or error.get("code") or error.get("message")
    return None if reason is None else _must(str, reason)


def account(shown: Shown) -> AccountSnapshot:
    raw = _raw(shown)
    business = raw.get("business_profile") or {}
    dashboard = (raw.get("settings") or {}).get("dashboard") or {}
    return AccountSnapshot(
        account_id=_must(str, raw["id"]),
        charges_enabled=bool(raw.get("charges_enabled")),
        payouts_enabled=bool(raw.get("payouts_enabled")),
        details_submitted=bool(raw.get("details_submitted")),
        country=raw.get("country"),
        default_currency=raw.get("default_currency"),
        email=raw.get("email"),
        display_name=dashboard.get("display_name"),
        business_name=business.get("name"),
        business_url=business.get("url"),
        capabilities=raw.get("capabilities") or {},
    )


def refund(shown: Shown) -> StripeRefund:
    raw = _raw(shown)
    if raw["status"] not in _REFUND_STATUSES:
        raise ValueError(f"{raw['status']!r} is no status of a refund")
    return StripeRefund(
        id=_must(str, raw["id"]),
        status=raw["status"],
        amount=_must(int, raw["amount"]),
        currency=_must(str, raw["currency"]).upper(),
        charge_id=_id(raw.get("charge")),
        payment_intent_id=_id(raw.get("payment_intent")),
        created_at=_at(_must(int, raw["created"])),
        reason=raw.get("reason"),
        failure_reason=raw.get("failure_reason"),
        metadata=raw.get("metadata") or {},
    )


def dispute(shown: Shown) -> StripeDispute:
    raw = _raw(shown)
    # Its own amount is what was asked for. Prevented it was by giving that back, or by convincing the bank: then none moved.
    took_nothing = raw["status"] == PREVENTED and not _is_out_of_balance(raw)
    return StripeDispute(
        id=_must(str, raw["id"]),
        status=_must(str, raw["status"]),
        amount=0 if took_nothing else _must(int, raw["amount"]),
        currency=_must(str, raw["currency"]).upper(),
        charge_id=_id(raw.get("charge")),
        payment_intent_id=_id(raw.get("payment_intent")),
        is_charge_refundable=_must(bool, raw["is_charge_refundable"]),
        created_at=_at(_must(int, raw["created"])),
    )


def _is_out_of_balance(dispute: Raw) -> bool:
    """Whether more was withdrawn for it than was put back; in whatever currency the account is settled in."""
    return sum(_must(int, moved["amount"]) for moved in dispute.get("balance_transactions") or ()) < 0


def authorization(shown: Shown) -> Authorization:
    raw = _raw(shown)
    return Authorization(
        account_id=_must(str, raw["stripe_user_id"]),
        access_token=_must(str, raw["access_token"]),
        scope=_must(str, raw["scope"]),
        livemode=_must(bool, raw["livemode"]),
    )


def endpoint(shown: Shown) -> WebhookEndpoint:
    raw = _raw(shown)
    return WebhookEndpoint(
        id=_must(str, raw["id"]),
        url=_must(str, raw["url"]),
        enabled=raw["status"] == "enabled",
        livemode=_must(bool, raw["livemode"]),
        api_version=raw.get("api_version"),
        enabled_events=frozenset(raw["enabled_events"]),
        metadata=raw.get("metadata") or {},
        secret=raw.get("secret"),
    )


def _readable(read: Callable[[Shown], Value], object_: Raw) -> Value:
    try:
        return read(object_)
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        raise SnapshotUnreadable(f"{type(error).__name__}: {error}") from error


def _raw(shown: Shown) -> Raw:
    return shown.to_dict() if isinstance(shown, stripe.StripeObject) else shown


def _must(kind: type[Value], value: object) -> Value:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _id(shown: str | Raw | None) -> str | None:
    return shown["id"] if isinstance(shown, Mapping) else shown


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else _at(seconds)


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
