"""Stripe's own list of what happened in a connected account."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol


class EventGateway(Protocol):
    def pages_since(self, account_id: str, since: datetime) -> Iterator[Sequence[bytes]]:
        """All events created at `since` or later, newest first, in pages of at most 100.

        Each event is like the body of a webhook: the JSON of a snapshot event, with `account` set. Stripe keeps events for
        30 days. Pages are fetched as they are consumed, and each may raise GatewayError, including AccessRevoked.
        """
        ...
