"""Notes what a request leaves behind, in the transaction that does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, DateTime, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.types import TypeEngine

from stripe_bridge.adapters.database.mapping import Mapper
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.requests import RequestTraceRow
from stripe_bridge.domain.request_trace import Trace

TRACES = Mapper(Trace, RequestTraceRow)
_ADD = insert(TRACES.table)
_TYPES: Mapping[str, TypeEngine[Any]] = {
    "request_id": Text(),
    "tenant_id": Text(),
    "kind": Text(),
    "object_id": BigInteger(),
    "noted_at": DateTime(timezone=True),
}
_ROWS = (
    func.unnest(*(bindparam(f"trace_{name}", type_=ARRAY(type_)) for name, type_ in _TYPES.items()))
    .table_valued(*_TYPES)
    .render_derived()
)
# On PostgreSQL, as a part of another statement.
ADD_WITH_IT = _ADD.from_select(list(_TYPES), select(*_ROWS.c)).cte("traced")


def take_traces(transaction: Transaction) -> dict[str, list[Any]]:
    """What `ADD_WITH_IT` is given to write them."""
    taken, transaction.traces = transaction.traces, []
    return {f"trace_{name}": [getattr(trace, name) for trace in taken] for name in _TYPES}


def note_traces(transaction: Transaction, traces: Sequence[Trace]) -> None:
    if traces:
        transaction.execute_many(_ADD, [TRACES.values(trace) for trace in traces])
