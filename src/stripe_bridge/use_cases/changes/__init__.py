"""The change log, read and checked: what was recorded of our own objects, in the order in which it became true."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.use_cases.changes.existing import RecordExisting, ShowBackfill


@dataclass(frozen=True, kw_only=True)
class Changes:
    record_existing: RecordExisting
    show_backfill: ShowBackfill


def build_changes(adapters: Adapters) -> Changes:
    store, clock = adapters.store, adapters.clock
    return Changes(
        record_existing=RecordExisting(store, clock),
        show_backfill=ShowBackfill(store),
    )
