"""What reconciling needs from the store, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, text, update

from stripe_bridge.adapters.database.mapping import Mapper, table_of
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.accounts import IntegrationRow
from stripe_bridge.adapters.database.tables.inbox import IS_AWAITING, WebhookEventRow
from stripe_bridge.adapters.database.tables.invoicing import (
    IS_CONTRADICTED,
    IS_SETTLED,
    IS_UNCONFIRMED,
    IS_UNFINISHED,
    InvoiceRow,
)
from stripe_bridge.adapters.database.tables.payments import IS_ONGOING, IS_UNDECIDED, DisputeRow, RefundRow
from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.reconciliation import Gap
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.webhook_event import EventStatus

_INTEGRATIONS = table_of(IntegrationRow)
_INTEGRATION = _INTEGRATIONS.c
# Written exactly as in the partial index.
_IS_CONNECTED = text("connected")
# A common table expression is evaluated once; a subquery might be run, and lock, again and again.
_DUE = (
    select(_INTEGRATION.id)
    .where(_IS_CONNECTED, _INTEGRATION.reconcile_due_at <= bindparam("now"))
    .order_by(_INTEGRATION.reconcile_due_at, _INTEGRATION.id)
    .limit(1)
    .with_for_update(skip_locked=True, key_share=True)
    .cte("due")
)
_CLAIM = (
    update(_INTEGRATIONS)
    .where(_INTEGRATION.id.in_(select(_DUE.c.id)))
    .values(reconcile_due_at=bindparam("lease_until"))
    .returning(_INTEGRATION.id)
)
_ONE = update(_INTEGRATIONS).where(_INTEGRATION.id == bindparam("own_id"))
_GAP = select(_INTEGRATION.webhook_gap).where(_INTEGRATION.id == bindparam("own_id"))
_RECONCILED_UNTIL = select(
    func.min(
        func.coalesce(_INTEGRATION.last_reconciled_at, _INTEGRATION.connected_at, _INTEGRATION.created_at)
    )
).where(_IS_CONNECTED)
_CONNECTED = select(_INTEGRATION.id).where(_IS_CONNECTED)

_INVOICES = Mapper(Invoice, InvoiceRow)
_INVOICE = _INVOICES.table.c
_SETTLED = _INVOICES.select.where(
    _INVOICE.stripe_account_id == bindparam("account_id"), IS_SETTLED, _INVOICE.confirm_due_at.is_(None)
).limit(bindparam("limit"))
_NEVER_CONFIRMED = _SETTLED.where(_INVOICE.confirmed_at.is_(None)).order_by(_INVOICE.id)
_CONFIRMED = _SETTLED.where(_INVOICE.confirmed_at.is_not(None)).order_by(_INVOICE.confirmed_at, _INVOICE.id)
_UNCONFIRMED = (
    select(_INVOICE.id)
    .where(IS_UNCONFIRMED, _INVOICE.confirm_due_at <= bindparam("now"))
    .order_by(_INVOICE.confirm_due_at, _INVOICE.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True, key_share=True)
    .cte("due")
)
_CLAIM_UNCONFIRMED = (
    update(_INVOICES.table)
    .where(_INVOICE.id.in_(select(_UNCONFIRMED.c.id)))
    .values(confirm_due_at=bindparam("lease_until"))
    .returning(*_INVOICES.columns)
)
_POSTPONE_CONFIRMATION = (
    update(_INVOICES.table)
    .where(_INVOICE.id == bindparam("own_id"), _INVOICE.confirm_due_at == bindparam("claimed_until"))
    .values(confirm_due_at=bindparam("until"))
)
_CONTRADICTED = (
    _INVOICES.select.where(IS_CONTRADICTED, _INVOICE.contradicted_at >= bindparam("moment"))
    .order_by(_INVOICE.contradicted_at.desc(), _INVOICE.id.desc())
    .limit(bindparam("limit"))
)
_REFUNDS = Mapper(Refund, RefundRow)
_REFUND = _REFUNDS.table.c
_DISPUTES = Mapper(Dispute, DisputeRow)
_DISPUTE = _DISPUTES.table.c
_EVENT = table_of(WebhookEventRow).c
_OVERDUE = (
    select(_EVENT.status, func.count())
    .where(IS_AWAITING, _EVENT.due_at < bindparam("since"))
    .group_by(_EVENT.status)
)


class SqlReconciliations:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def claim(self, now: datetime, lease_until: datetime) -> int | None:
        given = {"now": now, "lease_until": lease_until}
        claimed: int | None = self._transaction.execute(_CLAIM, given).scalar()
        return claimed

    def postpone(self, integration_id: int, until: datetime) -> None:
        self._transaction.execute(_ONE, {"own_id": integration_id, "reconcile_due_at": until})

    def gap(self, integration_id: int) -> Gap | None:
        found: Gap | None = self._transaction.execute(_GAP, {"own_id": integration_id}).scalar()
        return found

    def save_gap(self, integration_id: int, gap: Gap | None) -> None:
        self._transaction.execute(_ONE, {"own_id": integration_id, "webhook_gap": gap})

    def connected(self) -> Sequence[int]:
        return sorted(self._transaction.execute(_CONNECTED).scalars())

    def disconnected_since(self, moment: datetime) -> Sequence[int]:
        # An integration that is connected again no longer has this time.
        left = select(_INTEGRATION.id).where(_INTEGRATION.disconnected_at >= moment)
        return sorted(self._transaction.execute(left).scalars())

    def reconciled_until(self) -> datetime | None:
        found: datetime | None = self._transaction.execute(_RECONCILED_UNTIL).scalar()
        return found

    def invoices(self, account_id: str, after_id: int, limit: int) -> Sequence[Invoice]:
        of_account = _INVOICES.select.where(
            _INVOICE.stripe_account_id == account_id, IS_UNFINISHED, _INVOICE.id > after_id
        )
        return self._transaction.list(_INVOICES, of_account.order_by(_INVOICE.id).limit(limit))

    def settled_invoices(self, account_id: str, limit: int) -> Sequence[Invoice]:
        """Two statements, as the databases do not agree on whether NULL comes first."""
        never = self._transaction.list(_INVOICES, _NEVER_CONFIRMED, account_id=account_id, limit=limit)
        if len(never) == limit:
            return never
        left = limit - len(never)
        return [*never, *self._transaction.list(_INVOICES, _CONFIRMED, account_id=account_id, limit=left)]

    def claim_unconfirmed(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[Invoice]:
        given = {"now": now, "lease_until": lease_until, "limit": limit}
        claimed = self._transaction.list(_INVOICES, _CLAIM_UNCONFIRMED, **given)
        return sorted(claimed, key=lambda each: each.id)

    def postpone_confirmation(self, claimed: Invoice, until: datetime) -> None:
        given = {"own_id": claimed.id, "claimed_until": claimed.confirm_due_at, "until": until}
        self._transaction.execute(_POSTPONE_CONFIRMATION, given)

    def contradicted_since(self, moment: datetime, limit: int) -> Sequence[Invoice]:
        return self._transaction.list(_INVOICES, _CONTRADICTED, moment=moment, limit=limit)

    def refunds(self, account_id: str, after_id: int, limit: int) -> Sequence[Refund]:
        of_account = _REFUNDS.select.where(
            _REFUND.account_id == account_id, IS_UNDECIDED, _REFUND.id > after_id
        )
        return self._transaction.list(_REFUNDS, of_account.order_by(_REFUND.id).limit(limit))

    def disputes(self, account_id: str, after_stripe_id: str, limit: int) -> Sequence[Dispute]:
        of_account = _DISPUTES.select.where(
            _DISPUTE.account_id == account_id, IS_ONGOING, _DISPUTE.stripe_id > after_stripe_id
        )
        return self._transaction.list(_DISPUTES, of_account.order_by(_DISPUTE.stripe_id).limit(limit))

    def newest_event_at(self, account_id: str) -> datetime | None:
        newest = select(func.max(_EVENT.event_created_at)).where(_EVENT.account_id == account_id)
        found: datetime | None = self._transaction.execute(newest).scalar()
        return found

    def overdue_events(self, since: datetime) -> Mapping[EventStatus, int]:
        found: Sequence[Any] = self._transaction.execute(_OVERDUE, {"since": since}).all()
        return dict(found)
