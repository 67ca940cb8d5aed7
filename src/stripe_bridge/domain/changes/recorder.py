"""Records what one unit of work changes: asked at each save and add, it compares with what was read or last saved.

Nobody has to remember to record a change, and nobody can save an object that the unit of work has not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from stripe_bridge.domain.changes.change import Change, ChangeType, SubjectType
from stripe_bridge.domain.changes.recorded import DISPUTE, INVOICE, KINDS, REFUND, Key, Kind, Recorded
from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.origin import MIGRATION, Origin
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.sales_order import SalesOrder


class LogState(Enum):
    """What the log has of an object as it is stored."""

    CURRENT = "current"
    # Changed since its last entry by a release that has no change log.
    OUTDATED = "outdated"
    # From before the change log.
    MISSING = "missing"


class NotRead(AssertionError):
    """An object was saved that its unit of work has not read, so that what changed is not known. A bug."""


class Recorder:
    """`origin` is who makes the changes, and why; it may be set anew before each of several.

    `changes` are in the order in which they were made.
    """

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.changes: list[Change] = []
        self._known: dict[Key, tuple[Any, LogState]] = {}
        self._written: set[Key] = set()
        # What was last recorded of an object is what its next change begins with.
        self._shown: dict[Key, tuple[Any, Mapping[str, Any]]] = {}

    def read(self, value: Recorded, state: LogState = LogState.CURRENT) -> None:
        """Remember what was read, unless this unit of work has saved it: it may not be written yet."""
        key = KINDS[type(value)].key_of(value)
        if key not in self._written:
            self._known[key] = value, state

    def added(self, value: Recorded) -> None:
        kind = KINDS[type(value)]
        self._remember(kind, value)
        self._record(kind, None, value)

    def saved(self, value: Recorded) -> None:
        """`value` as it is stored now. Raises NotRead."""
        kind = KINDS[type(value)]
        key = kind.key_of(value)
        if key not in self._known:
            raise NotRead(f"{kind.subject_type} {key[1]} was saved without having been read.")
        before, state = self._known[key]
        self.catch_up(before, state)
        self._remember(kind, value)
        if kind.differs(before, value):
            self._record(kind, before, value)

    def put(self, value: Recorded) -> None:
        """What was not read did not exist: whoever puts an object has looked for it."""
        if KINDS[type(value)].key_of(value) in self._known:
            self.saved(value)
        else:
            self.added(value)

    def catch_up(self, value: Recorded, state: LogState) -> None:
        """Record an object that the log does not have yet, or not as it is."""
        if state is LogState.CURRENT:
            return
        kind = KINDS[type(value)]
        if state is LogState.MISSING:
            self._add(kind, kind.name(None, value)[0], None, value, MIGRATION)
        else:
            self._add(kind, _UPDATED.get(kind.subject_type), None, value, MIGRATION, changed={})

    def _remember(self, kind: Kind, value: Recorded) -> None:
        key = kind.key_of(value)
        self._known[key] = value, LogState.CURRENT
        self._written.add(key)

    def _record(self, kind: Kind, before: Recorded | None, after: Recorded) -> None:
        for type_ in kind.name(before, after):
            self._add(kind, type_, before, after, self.origin)
            # The second name of one change shows no further difference.
            before = after

    def _add(
        self,
        kind: Kind,
        type_: ChangeType | None,
        before: Recorded | None,
        after: Recorded,
        origin: Origin,
        changed: Mapping[str, Any] | None = None,
    ) -> None:
        if type_ is None:
            return
        shown_before = None if before is None else self._show(kind, before)
        object_ = self._show(kind, after)
        self.changes.append(
            Change(
                type=type_,
                subject_type=kind.subject_type,
                subject_id=kind.subject_id(after),
                origin=origin,
                object=object_,
                changed=kind.diff(shown_before, object_) if changed is None else changed,
                details=kind.details(after),
                **_belongs_to(after),
            )
        )

    def _show(self, kind: Kind, value: Recorded) -> Mapping[str, Any]:
        key = kind.key_of(value)
        last = self._shown.get(key)
        if last is None or last[0] is not value:
            last = self._shown[key] = value, kind.show(value)
        return last[1]


_UPDATED: Mapping[SubjectType, ChangeType] = {
    SubjectType.INTEGRATION: ChangeType.INTEGRATION_UPDATED,
    SubjectType.SALES_ORDER: ChangeType.SALES_ORDER_UPDATED,
    INVOICE.subject_type: ChangeType.INVOICE_UPDATED,
    REFUND.subject_type: ChangeType.REFUND_UPDATED,
    DISPUTE.subject_type: ChangeType.DISPUTE_UPDATED,
}


def _belongs_to(value: Recorded) -> dict[str, Any]:
    """Whose it is, as far as the object itself says so."""
    if isinstance(value, Invoice):
        return {
            "tenant_id": value.tenant_id,
            "sales_order_id": value.sales_order_id,
            "integration_id": value.integration_id,
            "invoice_id": value.id,
        }
    if isinstance(value, Refund | Dispute):
        return {"invoice_id": value.invoice_id}
    if isinstance(value, SalesOrder):
        return {"tenant_id": value.tenant_id, "sales_order_id": value.id}
    if isinstance(value, Integration):
        return {"tenant_id": value.tenant_id, "integration_id": value.id}
    return {"tenant_id": value.tenant_id}
