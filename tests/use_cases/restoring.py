"""A database that is lost, and an older state of it that is restored."""

from datetime import timedelta
from typing import Any

from stripe_bridge.domain.reconciliation import ReconcileReport
from stripe_bridge.domain.recovery import RecoveryHold
from stripe_bridge.use_cases.reconciliation.recover import Recovery
from tests.builders import NOW
from tests.fakes.storage.tables import Tables
from tests.world import World

ALL = Recovery(since=NOW - timedelta(days=365))


def back_up(world: World) -> Tables:
    return world.store.committed


def restore(world: World, backup: Tables) -> None:
    """Ids are given out again, as a real database does."""
    tables = backup.copy()
    for table in vars(tables).values():
        numbers = [key for key in table.rows if isinstance(key, int)]
        table.ids = type(table.ids)(given=max(numbers, default=0))
    tables.freeze()
    world.store.committed = tables


def recover(world: World, recovery: Recovery = ALL) -> ReconcileReport:
    report: ReconcileReport = world.bridge.reconciliation.reconcile(world.integration_id, recovery=recovery)
    return report


def holds(world: World) -> list[RecoveryHold]:
    with world.store.reading() as work:
        return list(work.recoveries.open_holds())


def unresolved(world: World) -> list[Any]:
    with world.store.reading() as work:
        return list(work.recoveries.all_unresolved())
