"""Idempotent requests, stored. Everything here happens inside a unit of work."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from stripe_bridge.domain.idempotency import IdempotentRequest, RequestScope


class IdempotentRequests(Protocol):
    def add(self, request: IdempotentRequest) -> bool:
        """False, and no change, when one of the same scope is there."""
        ...

    def find(self, scope: RequestScope) -> IdempotentRequest | None:
        """Locked."""
        ...

    def save(self, request: IdempotentRequest) -> None:
        """In place of the one of the same scope."""
        ...

    def remove(self, scope: RequestScope) -> None: ...

    def remove_older_than(self, moment: datetime) -> int:
        """Those made before; how many there were."""
        ...
