from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from stripe_bridge.domain.dispute import ENDED, Dispute
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.reconciliation import Gap, reconciled_until
from stripe_bridge.domain.refund import Refund, RefundState
from stripe_bridge.domain.webhook_event import EventStatus
from tests.fakes.storage.tables import Tables

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNFINISHED = (InvoiceStatus.DRAFT, InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE)
_AWAITING = (EventStatus.RECEIVED, EventStatus.PROCESSING)
_UNDECIDED = (RefundState.PENDING, RefundState.REQUIRES_ACTION)


class FakeReconciliations:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def claim(self, now: datetime, lease_until: datetime) -> int | None:
        self._tables.reconcile_due.check_writable(True)
        due = [(self._due_at(id_), id_) for id_ in self.connected() if self._due_at(id_) <= now]
        if not due:
            return None
        _, longest = min(due)
        self.postpone(longest, lease_until)
        return longest

    def postpone(self, integration_id: int, until: datetime) -> None:
        self._tables.reconcile_due.put(integration_id, until)

    def gap(self, integration_id: int) -> Gap | None:
        return self._tables.gaps.find(integration_id)

    def save_gap(self, integration_id: int, gap: Gap | None) -> None:
        self._tables.gaps.put(integration_id, gap)

    def connected(self) -> Sequence[int]:
        return sorted(each.id for each in self._tables.integrations.matching(lambda each: each.connected))

    def disconnected_since(self, moment: datetime) -> Sequence[int]:
        left = self._tables.integrations.matching(
            lambda each: (
                not each.connected and each.disconnected_at is not None and each.disconnected_at >= moment
            )
        )
        return sorted(each.id for each in left)

    def reconciled_until(self) -> datetime | None:
        connected = self._tables.integrations.matching(lambda each: each.connected)
        return min(map(reconciled_until, connected), default=None)

    def invoices(self, account_id: str, after_id: int, limit: int) -> Sequence[Invoice]:
        return self._tables.invoices.matching(
            lambda each: (
                each.stripe_account_id == account_id and each.status in _UNFINISHED and each.id > after_id
            )
        )[:limit]

    def settled_invoices(self, account_id: str, limit: int) -> Sequence[Invoice]:
        settled = self._tables.invoices.matching(
            lambda each: (
                each.stripe_account_id == account_id
                and each.status is InvoiceStatus.PAID
                and each.confirm_due_at is None
            )
        )
        return sorted(settled, key=lambda each: (each.confirmed_at or _EPOCH, each.id))[:limit]

    def claim_unconfirmed(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[Invoice]:
        invoices = self._tables.invoices
        invoices.check_writable(True)
        due = invoices.matching(lambda each: each.confirm_due_at is not None and each.confirm_due_at <= now)
        longest = sorted(due, key=lambda each: (each.confirm_due_at or now, each.id))[:limit]
        claimed = [replace(each, confirm_due_at=lease_until) for each in longest]
        for each in claimed:
            invoices.put(each.id, each)
        return sorted(claimed, key=lambda each: each.id)

    def postpone_confirmation(self, claimed: Invoice, until: datetime) -> None:
        stored = self._tables.invoices.find(claimed.id, lock=True)
        if stored is not None and stored.confirm_due_at == claimed.confirm_due_at:
            self._tables.invoices.put(stored.id, replace(stored, confirm_due_at=until))

    def contradicted_since(self, moment: datetime, limit: int) -> Sequence[Invoice]:
        found = self._tables.invoices.matching(
            lambda each: each.contradicted_at is not None and each.contradicted_at >= moment
        )
        return sorted(found, key=lambda each: (each.contradicted_at or _EPOCH, each.id), reverse=True)[:limit]

    def refunds(self, account_id: str, after_id: int, limit: int) -> Sequence[Refund]:
        return self._tables.refunds.matching(
            lambda each: each.account_id == account_id and each.state in _UNDECIDED and each.id > after_id
        )[:limit]

    def disputes(self, account_id: str, after_stripe_id: str, limit: int) -> Sequence[Dispute]:
        found = self._tables.disputes.matching(
            lambda each: (
                each.account_id == account_id
                and each.status not in ENDED
                and each.stripe_id > after_stripe_id
            )
        )
        return sorted(found, key=lambda each: each.stripe_id)[:limit]

    def newest_event_at(self, account_id: str) -> datetime | None:
        events = self._tables.events.matching(lambda each: each.account_id == account_id)
        return max((each.event_created_at for each in events), default=None)

    def overdue_events(self, since: datetime) -> Mapping[EventStatus, int]:
        overdue = self._tables.events.matching(lambda each: each.status in _AWAITING and each.due_at < since)
        return Counter(each.status for each in overdue)

    def _due_at(self, integration_id: int) -> datetime:
        return self._tables.reconcile_due.find(integration_id) or _EPOCH
