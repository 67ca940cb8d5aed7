"""Notes what a request leaves behind, in the transaction that does it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.dialects.postgresql import insert

from stripe_bridge.adapters.database.mapping import Mapper
from stripe_bridge.adapters.database.statements import Transaction
from stripe_bridge.adapters.database.tables.requests import RequestTraceRow
from stripe_bridge.adapters.database.together import insert_together
from stripe_bridge.domain.request_trace import Trace

TRACES = Mapper(Trace, RequestTraceRow)
_ADD, _ADD_ALL = insert(TRACES.table), insert_together(TRACES.table)
# On PostgreSQL, as a part of another statement.
ADD_WITH_IT = _ADD_ALL.statement.cte("traced")


def take_traces(transaction: Transaction) -> dict[str, str]:
    """What `ADD_WITH_IT` is given to write them."""
    taken, transaction.traces = transaction.traces, []
    return _ADD_ALL.parameters([TRACES.values(trace) for trace in taken], transaction.dialect)


def note_traces(transaction: Transaction, traces: Sequence[Trace]) -> None:
    transaction.execute_many(_ADD, [TRACES.values(trace) for trace in traces], _ADD_ALL)
