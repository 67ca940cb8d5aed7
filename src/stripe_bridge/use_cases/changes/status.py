"""What is known of a log without reading it: its end, and how far it was last checked."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.domain.changes.entry import Head
from stripe_bridge.domain.changes.verification import LogCheck
from stripe_bridge.ports.storage.unit_of_work import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStatus:
    """Without a head nothing was ever recorded; without a check no worker has come to it yet."""

    head: Head | None
    check: LogCheck | None


class ShowLogStatus:
    """A `tenant_id` of "" means what belongs to no tenant."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str) -> LogStatus:
        with self._store.reading() as work:
            checks = {check.tenant_id: check for check in work.audit.checks()}
            return LogStatus(head=work.changes.head(tenant_id), check=checks.get(tenant_id))
