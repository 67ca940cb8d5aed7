"""A tenant's log with something in it, and somebody who changes what is stored."""

from dataclasses import replace
from typing import Any

from stripe_bridge.domain.invoice import Invoice
from tests.world import World


def used(world: World) -> Invoice:
    """A tenant that has been paid, and has paid back."""
    invoice = world.paid()
    world.refund(invoice.id, 100)
    world.come_to_rest()
    return world.invoice(invoice.id)


def length(world: World) -> int:
    with world.store.reading() as work:
        head = work.changes.head(world.tenant)
    return 0 if head is None else head.sequence


def alter(world: World, sequence: int, **changes: Any) -> None:
    """An entry, past everything."""
    tables = world.store.committed
    key = world.tenant, sequence
    tables.changes.rows = {**tables.changes.rows, key: replace(tables.changes.rows[key], **changes)}


def remove(world: World, *sequences: int) -> None:
    tables = world.store.committed
    gone = {(world.tenant, sequence) for sequence in sequences}
    tables.changes.rows = {key: each for key, each in tables.changes.rows.items() if key not in gone}
