"""The charges of one account at the fake Stripe, their refunds and their disputes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from stripe_bridge.domain.stripe_objects import StripeDispute, StripeRefund
from stripe_bridge.ports.stripe.errors import GatewayRefused

_FAILED_OR_CANCELED = ("failed", "canceled")
# The statuses that may follow each status. A refund that succeeded may still fail at the customer's bank.
_REFUND_NEXT: Mapping[str, tuple[str, ...]] = {
    "pending": ("succeeded", "failed", "canceled", "requires_action"),
    "requires_action": ("pending", "succeeded", "failed", "canceled"),
    "succeeded": ("failed",),
}
# The statuses that may follow each status. An inquiry may become a chargeback.
_DISPUTE_NEXT: Mapping[str, tuple[str, ...]] = {
    "warning_needs_response": ("warning_under_review", "warning_closed", "needs_response"),
    "warning_under_review": ("warning_closed", "needs_response"),
    "needs_response": ("under_review", "won", "lost"),
    "under_review": ("won", "lost", "needs_response"),
}


@dataclass(frozen=True, kw_only=True)
class FakeCharge:
    """A charge that succeeded."""

    id: str
    payment_intent_id: str | None
    amount: int
    currency: str


@dataclass(kw_only=True)
class FakeCharges:
    new_id: Callable[[str], str]
    now: Callable[[], datetime]
    charges: dict[str, FakeCharge] = field(default_factory=dict)
    refunds: dict[str, StripeRefund] = field(default_factory=dict)
    disputes: dict[str, StripeDispute] = field(default_factory=dict)

    def find_by_payment_intent(self, payment_intent_id: str) -> FakeCharge | None:
        charges = self.charges.values()
        return next((each for each in charges if each.payment_intent_id == payment_intent_id), None)

    def left_of(self, charge: FakeCharge) -> int:
        """How much was not refunded."""
        refunds = (each for each in self.refunds.values() if each.charge_id == charge.id)
        return charge.amount - sum(each.amount for each in refunds if each.status not in _FAILED_OR_CANCELED)

    def refund(
        self,
        charge: FakeCharge,
        amount: int | None,
        *,
        status: str,
        reason: str | None,
        metadata: Mapping[str, str],
    ) -> StripeRefund:
        """`amount` None means all that is left; `status` is the refund's first status."""
        if amount is not None and amount <= 0:
            code = "parameter_invalid_integer"
            raise GatewayRefused("Invalid positive integer", code=code, param="amount")
        if any(not each.is_charge_refundable for each in self._disputes_of(charge)):
            raise GatewayRefused(f"Charge {charge.id} has been charged back.", code="charge_disputed")
        left = self.left_of(charge)
        if left <= 0:
            raise GatewayRefused(
                f"Charge {charge.id} has already been refunded.", code="charge_already_refunded"
            )
        wanted = left if amount is None else amount
        if wanted > left:
            raise GatewayRefused("Refund amount is greater than unrefunded amount on charge", param="amount")
        new = StripeRefund(
            id=self.new_id("re"),
            status=status,
            amount=wanted,
            currency=charge.currency,
            charge_id=charge.id,
            payment_intent_id=charge.payment_intent_id,
            created_at=self.now(),
            reason=reason,
            failure_reason="unknown" if status == "failed" else None,
            metadata=dict(metadata),
        )
        self.refunds[new.id] = new
        if self.left_of(charge) == 0:
            self._close_inquiries(charge)
        return new

    def change_refund(self, refund_id: str, status: str, failure_reason: str) -> StripeRefund:
        old = self.refunds[refund_id]
        _must_follow(_REFUND_NEXT, old.status, status)
        because = failure_reason if status == "failed" else None
        self.refunds[refund_id] = replace(old, status=status, failure_reason=because)
        return self.refunds[refund_id]

    def dispute(self, charge: FakeCharge, kind: str, amount: int | None) -> StripeDispute:
        """`kind` is `inquiry`, in which no money moves yet, or `chargeback`."""
        status = {"inquiry": "warning_needs_response", "chargeback": "needs_response"}[kind]
        new = StripeDispute(
            id=self.new_id("du"),
            status=status,
            amount=charge.amount if amount is None else amount,
            currency=charge.currency,
            charge_id=charge.id,
            payment_intent_id=charge.payment_intent_id,
            is_charge_refundable=_leaves_refundable(status),
            created_at=self.now(),
        )
        self.disputes[new.id] = new
        return new

    def change_dispute(self, dispute_id: str, status: str) -> StripeDispute:
        old = self.disputes[dispute_id]
        _must_follow(_DISPUTE_NEXT, old.status, status)
        self.disputes[dispute_id] = replace(
            old, status=status, is_charge_refundable=_leaves_refundable(status)
        )
        return self.disputes[dispute_id]

    def _close_inquiries(self, charge: FakeCharge) -> None:
        """A full refund closes the inquiries."""
        for each in self._disputes_of(charge):
            if each.status in ("warning_needs_response", "warning_under_review"):
                self.change_dispute(each.id, "warning_closed")

    def _disputes_of(self, charge: FakeCharge) -> list[StripeDispute]:
        return [each for each in self.disputes.values() if each.charge_id == charge.id]


def _leaves_refundable(status: str) -> bool:
    return status.startswith("warning_") or status == "won"


def _must_follow(moves: Mapping[str, tuple[str, ...]], old: str, new: str) -> None:
    if new not in moves.get(old, ()):
        raise GatewayRefused(f"What is {old} cannot become {new}.", param="status")
