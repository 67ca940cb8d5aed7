"""Events of refunds and disputes, including refunds made in Stripe's dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stripe_bridge.domain.invoice import Invoice, SnapshotOrder
from stripe_bridge.domain.stripe_objects import StripeDispute, StripePayment, StripeRefund
from stripe_bridge.domain.webhook_event import StripeEvent
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.ports.stripe.refunds import RefundGateway
from stripe_bridge.ports.stripe.snapshots import Snapshots
from stripe_bridge.use_cases.records.ledger import RefundLedger
from stripe_bridge.use_cases.webhook_events.handlers.find_invoice import FindInvoice
from stripe_bridge.use_cases.webhook_events.handlers.handler import (
    Applied,
    Fetched,
    HandlerResult,
    NeedsRefetch,
)


@dataclass(frozen=True, slots=True)
class CurrentRefund:
    payment: StripePayment | None
    refund: StripeRefund


@dataclass(frozen=True, slots=True)
class CurrentCharge:
    payment: StripePayment | None
    refunds: Sequence[StripeRefund]


@dataclass(frozen=True, slots=True)
class CurrentDispute:
    payment: StripePayment | None
    dispute: StripeDispute


class RefundHandler:
    """`refund.*`: a status only goes forward, so a payload with a later one counts; if unclear, the refund is fetched."""

    def __init__(
        self, find_invoice: FindInvoice, gateway: RefundGateway, snapshots: Snapshots, ledger: RefundLedger
    ) -> None:
        self._find_invoice, self._gateway = find_invoice, gateway
        self._snapshots, self._ledger = snapshots, ledger

    def fetch(self, account_id: str, event: StripeEvent) -> CurrentRefund:
        refund = self._gateway.refund(account_id, event.object_id)
        return CurrentRefund(self._find_invoice.fetch(account_id, event), refund)

    def apply(
        self,
        work: UnitOfWork,
        account_id: str,
        event: StripeEvent,
        fetched: Fetched[CurrentRefund] | None,
    ) -> HandlerResult:
        payment = None if fetched is None else fetched.current.payment
        invoice = self._find_invoice(work, account_id, event, fetched=fetched is not None, payment=payment)
        if not isinstance(invoice, Invoice):
            return invoice
        if event.is_thin and fetched is None:
            entered = work.refunds.find_by_stripe_id(account_id, event.object_id)
            return NeedsRefetch(0 if entered is None else entered.version)
        current = None if fetched is None else fetched.current.refund
        seen = current if event.is_thin and current else self._snapshots.refund(event.object)
        known = self._ledger.find_refund(work, account_id, seen)
        version = 0 if known is None else known.version
        if fetched is not None and fetched.version == version:
            seen = fetched.current.refund
        elif known is not None and known.compare(seen) is SnapshotOrder.UNCLEAR:
            return NeedsRefetch(version)
        self._ledger.record_refund(work, invoice, seen)
        return Applied()


class ChargeRefundedHandler:
    """`charge.refunded` names no refund, so the refunds are fetched whenever the ledger does not add up to its total."""

    def __init__(self, find_invoice: FindInvoice, gateway: RefundGateway, ledger: RefundLedger) -> None:
        self._find_invoice, self._gateway, self._ledger = find_invoice, gateway, ledger

    def fetch(self, account_id: str, event: StripeEvent) -> CurrentCharge:
        refunds = self._gateway.refunds_of(
            account_id, payment_intent_id=event.payment_intent_id, charge_id=event.charge_id
        )
        return CurrentCharge(self._find_invoice.fetch(account_id, event), refunds)

    def apply(
        self,
        work: UnitOfWork,
        account_id: str,
        event: StripeEvent,
        fetched: Fetched[CurrentCharge] | None,
    ) -> HandlerResult:
        payment = None if fetched is None else fetched.current.payment
        invoice = self._find_invoice(work, account_id, event, fetched=fetched is not None, payment=payment)
        if not isinstance(invoice, Invoice):
            return invoice
        if fetched is not None:
            for seen in fetched.current.refunds:
                invoice = self._ledger.record_refund(work, invoice, seen, may_be_late=True)
            return Applied()
        counted = sum(
            refund.amount
            for refund in work.refunds.of_invoice(invoice.id)
            if refund.is_effective and refund.charge_id == event.charge_id
        )
        if event.is_thin or counted != event.object.get("amount_refunded"):
            return NeedsRefetch(invoice.version)
        return Applied()


class DisputeHandler:
    """`charge.dispute.*`: a status may go back and forth, so if it differs from what we know, the dispute is fetched."""

    def __init__(
        self, find_invoice: FindInvoice, gateway: RefundGateway, snapshots: Snapshots, ledger: RefundLedger
    ) -> None:
        self._find_invoice, self._gateway = find_invoice, gateway
        self._snapshots, self._ledger = snapshots, ledger

    def fetch(self, account_id: str, event: StripeEvent) -> CurrentDispute:
        dispute = self._gateway.dispute(account_id, event.object_id)
        return CurrentDispute(self._find_invoice.fetch(account_id, event), dispute)

    def apply(
        self,
        work: UnitOfWork,
        account_id: str,
        event: StripeEvent,
        fetched: Fetched[CurrentDispute] | None,
    ) -> HandlerResult:
        payment = None if fetched is None else fetched.current.payment
        invoice = self._find_invoice(work, account_id, event, fetched=fetched is not None, payment=payment)
        if not isinstance(invoice, Invoice):
            return invoice
        known = work.disputes.find(account_id, event.object_id)
        version = 0 if known is None else known.version
        if fetched is not None and fetched.version == version:
            self._ledger.record_dispute(work, invoice, fetched.current.dispute)
            return Applied()
        if (
            known is not None
            and not event.is_thin
            and known.agrees_with(self._snapshots.dispute(event.object))
        ):
            return Applied()
        return NeedsRefetch(version)
