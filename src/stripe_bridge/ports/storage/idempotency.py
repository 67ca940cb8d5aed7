"""Idempotent requests, stored. Everything here happens inside a unit of work."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from stripe_bridge.domain.idempotency import IdempotentRequest, RequestScope


class IdempotentRequests(Protocol):
    def add(self, request: IdempotentRequest) -> bool:
        """Returns False and changes nothing if there is one with the same scope."""
        ...

    def find(self, scope: RequestScope) -> IdempotentRequest | None:
        """Locked."""
        ...

    def save(self, request: IdempotentRequest) -> None:
        """Replace the one with the same scope."""
        ...

    def remove(self, scope: RequestScope) -> None: ...

    def remove_older_than(self, moment: datetime) -> int:
        """Remove those created before; returns how many."""
        ...
