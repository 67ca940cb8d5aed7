"""A dispute: the bank takes a payment back, or asks about it first (an inquiry)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from stripe_bridge.domain.payment import Payment
from stripe_bridge.domain.stripe_objects import StripeDispute

# Those that Stripe documents; it may add some.
STATUSES = (
    "warning_needs_response",
    "warning_under_review",
    "warning_closed",
    "needs_response",
    "under_review",
    "appeal_needs_response",
    "appeal_under_review",
    "won",
    "lost",
    "prevented",
)
LOST, PREVENTED = "lost", "prevented"
ENDED = frozenset({LOST, PREVENTED, "won", "warning_closed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """Our record of the newest snapshot. `version` counts its changes."""

    invoice_id: int
    account_id: str
    stripe_id: str
    status: str
    amount: int
    charge_id: str | None
    payment_intent_id: str | None
    is_charge_refundable: bool
    opened_at: datetime
    version: int = 0

    @property
    def amount_lost(self) -> int:
        """What it took for good. One that was prevented may have been so by giving the customer what was asked for."""
        return self.amount if self.status in (LOST, PREVENTED) else 0

    def blocks(self, payment: Payment) -> bool:
        """Whether it keeps the payment from being refunded. An inquiry does not: a refund is the way to resolve it."""
        is_of = (
            self.payment_intent_id == payment.payment_intent_id
            if self.payment_intent_id is not None
            else self.charge_id == payment.charge_id
        )
        return is_of and (self.amount_lost > 0 or not self.is_charge_refundable)

    def agrees_with(self, snapshot: StripeDispute) -> bool:
        return (self.status, self.amount, self.is_charge_refundable) == (
            snapshot.status,
            snapshot.amount,
            snapshot.is_charge_refundable,
        )


def observe_dispute(
    known: Dispute | None, seen: StripeDispute, *, invoice_id: int, account_id: str
) -> Dispute:
    """What is known after seeing Stripe's current state."""
    return Dispute(
        invoice_id=invoice_id,
        account_id=account_id,
        stripe_id=seen.id,
        status=seen.status,
        amount=seen.amount,
        charge_id=seen.charge_id,
        payment_intent_id=seen.payment_intent_id,
        is_charge_refundable=seen.is_charge_refundable,
        opened_at=seen.created_at,
        version=1 if known is None else known.version + 1,
    )


def newest_status(disputes: Iterable[Dispute]) -> str | None:
    newest = max(disputes, key=lambda dispute: (dispute.opened_at, dispute.stripe_id), default=None)
    return None if newest is None else newest.status


def total_lost(disputes: Iterable[Dispute]) -> int:
    return sum(dispute.amount_lost for dispute in disputes)
