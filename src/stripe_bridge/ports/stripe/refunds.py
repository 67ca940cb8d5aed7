"""Stripe's refunds and disputes inside one connected account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from stripe_bridge.domain.stripe_objects import StripeDispute, StripeRefund


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundDraft:
    """One of the two ids; the payment intent where there is one. `amount` in minor units."""

    payment_intent_id: str | None
    charge_id: str | None
    amount: int
    reason: str | None
    metadata: Mapping[str, str] = field(default_factory=dict)


class RefundGateway(Protocol):
    """Every call may raise GatewayError; ObjectMissing for an id that the account does not have."""

    def create_refund(self, account_id: str, draft: RefundDraft, key: str) -> StripeRefund:
        """Raises GatewayRefused if the amount is more than is left, or a dispute forbids it."""
        ...

    def refunds_of(
        self, account_id: str, *, payment_intent_id: str | None, charge_id: str | None
    ) -> Sequence[StripeRefund]:
        """All refunds of a payment, by its payment intent, or by its charge if it has none.

        Empty for a payment that the account does not have.
        """
        ...

    def refunds_since(self, account_id: str, since: datetime) -> Iterator[StripeRefund]:
        """All of the account's refunds that were created at `since` or later, newest first."""
        ...

    def refund(self, account_id: str, refund_id: str) -> StripeRefund:
        """As it is now."""
        ...

    def disputes_of(
        self, account_id: str, *, payment_intent_id: str | None, charge_id: str | None
    ) -> Sequence[StripeDispute]:
        """All disputes of a payment, identified as in `refunds_of`."""
        ...

    def disputes_since(self, account_id: str, since: datetime) -> Iterator[StripeDispute]:
        """All of the account's disputes that were created at `since` or later, newest first."""
        ...

    def dispute(self, account_id: str, dispute_id: str) -> StripeDispute:
        """As it is now."""
        ...
