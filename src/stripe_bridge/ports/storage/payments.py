"""Payments of invoices, refunds and disputes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.payment import Payment
from stripe_bridge.domain.refund import Refund


class Payments(Protocol):
    """An invoice's payments; one per Stripe invoice payment."""

    def find(self, account_id: str, payment_intent_id: str) -> Payment | None: ...

    def of_invoice(self, invoice_id: int) -> Sequence[Payment]:
        """In the order of their Stripe ids."""
        ...

    def of_invoices(self, invoice_ids: Sequence[int]) -> Mapping[int, Sequence[Payment]]:
        """Like `of_invoice`, by invoice; those without payments have an empty list."""
        ...

    def put(self, payment: Payment) -> None:
        """Insert, or replace the one with the same account and Stripe id."""
        ...


class Refunds(Protocol):
    def add(self, refund: Refund) -> Refund: ...

    def restore(self, refund: Refund) -> bool:
        """Add it under the id that it has. Returns False and changes nothing if that id is taken."""
        ...

    def find(self, refund_id: int) -> Refund | None: ...

    def find_by_stripe_id(self, account_id: str, stripe_refund_id: str) -> Refund | None: ...

    def find_by_reference(self, reference: str) -> Refund | None: ...

    def of_invoice(self, invoice_id: int) -> Sequence[Refund]:
        """Newest first, including refused ones."""
        ...

    def of_invoices(self, invoice_ids: Sequence[int]) -> Mapping[int, Sequence[Refund]]:
        """Like `of_invoice`, by invoice; those without refunds have an empty list."""
        ...

    def duplicates(self) -> Sequence[Refund]:
        """Those of all tenants that are duplicates of others, oldest first."""
        ...

    def save(self, refund: Refund) -> Refund: ...


class Disputes(Protocol):
    def find(self, account_id: str, stripe_dispute_id: str) -> Dispute | None: ...

    def of_invoice(self, invoice_id: int) -> Sequence[Dispute]:
        """Newest first."""
        ...

    def of_invoices(self, invoice_ids: Sequence[int]) -> Mapping[int, Sequence[Dispute]]:
        """Like `of_invoice`, by invoice; those without disputes have an empty list."""
        ...

    def put(self, dispute: Dispute) -> None:
        """Insert, or replace the one with the same account and Stripe id."""
        ...
