"""What reconciling needs from the store. Everything here happens inside a unit of work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.reconciliation import Gap
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.webhook_event import EventStatus


class Reconciliations(Protocol):
    """Whose turn it is, and what is not settled yet in an account, in pages that continue after the last object's id."""

    def claim(self, now: datetime, lease_until: datetime) -> int | None:
        """Claim the connected integration that is longest overdue; it is due again at `lease_until`. No two claimers get the
        same one."""
        ...

    def postpone(self, integration_id: int, until: datetime) -> None:
        """Make it due no earlier than that: to hold on to it during a run, or until the next run."""
        ...

    def gap(self, integration_id: int) -> Gap | None:
        """The gap that was saved last, if any."""
        ...

    def save_gap(self, integration_id: int, gap: Gap | None) -> None: ...

    def connected(self) -> Sequence[int]:
        """The ids of all connected integrations, oldest first."""
        ...

    def disconnected_since(self, moment: datetime) -> Sequence[int]:
        """The ids of integrations that were disconnected then or later and still are, oldest first."""
        ...

    def reconciled_until(self) -> datetime | None:
        """Until when everything is known of the connected integration that is furthest behind; None if none is connected."""
        ...

    def invoices(self, account_id: str, after_id: int, limit: int) -> Sequence[Invoice]:
        """Invoices that exist at Stripe and are neither paid, void nor abandoned."""
        ...

    def settled_invoices(self, account_id: str, limit: int) -> Sequence[Invoice]:
        """Paid ones that nobody is going to confirm anyway: first those that were never confirmed, oldest first; then those
        that were confirmed longest ago."""
        ...

    def claim_unconfirmed(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[Invoice]:
        """Claim invoices that are due to be confirmed, over all tenants, longest due first; they are due again at
        `lease_until`, and keep their version. No two claimers get the same one."""
        ...

    def postpone_confirmation(self, claimed: Invoice, until: datetime) -> None:
        """Make a claimed invoice due then, unless it has been saved or claimed again since."""
        ...

    def contradicted_since(self, moment: datetime, limit: int) -> Sequence[Invoice]:
        """Invoices for which Stripe showed less than an event had said, then or later, newest first. Over all tenants."""
        ...

    def refunds(self, account_id: str, after_id: int, limit: int) -> Sequence[Refund]:
        """Refunds that are pending or waiting for the customer."""
        ...

    def disputes(self, account_id: str, after_stripe_id: str, limit: int) -> Sequence[Dispute]:
        """Disputes that have not ended, in the order in which the database sorts their ids."""
        ...

    def newest_event_at(self, account_id: str) -> datetime | None:
        """When, by Stripe's clock, the account's newest event in the inbox was created."""
        ...

    def overdue_events(self, since: datetime) -> Mapping[EventStatus, int]:
        """How many events were due by then and are not being applied: received ones, and those whose worker is gone. Over all
        tenants."""
        ...
