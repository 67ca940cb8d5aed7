"""A payment of an invoice: Stripe's invoice payment, with the payment intent and the charge behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from stripe_bridge.domain.replacing import replace
from stripe_bridge.domain.stripe_objects import PaymentProgress, StripePayment

_NOT_PAID = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """`charge_id` is the charge that succeeded; failed attempts are only linked. `amount_paid` in minor units.

    `method` is Stripe's type of the payment method, None where no charge has shown it.
    """

    invoice_id: int
    account_id: str
    stripe_id: str
    payment_intent_id: str | None
    charge_id: str | None
    status: str
    is_default: bool
    amount_paid: int
    paid_at: datetime | None
    progress: PaymentProgress | None = None
    failure_reason: str | None = None
    method: str | None = None

    @property
    def is_paid(self) -> bool:
        return self.status == "paid"

    @property
    def is_refundable_kind(self) -> bool:
        """Whether Stripe collected it and so can refund it, unlike what was paid out of band."""
        return self.is_paid and (self.payment_intent_id is not None or self.charge_id is not None)

    def chronological_key(self) -> tuple[datetime, str]:
        """Sorts payments from the oldest to the newest."""
        return self.paid_at or _NOT_PAID, self.stripe_id

    def charged_by(self, charge_id: str, method: str | None = None) -> Payment:
        return replace(self, charge_id=charge_id, method=method or self.method)

    def cancel(self) -> Payment:
        """Stripe does not have it, whatever an event said."""
        return replace(self, status="canceled", is_default=False, progress=None, failure_reason=None)


def observe_payment(
    known: Payment | None,
    seen: StripePayment,
    *,
    invoice_id: int,
    account_id: str,
    is_current: bool = True,
) -> Payment:
    """What is known after seeing a snapshot. Paid and canceled are final: a snapshot from before changes nothing.

    Progress goes back and forth, so only a snapshot that `is_current` changes it.
    """
    if known is not None and known.status != "open" and seen.status == "open":
        return known
    paid = seen.status == "paid"
    progress, reason = (known.progress, known.failure_reason) if known is not None else (None, None)
    if seen.status != "open":
        progress, reason = None, None
    elif is_current and seen.progress is not None:
        progress, reason = seen.progress, seen.failure_reason
    return Payment(
        invoice_id=invoice_id,
        account_id=account_id,
        stripe_id=seen.id,
        payment_intent_id=seen.payment_intent_id,
        charge_id=(known.charge_id if known is not None else None) or (seen.charge_id if paid else None),
        status=seen.status,
        is_default=seen.is_default,
        amount_paid=seen.amount_paid or 0,
        paid_at=seen.paid_at,
        progress=progress,
        failure_reason=reason,
        method=_method(known, seen),
    )


def _method(known: Payment | None, seen: StripePayment) -> str | None:
    """What it was last tried with says nothing about what it was then paid with."""
    if seen.method is not None or known is None:
        return seen.method
    return None if seen.status == "paid" and known.charge_id is None else known.method


def total_collected(payments: Iterable[Payment]) -> int:
    """What Stripe collected, in minor units."""
    return sum(payment.amount_paid for payment in payments if payment.is_refundable_kind)


def progress_of(payments: Iterable[Payment]) -> tuple[PaymentProgress | None, str | None]:
    """How far the payments that are still open have come, and why the last try failed, if one did."""
    known = sorted(payments, key=lambda payment: (payment.is_default, payment.stripe_id), reverse=True)
    reason = next((payment.failure_reason for payment in known if payment.failure_reason), None)
    for progress in (PaymentProgress.PENDING, PaymentProgress.FAILED):
        if any(payment.progress is progress for payment in known):
            return progress, reason
    return None, reason


def primary_payment(payments: Iterable[Payment]) -> Payment | None:
    """The payment that an invoice shows: the newest paid one, first of those that Stripe collected, else the default one.

    The order given does not matter.
    """
    known = list(payments)
    paid = [payment for payment in known if payment.is_paid]
    if paid:
        return max(paid, key=lambda payment: (payment.is_refundable_kind, payment.chronological_key()))
    return max((p for p in known if p.is_default), key=lambda payment: payment.stripe_id, default=None)
