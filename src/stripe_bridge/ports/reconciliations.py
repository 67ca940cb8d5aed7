"""What reconciling asks of the store. Everything here happens inside a unit of work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.refund import Refund


class Reconciliations(Protocol):
    """Whose turn it is, and what is not settled yet in an account. The latter in pages that go on after the last one's id."""

    def claim(self, now: datetime, lease_until: datetime) -> int | None:
        """Take the connected integration that is longest due; due again at `lease_until`. No two claimers get the same."""
        ...

    def put_off(self, integration_id: int, until: datetime) -> None:
        """Due no earlier than that: held on to while a run goes on, or until the next run."""
        ...

    def connected(self) -> Sequence[int]:
        """The ids of all connected integrations, oldest first."""
        ...

    def left_since(self, moment: datetime) -> Sequence[int]:
        """The ids of integrations that were disconnected then or later and still are, oldest first."""
        ...

    def invoices(self, account_id: str, after_id: int, limit: int) -> Sequence[Invoice]:
        """Those that Stripe knows and that are neither paid nor void nor abandoned."""
        ...

    def refunds(self, account_id: str, after_id: int, limit: int) -> Sequence[Refund]:
        """Those that are pending, or wait for the customer."""
        ...

    def disputes(self, account_id: str, after_stripe_id: str, limit: int) -> Sequence[Dispute]:
        """Those that have not ended, in the order in which the database sorts their ids."""
        ...

    def newest_event_at(self, account_id: str) -> datetime | None:
        """When, by Stripe's clock, the account's newest event in the inbox was created."""
        ...
