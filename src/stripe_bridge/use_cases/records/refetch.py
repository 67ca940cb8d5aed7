"""Refetching: read an object at Stripe again, and bring our record of it to what Stripe shows."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.errors.conflicts import StaleWrite
from stripe_bridge.domain.intent_plans import plan_delete
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.reconciliation import Drift
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.settlement import MISSING_DELAY
from stripe_bridge.domain.stripe_objects import StripeInvoice, StripeInvoiceStatus, StripePayment
from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.ports.storage.unit_of_work import Store, StoreUnavailable, UnitOfWork
from stripe_bridge.ports.stripe.errors import (
    AccessRevoked,
    GatewayError,
    GatewayRefused,
    ObjectMissing,
)
from stripe_bridge.ports.stripe.invoices import InvoiceGateway
from stripe_bridge.ports.stripe.refunds import RefundGateway
from stripe_bridge.ports.system import Clock, Identifiers
from stripe_bridge.use_cases.records.correct import CorrectInvoice
from stripe_bridge.use_cases.records.invoices import RecordInvoice, lock_invoice
from stripe_bridge.use_cases.records.ledger import RefundLedger
from stripe_bridge.use_cases.records.signed_metadata import SignedMetadata

_log = logging.getLogger(__name__)
_PAGE_SIZE = 100
SAMPLE_SIZE = 25
# A request may be waiting for the disconnect, and the lease of the intent that the final check belongs to is running.
FINAL_CHECK_TIMEOUT = timedelta(seconds=5)
STUCK_DRAFT_REASON = "its sending never finished"
Object = TypeVar("Object")


class RefetchTarget(Protocol[Object]):
    """One kind of object. `refetch` asks Stripe and updates our record; it returns how they differed, or None if they agreed.

    If our record was changed since the page was read, that change stands: it is newer than what was fetched here.
    """

    name: str

    def page(self, work: UnitOfWork, account_id: str, after: Object | None) -> Sequence[Object]: ...

    def id_of(self, known: Object) -> str: ...

    def refetch(self, known: Object) -> Drift | None: ...


class RefetchInvoices:
    """Invoices that are drafts, open or uncollectible."""

    name = "invoice"

    def __init__(
        self,
        store: Store,
        clock: Clock,
        gateway: InvoiceGateway,
        record: RecordInvoice,
        delete_stuck_draft: DeleteStuckDraft,
    ) -> None:
        self._store, self._clock, self._gateway = store, clock, gateway
        self._record, self._delete_stuck_draft = record, delete_stuck_draft
        self._correct = CorrectInvoice(clock, record)

    def page(self, work: UnitOfWork, account_id: str, after: Invoice | None) -> Sequence[Invoice]:
        return work.reconciliations.invoices(account_id, after.id if after else 0, _PAGE_SIZE)

    def id_of(self, known: Invoice) -> str:
        return known.stripe_invoice_id or ""

    def refetch(self, known: Invoice) -> Drift | None:
        account_id, stripe_id = known.stripe_account_id, self.id_of(known)
        try:
            current = self._gateway.invoice(account_id, stripe_id)
        except ObjectMissing:
            return self._record_missing(known)
        # Fetched for their charges, which the invoice itself does not show.
        is_paid_since = current.amount_paid != known.amount_paid
        are_needed = is_paid_since or known.is_contradicted_by(current)
        payments = self._gateway.payments_of(account_id, stripe_id) if are_needed else ()
        with self._store.writing() as work:
            before = lock_invoice(work, known)
            if before.version != known.version:
                return None
            is_contradicted = before.is_contradicted_by(current)
            bring = self._correct if is_contradicted else self._follow
            drift = bring(work, before, current, payments)
            work.commit()
        return drift

    def _follow(
        self,
        work: UnitOfWork,
        before: Invoice,
        current: StripeInvoice,
        payments: Sequence[StripePayment],
    ) -> Drift | None:
        recorded = self._record(work, before, current)
        if recorded == before and before.status is InvoiceStatus.PAID:
            recorded = self._record.confirm(work, before)
        after = self._record.record_payments(work, recorded, payments)
        self._delete_stuck_draft(work, after, current)
        self._record.renew_links(work, after, current)
        return Drift.INVOICE_DIFFERS if _differ(before, after) else None

    def _record_missing(self, known: Invoice) -> Drift | None:
        """A draft that the merchant deleted is void here; any other missing invoice is for an operator to investigate."""
        with self._store.writing() as work:
            before = lock_invoice(work, known)
            if before.version != known.version or work.intents.is_unsettled_for(known.id):
                return None
            if before.status is not InvoiceStatus.DRAFT:
                if before.has_to_be_confirmed:
                    work.invoices.save(replace(before, confirm_due_at=self._clock.now() + MISSING_DELAY))
                    work.commit()
                return Drift.OBJECT_MISSING
            work.invoices.save(before.mark_deleted(self._clock.now()))
            work.commit()
        return Drift.INVOICE_DIFFERS


def _differ(before: Invoice, after: Invoice) -> bool:
    """That Stripe confirms what is known is no difference."""
    unconfirmed = replace(
        after,
        confirmed_at=before.confirmed_at,
        confirm_due_at=before.confirm_due_at,
        updated_at=before.updated_at,
        version=before.version,
    )
    return unconfirmed != before


class RefetchSettled:
    """A few of the paid invoices: those that Stripe never confirmed, as an earlier release left them, and then those that it
    confirmed longest ago.
    """

    name = "invoice"

    def __init__(self, invoices: RefetchInvoices) -> None:
        self._invoices = invoices

    def page(self, work: UnitOfWork, account_id: str, after: Invoice | None) -> Sequence[Invoice]:
        return work.reconciliations.settled_invoices(account_id, SAMPLE_SIZE) if after is None else ()

    def id_of(self, known: Invoice) -> str:
        return self._invoices.id_of(known)

    def refetch(self, known: Invoice) -> Drift | None:
        return self._invoices.refetch(known)


class RefetchRefunds:
    """Refunds that are pending or waiting for the customer."""

    name = "refund"

    def __init__(self, store: Store, gateway: RefundGateway, ledger: RefundLedger) -> None:
        self._store, self._gateway, self._ledger = store, gateway, ledger

    def page(self, work: UnitOfWork, account_id: str, after: Refund | None) -> Sequence[Refund]:
        return work.reconciliations.refunds(account_id, after.id if after else 0, _PAGE_SIZE)

    def id_of(self, known: Refund) -> str:
        return known.stripe_refund_id or ""

    def refetch(self, known: Refund) -> Drift | None:
        try:
            seen = self._gateway.refund(known.account_id, self.id_of(known))
        except ObjectMissing:
            return Drift.OBJECT_MISSING
        with self._store.writing() as work:
            invoice = work.invoices.find(known.invoice_id)
            assert invoice is not None, "A refund belongs to an invoice"
            locked = lock_invoice(work, invoice)
            before = work.refunds.find(known.id)
            if before is None or before.version != known.version:
                return None
            self._ledger.record_refund(work, locked, seen)
            after = work.refunds.find(known.id)
            work.commit()
        return None if after == before else Drift.REFUND_DIFFERS


class RefetchDisputes:
    """Disputes that have not ended."""

    name = "dispute"

    def __init__(self, store: Store, gateway: RefundGateway, ledger: RefundLedger) -> None:
        self._store, self._gateway, self._ledger = store, gateway, ledger

    def page(self, work: UnitOfWork, account_id: str, after: Dispute | None) -> Sequence[Dispute]:
        return work.reconciliations.disputes(account_id, after.stripe_id if after else "", _PAGE_SIZE)

    def id_of(self, known: Dispute) -> str:
        return known.stripe_id

    def refetch(self, known: Dispute) -> Drift | None:
        try:
            seen = self._gateway.dispute(known.account_id, known.stripe_id)
        except ObjectMissing:
            return Drift.OBJECT_MISSING
        with self._store.writing() as work:
            invoice = work.invoices.find(known.invoice_id)
            assert invoice is not None, "A dispute belongs to an invoice"
            locked = lock_invoice(work, invoice)
            before = work.disputes.find(known.account_id, known.stripe_id)
            if before != known:
                return None
            self._ledger.record_dispute(work, locked, seen)
            after = work.disputes.find(known.account_id, known.stripe_id)
            work.commit()
        return None if after == before else Drift.DISPUTE_DIFFERS


class FinalCheck:
    """Before access to an account is revoked, refetch what is in flight there, as far as Stripe and a few seconds allow.

    Raises only StoreUnavailable: what cannot be refetched does not keep us in an account that we are to leave.
    """

    def __init__(self, store: Store, clock: Clock, targets: Sequence[RefetchTarget[Any]]) -> None:
        self._store, self._clock, self._targets = store, clock, targets

    def __call__(self, account_id: str) -> None:
        deadline = self._clock.now() + FINAL_CHECK_TIMEOUT
        for target in self._targets:
            if not self._refetch_all(target, account_id, deadline):
                return

    def _refetch_all(self, target: RefetchTarget[Any], account_id: str, deadline: datetime) -> bool:
        """Whether it is worth continuing with the other targets."""
        for known in self._objects(target, account_id):
            facts = {"account_id": account_id, "object": f"{target.name} {target.id_of(known)}"}
            if self._clock.now() >= deadline:
                _log.warning("final check timed out", extra=facts)
                return False
            try:
                target.refetch(known)
            except StaleWrite:
                # Another worker is changing it.
                continue
            except StoreUnavailable:
                raise
            except Exception as error:
                is_ours = not isinstance(error, BridgeError)
                reason = error.reason if isinstance(error, GatewayError) else type(error).__name__
                _log.warning(
                    "object could not be refetched",
                    extra={**facts, "reason": reason},
                    exc_info=error if is_ours else None,
                )
                if isinstance(error, GatewayError) and concerns_all(error):
                    return False
        return True

    def _objects(self, target: RefetchTarget[Any], account_id: str) -> Iterator[Any]:
        after = None
        while True:
            with self._store.reading() as work:
                page = target.page(work, account_id, after)
            if not page:
                return
            yield from page
            after = page[-1]


def concerns_all(error: GatewayError) -> bool:
    """Whether Stripe or the account is unreachable, and not just one object."""
    return isinstance(error, AccessRevoked) or not isinstance(error, GatewayRefused)


class DeleteStuckDraft:
    """Plan to delete a locked invoice that is a draft here and at Stripe and has no open call.

    Sending it failed, and so did undoing it. The caller learned of that long ago, and can send the order again after this.
    """

    def __init__(self, clock: Clock, identifiers: Identifiers) -> None:
        self._clock, self._identifiers = clock, identifiers

    def __call__(self, work: UnitOfWork, invoice: Invoice, snapshot: StripeInvoice) -> None:
        is_draft = invoice.status is InvoiceStatus.DRAFT and snapshot.status is StripeInvoiceStatus.DRAFT
        if not is_draft or work.intents.is_unsettled_for(invoice.id):
            return
        reference, now = self._identifiers.reference(), self._clock.now()
        work.intents.add(plan_delete(invoice, because=STUCK_DRAFT_REASON, reference=reference, now=now))
        _log.warning("deletion of stuck draft planned", extra={"invoice_id": invoice.id})


def refetch_targets(adapters: Adapters) -> tuple[RefetchInvoices, RefetchRefunds, RefetchDisputes]:
    """What is read again at Stripe: by each sweep, and a last time before an account is left."""
    store, clock = adapters.store, adapters.clock
    ledger = RefundLedger(clock, SignedMetadata(adapters.signer))
    undo = DeleteStuckDraft(clock, adapters.identifiers)
    return (
        RefetchInvoices(store, clock, adapters.invoice_gateway, RecordInvoice(clock), undo),
        RefetchRefunds(store, adapters.refund_gateway, ledger),
        RefetchDisputes(store, adapters.refund_gateway, ledger),
    )
