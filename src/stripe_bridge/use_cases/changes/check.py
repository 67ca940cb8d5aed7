"""Verifying logs little by little, so that tampering shows without anybody asking."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from stripe_bridge.domain.changes.verification import Fault, LogCheck, held_fault
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.system import Clock, never_stopping
from stripe_bridge.use_cases.changes.walk import step_chain, step_objects

_log = logging.getLogger(__name__)
# Entries and objects that one run looks at, in so many steps of a transaction each.
_EXAMINED_A_RUN = 10_000
_STEPS_A_RUN = 50
# Each log is checked again from its beginning so long after it was last found in order.
_CHECKED_EVERY = timedelta(days=1)


class CheckNextChanges:
    """Check a part of the logs, going on where the last run ended. Returns how many entries and objects were looked at.

    Where something is wrong a log's check stops, and looks at the same place again with each run.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self, is_stopping: Callable[[], bool] = never_stopping) -> int:
        examined, steps = 0, _STEPS_A_RUN
        waiting = deque(self._due())
        while waiting and steps and examined < _EXAMINED_A_RUN and not is_stopping():
            check, looked_at = self._advance(waiting.popleft())
            examined, steps = examined + looked_at, steps - 1
            if check.completed_at is None and check.fault_kind is None:
                waiting.appendleft(check)
        return examined

    def _due(self) -> Sequence[LogCheck]:
        """Those that have waited longest first."""
        now = self._clock.now()
        with self._store.reading() as work:
            checks = {check.tenant_id: check for check in work.audit.checks()}
            heads = work.changes.all_heads()
        new = [
            LogCheck(tenant_id=head.tenant_id, checked_at=now)
            for head in heads
            if head.tenant_id not in checks
        ]
        started = sorted(checks.values(), key=lambda check: check.checked_at)
        due = [
            each for each in started if each.completed_at is None or each.completed_at <= now - _CHECKED_EVERY
        ]
        return [*new, *due]

    def _advance(self, check: LogCheck) -> tuple[LogCheck, int]:
        now = self._clock.now()
        with self._store.reading() as work:
            advanced, fault, looked_at = _step_for(check)(work, check)
        if fault is not None:
            advanced = _found(check, fault)
        elif check.order_id is not None and advanced.order_id is None:
            advanced = replace(advanced, completed_at=now)
        advanced = replace(advanced, checked_at=now)
        with self._store.writing() as work:
            work.audit.save_check(advanced)
            work.commit()
        return advanced, looked_at


Step = Callable[[UnitOfWork, LogCheck], tuple[LogCheck, Fault | None, int]]


def _step_for(check: LogCheck) -> Step:
    if check.completed_at is not None:
        return _begin_again
    return _chain if check.order_id is None else _objects


def _begin_again(work: UnitOfWork, check: LogCheck) -> tuple[LogCheck, Fault | None, int]:
    """What the last pass ended with has to be there still, though somebody may have made the log end before it."""
    found = work.audit.entries(check.tenant_id, max(check.sequence - 1, 0), 1)
    fault = held_fault(check.position, found[0] if found else None, work.changes.head(check.tenant_id))
    return LogCheck(tenant_id=check.tenant_id, checked_at=check.checked_at), fault, 1


def _chain(work: UnitOfWork, check: LogCheck) -> tuple[LogCheck, Fault | None, int]:
    step = step_chain(work, check.tenant_id, check.position)
    position, order_id = step.position, 0 if step.is_end else None
    advanced = replace(_clean(check), sequence=position.sequence, hash=position.hash, order_id=order_id)
    return advanced, step.fault, step.examined


def _objects(work: UnitOfWork, check: LogCheck) -> tuple[LogCheck, Fault | None, int]:
    step = step_objects(work, check.tenant_id, check.order_id or 0)
    fault = step.faults[0] if step.faults else None
    return replace(_clean(check), order_id=step.last_order_id), fault, step.compared


def _clean(check: LogCheck) -> LogCheck:
    return replace(check, fault_kind=None, fault_sequence=None, fault_what=None)


def _found(check: LogCheck, fault: Fault) -> LogCheck:
    """At the place where the check was, which is looked at again."""
    if check.fault_kind is None:
        found = {"tenant_id": check.tenant_id, "fault": fault.kind.value, "sequence": fault.sequence}
        _log.error("change log does not verify", extra=found)
    return replace(check, fault_kind=fault.kind, fault_sequence=fault.sequence, fault_what=fault.what)
