"""Refunds as a ledger: an amount is reserved before Stripe is asked, and Stripe's refund objects set the totals.

reserved ──> pending | requires_action ──> succeeded ──> failed
   │                    └──────────────────────────────> canceled | failed
   └──> refused                                  never came into existence, and is not shown to callers
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.errors.conflicts import RefundNotDuplicate
from stripe_bridge.domain.errors.rules import AmountOverRefundable, NothingCollected, RefundBlockedByDispute
from stripe_bridge.domain.invoice import SnapshotOrder
from stripe_bridge.domain.payment import Payment
from stripe_bridge.domain.refusal import Refusal
from stripe_bridge.domain.stripe_objects import StripeRefund


class RefundState(StrEnum):
    RESERVED = "reserved"
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    REFUSED = "refused"


class RefundSource(StrEnum):
    API = "api"
    CLI = "cli"
    DASHBOARD = "dashboard"


class RefundReason(StrEnum):
    """The reasons that Stripe accepts; it may show others."""

    DUPLICATE = "duplicate"
    FRAUDULENT = "fraudulent"
    REQUESTED_BY_CUSTOMER = "requested_by_customer"


# Those that it documents.
SHOWN_REASONS = (*(reason.value for reason in RefundReason), "expired_uncaptured_charge")


# A refund that succeeded can still fail; failed and canceled are final.
_RANK = {
    RefundState.RESERVED: 0,
    RefundState.PENDING: 1,
    RefundState.REQUIRES_ACTION: 1,
    RefundState.SUCCEEDED: 2,
    RefundState.FAILED: 3,
    RefundState.CANCELED: 3,
    RefundState.REFUSED: 0,
}
_INEFFECTIVE = frozenset({RefundState.FAILED, RefundState.CANCELED, RefundState.REFUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """`reference` is its intent's, None for a refund made in Stripe's dashboard. `source` is where it was asked for, None if
    that was not stored. `amount` in minor units.

    `duplicate_of` is the id of the refund whose reference it bears at Stripe, too, until somebody has looked into it.
    `version` starts at 1 and counts its changes; 0 stands for a refund that is not stored yet.
    """

    id: int
    tenant_id: str
    invoice_id: int
    account_id: str
    payment_intent_id: str | None
    charge_id: str | None
    amount: int
    currency: str
    created_at: datetime
    updated_at: datetime
    state: RefundState = RefundState.RESERVED
    reference: str | None = None
    stripe_refund_id: str | None = None
    reason: str | None = None
    failure_reason: str | None = None
    refusal: Refusal | None = None
    user_id: int | None = None
    source: RefundSource | None = None
    duplicate_of: int | None = None
    version: int = 1

    @property
    def reserves_amount(self) -> bool:
        """Whether its amount reduces what may still be refunded."""
        return self.state not in _INEFFECTIVE

    @property
    def is_effective(self) -> bool:
        """Whether it exists at Stripe, neither failed nor canceled."""
        return self.reserves_amount and self.state is not RefundState.RESERVED

    @property
    def shown_status(self) -> str:
        """As callers see it: a reservation is a refund that is pending."""
        return (RefundState.PENDING if self.state is RefundState.RESERVED else self.state).value

    @property
    def shown_source(self) -> RefundSource | None:
        """All that we ask for has a reference."""
        return RefundSource.DASHBOARD if self.reference is None else self.source

    def is_of(self, payment: Payment) -> bool:
        if self.payment_intent_id is not None:
            return self.payment_intent_id == payment.payment_intent_id
        return self.charge_id is not None and self.charge_id == payment.charge_id

    def compare(self, snapshot: StripeRefund) -> SnapshotOrder:
        """Whether the snapshot is newer, by rank. If the rank is equal but the content differs, that is unclear."""
        ours, theirs = _RANK[self.state], _RANK[RefundState(snapshot.status)]
        if ours != theirs:
            return SnapshotOrder.NEWER if theirs > ours else SnapshotOrder.OLDER
        agrees = (self.state.value, self.failure_reason) == (snapshot.status, snapshot.failure_reason)
        return SnapshotOrder.SAME if agrees else SnapshotOrder.UNCLEAR

    def observe(self, snapshot: StripeRefund, now: datetime) -> Refund:
        """Take over what Stripe shows. An older snapshot, or the same, changes nothing."""
        if self.compare(snapshot) in (SnapshotOrder.OLDER, SnapshotOrder.SAME):
            return self
        return replace(
            self,
            state=RefundState(snapshot.status),
            stripe_refund_id=snapshot.id,
            charge_id=snapshot.charge_id or self.charge_id,
            amount=snapshot.amount,
            reason=snapshot.reason,
            failure_reason=snapshot.failure_reason,
            updated_at=now,
        )

    def accept_duplicate(self, now: datetime) -> Refund:
        """Somebody has looked into it. Raises RefundNotDuplicate."""
        if self.duplicate_of is None:
            raise RefundNotDuplicate
        return replace(self, duplicate_of=None, updated_at=now)

    def refuse(self, reason: str, now: datetime, refusal: Refusal | None = None) -> Refund:
        """Stripe refused: the reservation is released."""
        return replace(
            self, state=RefundState.REFUSED, failure_reason=reason, refusal=refusal, updated_at=now
        )


def total_refunded(refunds: Iterable[Refund]) -> int:
    return sum(refund.amount for refund in refunds if refund.is_effective)


def total_returned(refunds: Iterable[StripeRefund]) -> int:
    """What these refunds of Stripe's give back in total, in minor units."""
    return sum(refund.amount for refund in refunds if RefundState(refund.status) not in _INEFFECTIVE)


def latest_attempt(asked: Sequence[Refund], *, after: datetime) -> list[Refund]:
    """Of all that was reserved for one request: its latest attempt, unless Stripe refused all of it, or it is too old.

    Includes what Stripe refused of that attempt. All of one attempt is reserved at the same moment.
    """
    attempts = [r.created_at for r in asked if r.state is not RefundState.REFUSED and r.created_at > after]
    return [refund for refund in asked if attempts and refund.created_at >= min(attempts)]


def refundable_amounts(
    payments: Sequence[Payment], refunds: Sequence[Refund], disputes: Sequence[Dispute]
) -> dict[Payment, int]:
    """How much of each payment may still be refunded, newest payment first. Those of which nothing may be are left out.

    This is the limit of a refund: what Stripe collected, less what was refunded or is reserved; nothing of a payment that a
    dispute blocks. Raises NothingCollected, RefundBlockedByDispute.
    """
    collected = [payment for payment in payments if payment.is_refundable_kind]
    if not collected:
        raise NothingCollected
    remaining = {
        payment: payment.amount_paid
        - sum(r.amount for r in refunds if r.reserves_amount and r.is_of(payment))
        for payment in sorted(collected, key=Payment.chronological_key, reverse=True)
    }
    not_refunded = {payment: amount for payment, amount in remaining.items() if amount > 0}
    refundable = {
        payment: amount
        for payment, amount in not_refunded.items()
        if not any(dispute.blocks(payment) for dispute in disputes)
    }
    if not_refunded and not refundable:
        raise RefundBlockedByDispute
    return refundable


def total_refundable(
    payments: Sequence[Payment], refunds: Sequence[Refund], disputes: Sequence[Dispute]
) -> int:
    """The limit of a refund; 0 where none is possible."""
    try:
        return sum(refundable_amounts(payments, refunds, disputes).values())
    except (NothingCollected, RefundBlockedByDispute):
        return 0


def split_refund(
    amount: int | None,
    payments: Sequence[Payment],
    refunds: Sequence[Refund],
    disputes: Sequence[Dispute],
) -> list[tuple[Payment, int]]:
    """How much to refund of which payment: all of one payment that can bear it, else of several, newest first.

    `amount` None means all that may be refunded. Raises NothingCollected, RefundBlockedByDispute, AmountOverRefundable.
    """
    refundable = refundable_amounts(payments, refunds, disputes)
    limit = sum(refundable.values())
    wanted = limit if amount is None else amount
    if wanted > limit or wanted == 0:
        raise AmountOverRefundable(wanted, limit)
    for payment, most in refundable.items():
        if most >= wanted:
            return [(payment, wanted)]
    parts = []
    for payment, most in refundable.items():
        part = min(most, wanted)
        parts.append((payment, part))
        wanted -= part
        if wanted == 0:
            break
    return parts
