"""What a request left behind."""

from __future__ import annotations

from stripe_bridge.domain.errors.base import RequestNotFound
from stripe_bridge.domain.request_trace import KEPT_FOR, RequestTrace
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock

# More than any request does; a caller may use one id for many.
_MOST = 500
_BATCH_SIZE = 1000


class TraceRequest:
    """What a request changed in this tenant, or in all with None, and which calls to Stripe it led to, whoever made them.

    Raises RequestNotFound.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, request_id: str, tenant_id: str | None = None) -> RequestTrace:
        with self._store.reading() as work:
            entries = work.request_traces.entries(request_id, tenant_id, _MOST)
            intents = work.request_traces.intents(request_id, tenant_id, _MOST)
        if not entries and not intents:
            raise RequestNotFound
        return RequestTrace(request_id=request_id, entries=entries, intents=intents)


class ForgetRequests:
    """Forget which requests things of long ago were done for, a batch at a time. Returns whether there may be more."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self) -> bool:
        with self._store.writing() as work:
            removed = work.request_traces.remove_before(self._clock.now() - KEPT_FOR, _BATCH_SIZE)
            work.commit()
        return removed >= _BATCH_SIZE
