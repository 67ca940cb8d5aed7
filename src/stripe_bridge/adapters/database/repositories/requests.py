"""What requests left behind, read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, delete, select, tuple_

from stripe_bridge.adapters.database.change_log import ENTRIES
from stripe_bridge.adapters.database.repositories.intents import INTENTS
from stripe_bridge.adapters.database.request_traces import TRACES
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.domain.changes.entry import Entry
from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.request_trace import TraceKind

_TRACE, _ENTRY, _INTENT = TRACES.table.c, ENTRIES.table.c, INTENTS.table.c
_ENTRIES = (
    ENTRIES.select.join(
        TRACES.table, and_(_TRACE.tenant_id == _ENTRY.tenant_id, _TRACE.object_id == _ENTRY.sequence)
    )
    .where(_TRACE.kind == TraceKind.CHANGE)
    .order_by(_ENTRY.occurred_at, _ENTRY.tenant_id, _ENTRY.sequence)
)
_INTENTS = (
    INTENTS.select.join(TRACES.table, _TRACE.object_id == _INTENT.id)
    .where(_TRACE.kind == TraceKind.INTENT)
    .order_by(_INTENT.id)
)
_KEY = tuple_(*TRACES.table.primary_key)


class SqlRequestTraces:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def entries(self, request_id: str, tenant_id: str | None, limit: int) -> Sequence[Entry]:
        if not _can_be_stored(request_id):
            return []
        return self._transaction.list(ENTRIES, _of(_ENTRIES, request_id, tenant_id).limit(limit))

    def intents(self, request_id: str, tenant_id: str | None, limit: int) -> Sequence[Intent]:
        if not _can_be_stored(request_id):
            return []
        return self._transaction.list(INTENTS, _of(_INTENTS, request_id, tenant_id).limit(limit))

    def remove_before(self, moment: datetime, limit: int) -> int:
        old = select(*TRACES.table.primary_key).where(_TRACE.noted_at < moment)
        statement = delete(TRACES.table).where(_KEY.in_(old.order_by(_TRACE.noted_at).limit(limit)))
        return self._transaction.execute(statement).rowcount


def _can_be_stored(request_id: str) -> bool:
    """PostgreSQL refuses even to look for a NUL character, and an address may have one."""
    return "\0" not in request_id


def _of(statement: Select[Any], request_id: str, tenant_id: str | None) -> Select[Any]:
    found = statement.where(_TRACE.request_id == request_id)
    return found if tenant_id is None else found.where(_TRACE.tenant_id == tenant_id)
