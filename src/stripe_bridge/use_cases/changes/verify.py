"""Verifying logs from end to end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stripe_bridge.domain.changes.verification import Fault, Position
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.use_cases.changes.walk import step_chain, step_objects

# More would not be read by anyone.
_MAX_FAULTS = 100
_MAX_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """`position` is the last entry in order, and what to hold of this log for the next time. `unrecorded` counts objects that
    the log does not have, or not as they are, by what they are; `unrecorded_ids` names some of them."""

    tenant_id: str
    position: Position
    entries: int = 0
    objects: int = 0
    faults: Sequence[Fault] = ()
    unrecorded: Mapping[str, int] = field(default_factory=dict)
    unrecorded_ids: Sequence[str] = ()


class VerifyChanges:
    """One report for each log, as they are verified; all logs, or one. `held` is what somebody holds of that one: only what
    follows is looked at.

    Others may write meanwhile.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(
        self, tenant_id: str | None = None, held: Position | None = None, *, with_objects: bool = True
    ) -> Iterator[LogReport]:
        if tenant_id is not None:
            yield self._verify(tenant_id, held or Position(), with_objects=with_objects)
            return
        with self._store.reading() as work:
            tenants = work.audit.tenants()
        for each in tenants:
            yield self._verify(each, Position(), with_objects=with_objects)

    def _verify(self, tenant_id: str, held: Position, *, with_objects: bool) -> LogReport:
        report = self._chain(LogReport(tenant_id=tenant_id, position=held))
        # What a broken chain says of objects means nothing.
        return report if report.faults or not with_objects else self._objects(report)

    def _chain(self, report: LogReport) -> LogReport:
        while True:
            with self._store.reading() as work:
                step = step_chain(work, report.tenant_id, report.position)
            report = replace(report, position=step.position, entries=report.entries + step.examined)
            if step.fault is not None:
                return replace(report, faults=[step.fault])
            if step.is_end:
                return report

    def _objects(self, report: LogReport) -> LogReport:
        after: int | None = 0
        compared, unrecorded = 0, Counter[str]()
        faults: list[Fault] = []
        named: list[str] = []
        while after is not None:
            with self._store.reading() as work:
                step = step_objects(work, report.tenant_id, after)
            after, compared = step.last_order_id, compared + step.compared
            faults = [*faults, *step.faults][:_MAX_FAULTS]
            unrecorded.update(each.subject_type.value for each in step.unrecorded)
            some = (f"{each.subject_type.value} {each.subject_id}" for each in step.unrecorded)
            named = [*named, *some][:_MAX_NAMED]
        return replace(
            report,
            objects=compared,
            faults=faults,
            unrecorded=unrecorded,
            unrecorded_ids=named,
        )
