"""Sweeping an account: checking each object that Stripe may still change, whatever its events did or did not say."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

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
# After this many failures in a row the trouble is with Stripe, not with the objects.
_MOST_IN_A_ROW = 5

Object = TypeVar("Object")


class SweepKind(Generic[Object]):
    """Check every object of one kind, page by page. One that fails is reported as a fault and does not stop the others.

    Raises AccessRevoked, StoreUnavailable; and GatewayError if too many fail in a row.
    """

    def __init__(self, store: Store, kind: RefetchTarget[Object]) -> None:
        self._store, self._kind = store, kind

    def __call__(self, account_id: str, findings: ReconcileProgress, hold: Callable[[], None]) -> None:
        in_a_row = 0
        for known in self._objects(account_id, hold):
            findings.objects += 1
            try:
                drift = self._kind.refetch(known)
            except StaleWrite:
                # Somebody else is changing it.
                continue
            except (AccessRevoked, StoreUnavailable):
                raise
            except Exception as error:
                findings.faults.append(self._in_words(known, error))
                # In that case it is not the object's fault: it has to be checked again soon.
                findings.is_cut_short = findings.is_cut_short or isinstance(error, CallNotAccepted)
                in_a_row += 1
                if isinstance(error, GatewayError) and in_a_row >= _MOST_IN_A_ROW:
                    raise
                continue
            in_a_row = 0
            if drift is Drift.OBJECT_MISSING:
                # People have to find out why, so they need to know which one.
                what = f"{self._kind.name} {self._kind.id_of(known)}"
                _log.warning("Stripe does not have it", extra={"account_id": account_id, "object": what})
            if drift is not None:
                findings.drift[drift] += 1

    def _objects(self, account_id: str, hold: Callable[[], None]) -> Iterator[Object]:
        after: Object | None = None
        while True:
            with self._store.reading() as work:
                page = self._kind.page(work, account_id, after)
            if not page:
                return
            for known in page:
                hold()
                yield known
            after = page[-1]

    def _in_words(self, known: Object, error: Exception) -> str:
        what = f"{self._kind.name} {self._kind.id_of(known)}"
        if isinstance(error, GatewayError):
            return f"{what}: {error.reason}"
        _log.warning(
            "object could not be reconciled",
            extra={"object": what},
            exc_info=None if isinstance(error, BridgeError) else error,
        )
        return f"{what}: {error.message if isinstance(error, BridgeError) else type(error).__name__}"


class SweepAccount:
    """Each kind in turn."""

    def __init__(
        self, invoices: SweepKind[Invoice], refunds: SweepKind[Refund], disputes: SweepKind[Dispute]
    ):
        self._kinds: dict[str, Callable[[str, ReconcileProgress, Callable[[], None]], None]] = {
            "invoices": invoices,
            "refunds": refunds,
            "disputes": disputes,
        }

    def __call__(
        self,
        account_id: str,
        findings: ReconcileProgress,
        hold: Callable[[], None],
        tell: Callable[[str], None],
    ) -> None:
        for name, sweep in self._kinds.items():
            before = findings.objects
            sweep(account_id, findings, hold)
            tell(f"{findings.objects - before} unsettled {name}")
