"""Sweeping an account: checking each object that Stripe may still change, and a sample of the others, whatever their events
said."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.errors.conflicts import StaleWrite
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.reconciliation import Drift, ReconcileProgress
from stripe_bridge.domain.refund import Refund
from stripe_bridge.ports.storage.unit_of_work import Store, StoreUnavailable
from stripe_bridge.ports.stripe.errors import AccessRevoked, CallNotAccepted, GatewayError
from stripe_bridge.use_cases.records.refetch import RefetchTarget

_log = logging.getLogger(__name__)
# After this many failures in a row the fault is Stripe's, not the objects'.
_MAX_FAILURES_IN_A_ROW = 5

Object = TypeVar("Object")
Progress = Callable[[str], None]


class SweepKind(Generic[Object]):
    """Check every object of one kind, page by page. One that fails is reported as a fault and does not stop the others.

    Raises AccessRevoked, StoreUnavailable; and GatewayError if too many fail in a row.
    """

    def __init__(self, store: Store, kind: RefetchTarget[Object]) -> None:
        self._store, self._kind = store, kind

    def __call__(self, account_id: str, progress: ReconcileProgress, renew_lease: Callable[[], None]) -> None:
        failures_in_a_row = 0
        for known in self._objects(account_id, renew_lease):
            progress.objects_checked += 1
            try:
                drift = self._kind.refetch(known)
            except StaleWrite:
                # Another process is changing it.
                continue
            except (AccessRevoked, StoreUnavailable):
                raise
            except Exception as error:
                progress.faults.append(self._describe(known, error))
                # Then it is not the object's fault: it has to be checked again soon.
                progress.is_interrupted = progress.is_interrupted or isinstance(error, CallNotAccepted)
                failures_in_a_row += 1
                if isinstance(error, GatewayError) and failures_in_a_row >= _MAX_FAILURES_IN_A_ROW:
                    raise
                continue
            failures_in_a_row = 0
            if drift is Drift.OBJECT_MISSING:
                # Operators have to find out why, so they need to know which one.
                facts = {"account_id": account_id, "object": self._name_of(known)}
                _log.warning("object missing at Stripe", extra=facts)
            if drift is not None:
                progress.drift[drift] += 1

    def _objects(self, account_id: str, renew_lease: Callable[[], None]) -> Iterator[Object]:
        after: Object | None = None
        while True:
            with self._store.reading() as work:
                page = self._kind.page(work, account_id, after)
            if not page:
                return
            for known in page:
                renew_lease()
                yield known
            after = page[-1]

    def _name_of(self, known: Object) -> str:
        return f"{self._kind.name} {self._kind.id_of(known)}"

    def _describe(self, known: Object, error: Exception) -> str:
        name = self._name_of(known)
        if isinstance(error, GatewayError):
            return f"{name}: {error.reason}"
        _log.warning(
            "object could not be reconciled",
            extra={"object": name},
            exc_info=None if isinstance(error, BridgeError) else error,
        )
        return f"{name}: {error.message if isinstance(error, BridgeError) else type(error).__name__}"


class SweepAccount:
    """Each kind in turn."""

    def __init__(
        self,
        invoices: SweepKind[Invoice],
        refunds: SweepKind[Refund],
        disputes: SweepKind[Dispute],
        settled: SweepKind[Invoice],
    ) -> None:
        self._kinds: dict[str, SweepKind[Any]] = {
            # First, as those that turn out to be paid in this run need not be read again.
            "settled invoices, a sample": settled,
            "unsettled invoices": invoices,
            "unsettled refunds": refunds,
            "unsettled disputes": disputes,
        }

    def __call__(
        self,
        account_id: str,
        progress: ReconcileProgress,
        renew_lease: Callable[[], None],
        report_progress: Progress,
    ) -> None:
        for name, sweep in self._kinds.items():
            before = progress.objects_checked
            sweep(account_id, progress, renew_lease)
            report_progress(f"{progress.objects_checked - before} {name}")
