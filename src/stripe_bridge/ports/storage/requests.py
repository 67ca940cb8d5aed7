"""What requests left behind, by their ids. It is noted with what they do: by adding an intent, and by the commit's entries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from stripe_bridge.domain.changes.entry import Entry
from stripe_bridge.domain.intent import Intent


class RequestTraces(Protocol):
    def entries(self, request_id: str, tenant_id: str | None, limit: int) -> Sequence[Entry]:
        """Of this tenant's log, of all with None; oldest first."""
        ...

    def intents(self, request_id: str, tenant_id: str | None, limit: int) -> Sequence[Intent]:
        """Of this tenant, of all with None; oldest first."""
        ...

    def remove_before(self, moment: datetime, limit: int) -> int:
        """The oldest ones. How many there were."""
        ...
