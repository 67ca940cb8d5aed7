"""Events of invoices, their payments and their charges.

A payload counts only if it proves to be newer than what we have (`Invoice.compare`); if that is unclear, the invoice is
fetched. What concerns no invoice of ours is skipped: a connected account sends everything that happens in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stripe_bridge.domain.invoice import Invoice, InvoiceStatus, SnapshotOrder
from stripe_bridge.domain.payment import Payment
from stripe_bridge.domain.stripe_objects import METADATA_SIGNATURE, StripeInvoice, StripePayment
from stripe_bridge.domain.webhook_event import SkipReason, StripeEvent
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.ports.stripe.errors import ObjectMissing
from stripe_bridge.ports.stripe.invoices import InvoiceGateway
from stripe_bridge.ports.stripe.snapshots import Snapshots
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.records.adopt import DetectRestore
from stripe_bridge.use_cases.records.invoices import RecordInvoice, find_invoice, lock_invoice
from stripe_bridge.use_cases.webhook_events.handlers.find_invoice import FindInvoice
from stripe_bridge.use_cases.webhook_events.handlers.handler import (
    Applied,
    Fetched,
    HandlerResult,
    NeedsRefetch,
    Skipped,
)

_PROGRESS_TYPES = frozenset({"payment_intent.processing", "payment_intent.payment_failed"})
_FOREIGN = Skipped(SkipReason.FOREIGN_OBJECT)


class InvoiceHandler:
    """`invoice.*`: bring the invoice to its newest snapshot. One that was made for us and is not known here shows that the
    database was restored; it is taken in by reconciling.
    """

    def __init__(
        self,
        gateway: InvoiceGateway,
        snapshots: Snapshots,
        record: RecordInvoice,
        detect_restore: DetectRestore,
    ) -> None:
        self._gateway, self._snapshots, self._record = gateway, snapshots, record
        self._detect_restore = detect_restore

    def fetch(self, account_id: str, event: StripeEvent) -> StripeInvoice | None:
        try:
            return self._gateway.invoice(account_id, str(event.related_object_id))
        except ObjectMissing:
            return None

    def apply(
        self,
        work: UnitOfWork,
        account_id: str,
        event: StripeEvent,
        fetched: Fetched[StripeInvoice | None] | None,
    ) -> HandlerResult:
        invoice = find_invoice(work, account_id, event.related_object_id)
        if invoice is None:
            return self._unknown(work, account_id, event, fetched) if _is_signed(event) else _FOREIGN
        invoice = lock_invoice(work, invoice)
        if fetched is not None and fetched.version == invoice.version:
            if fetched.current is not None:
                self._record(work, invoice, fetched.current)
            return Applied()
        shows_invoice = not event.is_thin and event.object.get("object") == "invoice"
        snapshot = self._snapshots.invoice(event.object) if shows_invoice else None
        age = SnapshotOrder.UNCLEAR if snapshot is None else invoice.compare(snapshot)
        if snapshot is None or age is SnapshotOrder.UNCLEAR:
            return NeedsRefetch(invoice.version)
        if age is SnapshotOrder.NEWER:
            self._record(work, invoice, snapshot, event_at=event.created_at)
        return Applied()

    def _unknown(
        self,
        work: UnitOfWork,
        account_id: str,
        event: StripeEvent,
        fetched: Fetched[StripeInvoice | None] | None,
    ) -> HandlerResult:
        """An invoice that we signed, and do not have."""
        if event.is_thin and fetched is None:
            return NeedsRefetch(0)
        current = fetched.current if fetched is not None else self._snapshots.invoice(event.object)
        if current is not None:
            self._detect_restore(work, account_id, current)
        return _FOREIGN


class InvoiceDeletedHandler:
    """`invoice.deleted`: a draft that the merchant deleted is void here. If it is being sent, the sending handles it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def fetch(self, account_id: str, event: StripeEvent) -> None:
        """A deletion is final: there is nothing newer to fetch."""

    def apply(
        self, work: UnitOfWork, account_id: str, event: StripeEvent, fetched: Fetched[None] | None
    ) -> HandlerResult:
        invoice = find_invoice(work, account_id, event.related_object_id)
        if invoice is None:
            return _FOREIGN
        invoice = lock_invoice(work, invoice)
        if invoice.status is InvoiceStatus.DRAFT and not work.intents.is_unsettled_for(invoice.id):
            work.invoices.save(invoice.mark_deleted(self._clock.now()))
        return Applied()


class InvoicePaymentHandler:
    """`invoice_payment.paid`: one of the invoice's payments has come in. Paid is final, so the payload suffices, but it does
    not name the charge. The default payment's charge has events of its own. Another payment may have been collected before it
    was attached to the invoice, when its charge's events were skipped as foreign, so it is fetched.
    """

    def __init__(self, gateway: InvoiceGateway, snapshots: Snapshots, record: RecordInvoice) -> None:
        self._gateway, self._snapshots, self._record = gateway, snapshots, record

    def fetch(self, account_id: str, event: StripeEvent) -> Sequence[StripePayment]:
        try:
            return self._gateway.payments_of(account_id, str(event.related_object_id))
        except ObjectMissing:
            return ()

    def apply(
        self,
        work: UnitOfWork,
        account_id: str,
        event: StripeEvent,
        fetched: Fetched[Sequence[StripePayment]] | None,
    ) -> HandlerResult:
        invoice = find_invoice(work, account_id, event.related_object_id)
        if invoice is None:
            return _FOREIGN
        invoice = lock_invoice(work, invoice)
        seen = [] if event.is_thin else [self._snapshots.payment(event.object)]
        if fetched is None and (event.is_thin or any(_lacks_charge(work, account_id, each) for each in seen)):
            return NeedsRefetch(invoice.version)
        self._record.record_payments(work, invoice, [*seen, *(fetched.current if fetched else ())])
        return Applied()


class ChargeHandler:
    """`charge.*` and `payment_intent.*`: tie the charge to the invoice that its payment intent pays.

    A bank payment that is under way, or a decline, shows on the invoice. Since tries follow one another, a payload does not
    prove that it is about the newest one: the payment is fetched.
    """

    def __init__(self, find_invoice: FindInvoice, record: RecordInvoice) -> None:
        self._find_invoice, self._record = find_invoice, record

    def fetch(self, account_id: str, event: StripeEvent) -> StripePayment | None:
        return self._find_invoice.fetch(account_id, event)

    def apply(
        self,
        work: UnitOfWork,
        account_id: str,
        event: StripeEvent,
        fetched: Fetched[StripePayment | None] | None,
    ) -> HandlerResult:
        payment = None if fetched is None else fetched.current
        invoice = self._find_invoice(work, account_id, event, fetched=fetched is not None, payment=payment)
        if not isinstance(invoice, Invoice):
            return invoice
        if event.type in _PROGRESS_TYPES and invoice.is_owed:
            stored = work.payments.find(account_id, str(event.payment_intent_id))
            if payment is None or not _agrees(stored, payment):
                if fetched is None or fetched.version != invoice.version:
                    return NeedsRefetch(invoice.version)
                if payment is not None:
                    invoice = self._record.record_payments(work, invoice, [payment], is_current=True)
        if event.is_thin and fetched is None:
            return NeedsRefetch(invoice.version)
        if event.is_thin and payment is not None and payment.invoice_id == invoice.stripe_invoice_id:
            # Whether the charge succeeded shows in the payment.
            invoice = self._record.record_payments(work, invoice, [payment])
        if event.charge_id is not None and event.payment_intent_id is not None:
            succeeded = event.object.get("object") == "charge" and event.object.get("status") == "succeeded"
            self._record.record_charge(
                work,
                invoice,
                event.payment_intent_id,
                event.charge_id,
                succeeded=succeeded,
                method=event.payment_method,
            )
        return Applied()


def _agrees(stored: Payment | None, shown: StripePayment) -> bool:
    return stored is not None and (stored.progress, stored.failure_reason) == (
        shown.progress,
        shown.failure_reason,
    )


def _is_signed(event: StripeEvent) -> bool:
    """What others make in the account need not be readable."""
    metadata = event.object.get("metadata")
    is_invoice = event.object.get("object") == "invoice"
    return is_invoice and isinstance(metadata, Mapping) and METADATA_SIGNATURE in metadata


def _lacks_charge(work: UnitOfWork, account_id: str, seen: StripePayment) -> bool:
    if seen.is_default or seen.payment_intent_id is None:
        return False
    known = work.payments.find(account_id, seen.payment_intent_id)
    return known is None or known.charge_id is None
