"""Idempotent requests in memory."""

from datetime import datetime

from stripe_bridge.domain.idempotency import IdempotentRequest, RequestScope
from tests.fakes.storage.tables import Tables


class FakeIdempotentRequests:
    def __init__(self, tables: Tables) -> None:
        self._requests = tables.idempotent_requests

    def add(self, request: IdempotentRequest) -> bool:
        if self._requests.find(request.scope, lock=True) is not None:
            return False
        self._requests.put(request.scope, request)
        return True

    def find(self, scope: RequestScope) -> IdempotentRequest | None:
        return self._requests.find(scope, lock=True)

    def save(self, request: IdempotentRequest) -> None:
        if self._requests.find(request.scope, lock=True) is not None:
            self._requests.put(request.scope, request)

    def remove(self, scope: RequestScope) -> None:
        self._requests.remove(scope)

    def remove_older_than(self, moment: datetime) -> int:
        old = [scope for scope, request in self._requests.rows.items() if request.created_at <= moment]
        for scope in old:
            self._requests.remove(scope)
        return len(old)
