"""Sweeping an account: checking each object that Stripe may still change, whatever its events did or did not say."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.errors import BridgeError, StaleWrite
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.reconciliation import Drift, Findings
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.stripe_objects import StripeDispute, StripeInvoice, StripePayment, StripeRefund
from stripe_bridge.ports.gateway_errors import AccessRevoked, CallNotTaken, GatewayError, ObjectMissing
from stripe_bridge.ports.payment_gateway import PaymentGateway
from stripe_bridge.ports.refund_gateway import RefundGateway
from stripe_bridge.ports.timing import Clock
from stripe_bridge.ports.unit_of_work import Store, StoreUnavailable, UnitOfWork

_log = logging.getLogger(__name__)
_PAGE = 100
# After this many failures in a row the trouble is with Stripe, not with the objects.
_MOST_IN_A_ROW = 5

Object = TypeVar("Object")
Lock = Callable[[UnitOfWork, Invoice], Invoice]
Undo = Callable[[UnitOfWork, Invoice, StripeInvoice], None]


class Record(Protocol):
    def __call__(self, work: UnitOfWork, invoice: Invoice, snapshot: StripeInvoice) -> Invoice: ...

    def payments(self, work: UnitOfWork, invoice: Invoice, seen: Sequence[StripePayment]) -> Invoice: ...


class Ledger(Protocol):
    def refund(self, work: UnitOfWork, invoice: Invoice, seen: StripeRefund) -> Invoice: ...

    def dispute(self, work: UnitOfWork, invoice: Invoice, seen: StripeDispute) -> Invoice: ...


class Kind(Protocol[Object]):
    """One kind of object. `settle` asks Stripe and updates ours; it returns how they differed, or None if they did not.

    If somebody else has changed ours since the page was read, that change stands: it is newer than what was fetched here.
    """

    name: str

    def page(self, work: UnitOfWork, account_id: str, after: Object | None) -> Sequence[Object]: ...

    def id_of(self, known: Object) -> str: ...

    def settle(self, known: Object) -> Drift | None: ...


class Invoices:
    """Invoices that are drafts, open or uncollectible."""

    name = "invoice"

    def __init__(
        self, store: Store, clock: Clock, gateway: PaymentGateway, record: Record, lock: Lock, undo: Undo
    ) -> None:
        self._store, self._clock, self._gateway = store, clock, gateway
        self._record, self._lock, self._undo = record, lock, undo

    def page(self, work: UnitOfWork, account_id: str, after: Invoice | None) -> Sequence[Invoice]:
        return work.reconciliations.invoices(account_id, after.id if after else 0, _PAGE)

    def id_of(self, known: Invoice) -> str:
        return known.stripe_invoice_id or ""

    def settle(self, known: Invoice) -> Drift | None:
        account_id, stripe_id = known.stripe_account_id, self.id_of(known)
        try:
            current = self._gateway.invoice(account_id, stripe_id)
        except ObjectMissing:
            return self._settle_missing(known)
        # Fetched for their charges, which the invoice itself does not show.
        is_paid_since = current.amount_paid != known.amount_paid
        payments = self._gateway.payments_of(account_id, stripe_id) if is_paid_since else ()
        with self._store.writing() as work:
            before = self._lock(work, known)
            if before.version != known.version:
                return None
            after = self._record(work, before, current)
            after = self._record.payments(work, after, payments)
            self._undo(work, after, current)
            work.commit()
        return None if after == before else Drift.INVOICE_DIFFERS

    def _settle_missing(self, known: Invoice) -> Drift | None:
        """A draft that the merchant deleted is void here. What became of any other invoice, only an operator can find out."""
        with self._store.writing() as work:
            before = self._lock(work, known)
            if before.version != known.version or work.intents.is_unsettled_for(known.id):
                return None
            if before.status is not InvoiceStatus.DRAFT:
                return Drift.OBJECT_MISSING
            work.invoices.save(before.gone(self._clock.now()))
            work.commit()
        return Drift.INVOICE_DIFFERS


class Refunds:
    """Refunds that are pending or waiting for the customer."""

    name = "refund"

    def __init__(self, store: Store, gateway: RefundGateway, ledger: Ledger, lock: Lock) -> None:
        self._store, self._gateway, self._ledger, self._lock = store, gateway, ledger, lock

    def page(self, work: UnitOfWork, account_id: str, after: Refund | None) -> Sequence[Refund]:
        return work.reconciliations.refunds(account_id, after.id if after else 0, _PAGE)

    def id_of(self, known: Refund) -> str:
        return known.stripe_refund_id or ""

    def settle(self, known: Refund) -> Drift | None:
        try:
            seen = self._gateway.refund(known.account_id, self.id_of(known))
        except ObjectMissing:
            return Drift.OBJECT_MISSING
        with self._store.writing() as work:
            invoice = work.invoices.find(known.invoice_id)
            assert invoice is not None, "A refund belongs to an invoice"
            locked = self._lock(work, invoice)
            before = work.refunds.find(known.id)
            if before is None or before.version != known.version:
                return None
            self._ledger.refund(work, locked, seen)
            after = work.refunds.find(known.id)
            work.commit()
        return None if after == before else Drift.REFUND_DIFFERS


class Disputes:
    """Disputes that have not ended."""

    name = "dispute"

    def __init__(self, store: Store, gateway: RefundGateway, ledger: Ledger, lock: Lock) -> None:
        self._store, self._gateway, self._ledger, self._lock = store, gateway, ledger, lock

    def page(self, work: UnitOfWork, account_id: str, after: Dispute | None) -> Sequence[Dispute]:
        return work.reconciliations.disputes(account_id, after.stripe_id if after else "", _PAGE)

    def id_of(self, known: Dispute) -> str:
        return known.stripe_id

    def settle(self, known: Dispute) -> Drift | None:
        try:
            seen = self._gateway.dispute(known.account_id, known.stripe_id)
        except ObjectMissing:
            return Drift.OBJECT_MISSING
        with self._store.writing() as work:
            invoice = work.invoices.find(known.invoice_id)
            assert invoice is not None, "A dispute belongs to an invoice"
            locked = self._lock(work, invoice)
            before = work.disputes.find(known.account_id, known.stripe_id)
            if before != known:
                return None
            self._ledger.dispute(work, locked, seen)
            after = work.disputes.find(known.account_id, known.stripe_id)
            work.commit()
        return None if after == before else Drift.DISPUTE_DIFFERS


class SweepKind(Generic[Object]):
    """Check every object of one kind, page by page. One that fails is reported as a fault and does not stop the others.

    Raises AccessRevoked, StoreUnavailable; and GatewayError if too many fail in a row.
    """

    def __init__(self, store: Store, kind: Kind[Object]) -> None:
        self._store, self._kind = store, kind

    def __call__(self, account_id: str, findings: Findings, hold: Callable[[], None]) -> None:
        in_a_row = 0
        for known in self._objects(account_id, hold):
            findings.objects += 1
            try:
                drift = self._kind.settle(known)
            except StaleWrite:
                # Somebody else is changing it.
                continue
            except (AccessRevoked, StoreUnavailable):
                raise
            except Exception as error:
                findings.faults.append(self._in_words(known, error))
                # In that case it is not the object's fault: it has to be checked again soon.
                findings.is_cut_short = findings.is_cut_short or isinstance(error, CallNotTaken)
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
        self._kinds: dict[str, Callable[[str, Findings, Callable[[], None]], None]] = {
            "invoices": invoices,
            "refunds": refunds,
            "disputes": disputes,
        }

    def __call__(
        self, account_id: str, findings: Findings, hold: Callable[[], None], tell: Callable[[str], None]
    ) -> None:
        for name, sweep in self._kinds.items():
            before = findings.objects
            sweep(account_id, findings, hold)
            tell(f"{findings.objects - before} unsettled {name}")
