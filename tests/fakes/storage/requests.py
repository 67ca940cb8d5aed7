"""What requests left behind, on the tables of one transaction."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from stripe_bridge.domain.changes.entry import Entry
from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.request_trace import Trace, TraceKind
from tests.fakes.storage.tables import Tables


class FakeRequestTraces:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def entries(self, request_id: str, tenant_id: str | None, limit: int) -> Sequence[Entry]:
        traces = self._traces(request_id, tenant_id, TraceKind.CHANGE)
        found = [self._tables.changes.rows[trace.tenant_id, trace.object_id] for trace in traces]
        return sorted(found, key=lambda each: (each.occurred_at, each.tenant_id, each.sequence))[:limit]

    def intents(self, request_id: str, tenant_id: str | None, limit: int) -> Sequence[Intent]:
        traces = self._traces(request_id, tenant_id, TraceKind.INTENT)
        found = [self._tables.intents.rows[trace.object_id] for trace in traces]
        return sorted(found, key=lambda each: each.id)[:limit]

    def remove_before(self, moment: datetime, limit: int) -> int:
        old = self._tables.request_traces.matching(lambda each: each.noted_at < moment)
        removed = sorted(old, key=lambda each: each.noted_at)[:limit]
        for trace in removed:
            self._tables.request_traces.remove(trace)
        return len(removed)

    def _traces(self, request_id: str, tenant_id: str | None, kind: TraceKind) -> Iterator[Trace]:
        for trace in self._tables.request_traces.rows.values():
            is_asked = tenant_id is None or trace.tenant_id == tenant_id
            if trace.request_id == request_id and trace.kind is kind and is_asked:
                yield trace
