"""What the doctor checks about change logs: a part of them each time, and what workers have found since."""

from __future__ import annotations

from collections.abc import Iterator

from stripe_bridge.domain.changes.change import NO_TENANT
from stripe_bridge.domain.changes.verification import LogCheck
from stripe_bridge.domain.finding import Finding, for_tenant
from stripe_bridge.ports.storage.changes import Backfill
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.use_cases.changes.check import CheckNextChanges


class DiagnoseChanges:
    def __init__(self, store: Store, check_next: CheckNextChanges) -> None:
        self._store, self._check_next = store, check_next

    def __call__(self) -> Iterator[Finding]:
        self._check_next()
        with self._store.reading() as work:
            checks, backfill = work.audit.checks(), work.existing.progress()
        for check in sorted(checks, key=lambda check: check.tenant_id):
            if check.fault_kind is not None:
                yield _broken(check)
        # Of a database that is new there is nothing to say before a worker has looked.
        if backfill.recorded and not backfill.is_complete:
            yield _incomplete(backfill)


def _incomplete(backfill: Backfill) -> Finding:
    return Finding.note(
        "change log",
        f"objects from before the log are still being recorded: {backfill.recorded} so far",
        "Workers do this; the feed says `complete: false` until it is done.",
    )


def _broken(check: LogCheck) -> Finding:
    is_service = check.tenant_id == NO_TENANT
    subject = "change log of the service" if is_service else f"change log of {check.tenant_id}"
    where = "" if check.fault_sequence is None else f" at entry {check.fault_sequence}"
    verify = "stripe-bridge changes verify"
    verify = f"{verify} --service" if is_service else for_tenant(verify, check.tenant_id)
    return Finding.error(
        subject,
        f"{check.fault_kind}{where}: {check.fault_what}",
        f"{verify} shows details; the database was changed by hand, or restored in part",
    )
