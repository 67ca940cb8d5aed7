"""Requests that were denied: who asked for what moves money without being allowed to."""

from __future__ import annotations

from datetime import timedelta

from stripe_bridge.domain.access import Permission, Principal
from stripe_bridge.domain.changes.acts import request_denied
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock

_MOVES_MONEY = frozenset({Permission.SEND_INVOICES, Permission.VOID_INVOICES, Permission.REFUND_INVOICES})
_RECORDED_EVERY = timedelta(minutes=1)
# How long a window is kept after its end: the next denial says how many there were in it.
_KEPT_FOR = timedelta(days=1)


class RecordDenial:
    """Record a denied request in the change log if it would have moved money; at most once a minute for each caller,
    operation and object."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self, principal: Principal, permission: Permission, operation: str, path: str) -> None:
        if permission not in _MOVES_MONEY:
            return
        with self._store.writing() as work:
            act = request_denied(principal.tenant_id, operation, path, work.origin)
            key = f"denied {principal.token_id} {operation} {path}"
            work.acts.add_at_most_once(act, key, self._clock.now(), _RECORDED_EVERY)
            work.commit()


class ForgetActWindows:
    """Delete what was kept to record an act only so often. How much there was."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self) -> int:
        with self._store.writing() as work:
            forgotten = work.acts.forget_windows(self._clock.now() - _KEPT_FOR)
            work.commit()
        return forgotten
