"""Checking a log step by step: its chain a page at a time, then its objects a page of orders at a time.

Each step sees one state of the database, so that whatever is committed meanwhile is either in it whole or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from stripe_bridge.domain.changes.recorder import LogState
from stripe_bridge.domain.changes.verification import (
    ComparedObject,
    Fault,
    Position,
    compare,
    end_fault,
    follow,
    gone_fault,
    held_fault,
)
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork

ENTRIES_A_STEP = 1000
ORDERS_A_STEP = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStep:
    """`position` is the last entry that is in order."""

    position: Position
    examined: int
    is_end: bool
    fault: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStep:
    """`last_order_id` None means that there are no more. `unrecorded` objects are not in the log, or not as they are."""

    last_order_id: int | None
    compared: int
    faults: Sequence[Fault] = ()
    unrecorded: Sequence[ComparedObject] = field(default=())


def step_chain(work: UnitOfWork, tenant_id: str, position: Position) -> ChainStep:
    """Follow the chain from what was reached before, which has to be there still."""
    head = work.changes.head(tenant_id)
    # With the entry that was reached.
    found = work.audit.entries(tenant_id, max(position.sequence - 1, 0), ENTRIES_A_STEP)
    entries = found if position.sequence == 0 else found[1:]
    is_end = len(found) < ENTRIES_A_STEP
    fault = held_fault(position, found[0] if found else None, head)
    if fault is not None:
        return ChainStep(position=position, examined=len(entries), is_end=is_end, fault=fault)
    reached, fault = follow(position, entries)
    in_order = entries[: reached.sequence - position.sequence]
    bare = [entry for entry in in_order if entry.content is None]
    purges = work.audit.purges(tenant_id) if bare or is_end else []
    fault = gone_fault(bare, purges) or fault
    if is_end and fault is None:
        fault = end_fault(reached, head, purges)
    return ChainStep(position=reached, examined=len(entries), is_end=is_end, fault=fault)


def step_objects(work: UnitOfWork, tenant_id: str, after: int) -> ObjectStep:
    """Compare the objects of the next orders. `after` 0 begins, also with those of no order."""
    compared, last = work.audit.objects_of_orders(tenant_id, after, ORDERS_A_STEP)
    if after == 0:
        compared = [*work.audit.objects_of_no_order(tenant_id), *compared]
    found = [(each, compare(each)) for each in compared]
    return ObjectStep(
        last_order_id=last,
        compared=len(compared),
        faults=[outcome for _, outcome in found if isinstance(outcome, Fault)],
        unrecorded=[each for each, outcome in found if isinstance(outcome, LogState)],
    )
