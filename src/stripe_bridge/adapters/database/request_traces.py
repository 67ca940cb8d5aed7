"""Notes what a request leaves behind, in the transaction that does it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.dialects.postgresql import insert

from stripe_bridge.adapters.database.mapping import Mapper
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.requests import RequestTraceRow
from stripe_bridge.domain.request_trace import Trace

TRACES = Mapper(Trace, RequestTraceRow)
_ADD = insert(TRACES.table)


def note_traces(transaction: Transaction, traces: Sequence[Trace]) -> None:
    if traces:
        transaction.execute_many(_ADD, [TRACES.values(trace) for trace in traces])
