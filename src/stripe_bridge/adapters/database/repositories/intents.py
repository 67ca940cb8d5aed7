"""Intents, stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, exists, func, select

from stripe_bridge.adapters.database.any_of import any_of
from stripe_bridge.adapters.database.mapping import AggregateMapper, UniqueRule, table_of, with_lock
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.base import is_among
from stripe_bridge.adapters.database.tables.intents import IS_UNSETTLED, IntentRow
from stripe_bridge.adapters.database.tables.recovery import IS_HOLD_OPEN, RecoveryHoldRow
from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.recovery import EVERYONE
from stripe_bridge.domain.request_trace import traces_of_intent
from stripe_bridge.ports.metrics import QueueDepth
from stripe_bridge.ports.storage.intents import IntentFilter, Leased
from stripe_bridge.ports.storage.unit_of_work import IntentUnsettled

INTENTS = AggregateMapper(
    Intent,
    IntentRow,
    rule=UniqueRule.of(IntentRow, "uq_intents_unsettled", IntentUnsettled),
    # What was decided before the call.
    fixed=frozenset(
        "tenant_id integration_id account_id operation subject invoice_id parameters reference created_at origin".split()
    ),
)
_INTENT = INTENTS.table.c
_HOLD = table_of(RecoveryHoldRow).c
_ADD_LEASED = INTENTS.insert.returning(
    exists()
    .where(_HOLD.tenant_id.in_([EVERYONE, bindparam("held_tenant_id")]), IS_HOLD_OPEN)
    .label("may_be_held")
)
_BY_ID = with_lock(INTENTS.select.where(_INTENT.id == bindparam("id")))
_BY_REFERENCE = INTENTS.select.where(_INTENT.reference == bindparam("reference"))
_UNSETTLED_ON = INTENTS.select.where(_INTENT.subject == bindparam("subject"), IS_UNSETTLED)
_UNSETTLED_FOR = (
    select(_INTENT.id).where(_INTENT.invoice_id == bindparam("invoice_id"), IS_UNSETTLED).limit(1)
)
_OF_INVOICE = (
    INTENTS.select.where(_INTENT.invoice_id == bindparam("invoice_id"))
    .order_by(_INTENT.id.desc())
    .limit(bindparam("limit"))
)
_WITH_REFERENCES = INTENTS.select.where(any_of(_INTENT.reference, "references"))
_UNSETTLED_OF = INTENTS.select.where(
    _INTENT.integration_id == bindparam("integration_id"), IS_UNSETTLED
).order_by(_INTENT.id)
# There are few, and an index of them all: by time.
_UNSETTLED_IN = INTENTS.select.where(_INTENT.account_id == bindparam("account_id"), IS_UNSETTLED).order_by(
    _INTENT.due_at, _INTENT.id
)
_DEPTH = (
    select(_INTENT.state, func.count(), func.min(_INTENT.created_at))
    .where(IS_UNSETTLED)
    .group_by(_INTENT.state)
)


class SqlIntents:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, intent: Intent) -> Intent:
        intent = self._with_origin(intent)
        added = replace(intent, id=self._transaction.add(INTENTS, intent))
        self._transaction.traces += traces_of_intent(added)
        return added

    def add_leased(self, intent: Intent) -> Leased:
        intent = self._with_origin(intent)
        row = self._transaction.insert(INTENTS, _ADD_LEASED, intent, held_tenant_id=intent.tenant_id)
        added = replace(intent, id=row.id)
        self._transaction.traces += traces_of_intent(added)
        return Leased(added, may_be_held=bool(row.may_be_held))

    def _with_origin(self, intent: Intent) -> Intent:
        if intent.origin is not None or self._transaction.recorder is None:
            return intent
        return replace(intent, origin=self._transaction.recorder.origin)

    def find(self, intent_id: int, *, lock: bool = False) -> Intent | None:
        return self._transaction.find(INTENTS, _BY_ID[lock], id=intent_id)

    def find_by_reference(self, reference: str) -> Intent | None:
        return self._transaction.find(INTENTS, _BY_REFERENCE, reference=reference)

    def find_unsettled(self, subject: str) -> Intent | None:
        return self._transaction.find(INTENTS, _UNSETTLED_ON, subject=subject)

    def is_unsettled_for(self, invoice_id: int) -> bool:
        return self._transaction.execute(_UNSETTLED_FOR, {"invoice_id": invoice_id}).first() is not None

    def of_invoice(self, invoice_id: int, limit: int) -> Sequence[Intent]:
        return self._transaction.list(INTENTS, _OF_INVOICE, invoice_id=invoice_id, limit=limit)

    def with_references(self, references: Sequence[str]) -> Sequence[Intent]:
        found = self._transaction.list(INTENTS, _WITH_REFERENCES, references=list(references))
        return sorted(found, key=lambda intent: intent.id, reverse=True)

    def unsettled_of_integration(self, integration_id: int) -> Sequence[Intent]:
        return self._transaction.list(INTENTS, _UNSETTLED_OF, integration_id=integration_id)

    def unsettled_in_account(self, account_id: str) -> Sequence[Intent]:
        return self._transaction.list(INTENTS, _UNSETTLED_IN, account_id=account_id)

    def due(self, now: datetime, limit: int) -> Sequence[int]:
        statement = select(_INTENT.id).where(IS_UNSETTLED, _INTENT.due_at <= now)
        longest_due = statement.order_by(_INTENT.due_at, _INTENT.id).limit(limit)
        return list(self._transaction.execute(longest_due).scalars())

    def backlog(self, tenant_id: str | None = None) -> QueueDepth:
        statement = _DEPTH if tenant_id is None else _DEPTH.where(_INTENT.tenant_id == tenant_id)
        found: Sequence[Any] = self._transaction.execute(statement).all()
        return QueueDepth(
            by_status={state: number for state, number, _ in found},
            oldest_at=min((row[2] for row in found), default=None),
        )

    def page(self, matching: IntentFilter, request: PageRequest) -> Page[Intent]:
        statement = INTENTS.select
        if matching.tenant_id is not None:
            statement = statement.where(_INTENT.tenant_id == matching.tenant_id)
        if matching.integration_id is not None:
            statement = statement.where(_INTENT.integration_id == matching.integration_id)
        if matching.states is not None:
            statement = statement.where(is_among("state", matching.states))
        if matching.operations is not None:
            statement = statement.where(_INTENT.operation.in_(matching.operations))
        return self._transaction.page(INTENTS, statement, request)

    def save(self, intent: Intent) -> Intent:
        return self._transaction.save(INTENTS, intent)
