"""Issuing a refund: an amount is reserved in the ledger under a lock, then Stripe is called, once per payment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stripe_bridge.domain.errors.outcomes import RefundNotIssued
from stripe_bridge.domain.errors.rules import IntegrationNotConnected
from stripe_bridge.domain.idempotency import LIFETIME
from stripe_bridge.domain.intent import Intent, refund_subject
from stripe_bridge.domain.intent_plans import plan_refund, planned_metadata
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.money import Currency
from stripe_bridge.domain.payment import Payment
from stripe_bridge.domain.refund import (
    Refund,
    RefundReason,
    RefundSource,
    RefundState,
    latest_attempt,
    split_refund,
)
from stripe_bridge.domain.refusal import Refusal
from stripe_bridge.domain.stripe_objects import METADATA_REFERENCE, StripeDispute, StripeRefund
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.stripe.errors import GatewayError, GatewayRefused
from stripe_bridge.ports.stripe.invoices import InvoiceGateway
from stripe_bridge.ports.stripe.refunds import RefundDraft, RefundGateway
from stripe_bridge.ports.system import Clock, Identifiers
from stripe_bridge.use_cases.intents.settle import SettleIntent
from stripe_bridge.use_cases.intents.wait import settle_or_wait
from stripe_bridge.use_cases.records.adopt import check_not_recovering
from stripe_bridge.use_cases.records.invoices import RecordInvoice, lock_invoice
from stripe_bridge.use_cases.records.ledger import RefundLedger
from stripe_bridge.use_cases.records.signed_metadata import SignedMetadata

_TIMEOUT = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueRefundCommand:
    """`amount` in minor units; by default all that may still be refunded.

    `request` names the request: if a caller who got no answer repeats it under the same name, nothing more is refunded. The
    name counts for as long as an idempotency key; after that it names a new request. It is as unguessable as a reference,
    and shorter than 60 characters.
    """

    tenant_id: str
    user_id: int | None
    invoice_id: int
    amount: int | None = None
    reason: RefundReason | None = None
    source: RefundSource | None = None
    request: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedRefunds:
    """One refund for each payment that a part is refunded from; those whose outcome is not known yet are still `reserved`.

    `amount_refused` is how much of the requested amount Stripe refused.
    """

    refunds: Sequence[Refund]
    amount_refused: int


class IssueRefund:
    """Refund an invoice: all that may still be refunded, or the amount asked for.

    Raises InvoiceNotFound, IntegrationNotConnected, Recovering, AmountNotChargeable for what Stripe would round,
    NothingCollected, RefundBlockedByDispute, AmountOverRefundable; RefundNotIssued if Stripe refuses; GatewayError if
    Stripe does not say what was paid.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        identifiers: Identifiers,
        settle: SettleIntent,
        invoices: InvoiceGateway,
        refunds: RefundGateway,
        record: RecordInvoice,
        ledger: RefundLedger,
        signed: SignedMetadata,
    ) -> None:
        self._store, self._clock, self._identifiers, self._settle = store, clock, identifiers, settle
        self._signed = signed
        self._invoices, self._refunds, self._record, self._ledger = invoices, refunds, record, ledger

    def __call__(self, command: IssueRefundCommand) -> IssuedRefunds:
        self._fetch_payments(command)
        reserved = self._reserve(command)
        self._wait_until_settled([intent_id for _, intent_id in reserved if intent_id is not None])
        with self._store.reading() as work:
            found = [refund for id_, _ in reserved if (refund := work.refunds.find(id_)) is not None]
        made = [refund for refund in found if refund.state is not RefundState.REFUSED]
        if not made:
            self._refetch_after_refusal(command)
            raise RefundNotIssued(_refusal_of(found))
        requested = command.amount or sum(refund.amount for refund in found)
        refunded = sum(refund.amount for refund in made)
        return IssuedRefunds(refunds=made, amount_refused=requested - refunded)

    def _fetch_payments(self, command: IssueRefundCommand) -> None:
        """If more was paid than our records of payments add up to, ask Stripe: a webhook may still be on its way."""
        with self._store.reading() as work:
            invoice = work.invoices.get(command.tenant_id, command.invoice_id)
            _check_connected(work, invoice)
        if invoice.stripe_invoice_id is None or invoice.amount_collected >= invoice.amount_paid:
            return
        seen = self._invoices.payments_of(invoice.stripe_account_id, invoice.stripe_invoice_id)
        with self._store.writing() as work:
            self._record.record_payments(work, lock_invoice(work, invoice), seen)
            work.commit()

    def _reserve(self, command: IssueRefundCommand) -> list[tuple[int, int | None]]:
        """The ids of each refund and of its intent; None if the intent is settled."""
        with self._store.writing() as work:
            invoice = lock_invoice(work, work.invoices.get(command.tenant_id, command.invoice_id))
            _check_connected(work, invoice)
            if command.amount is not None:
                Currency.of(invoice.currency).check_exact(command.amount, "amount_in_cents")
            earlier, now = _earlier_attempts(work, command.request), self._clock.now()
            check_not_recovering(work, invoice.tenant_id, invoice.stripe_account_id)
            if made := latest_attempt(earlier, after=now - LIFETIME):
                return [(refund.id, _unsettled_intent_id(work, refund)) for refund in made]
            reserved: list[tuple[int, int | None]] = []
            splits = self._split(work, invoice, command.amount)
            for number, (payment, amount) in enumerate(splits, start=len(earlier) + 1):
                reference = (
                    f"{command.request}-{number}" if command.request else self._identifiers.reference()
                )
                refund = work.refunds.add(_reservation(command, invoice, payment, amount, reference, now))
                metadata = self._signed.of_refund(refund, invoice, reference)
                plan = plan_refund(refund, invoice, metadata, reference=reference, now=now)
                reserved.append((refund.id, work.intents.add(plan).id))
            work.commit()
        return reserved

    def _wait_until_settled(self, intent_ids: Sequence[int]) -> None:
        deadline = self._clock.now() + _TIMEOUT
        for intent_id in intent_ids:
            settle_or_wait(self._store, self._clock, self._settle, intent_id, deadline)

    def _split(self, work: UnitOfWork, invoice: Invoice, amount: int | None) -> list[tuple[Payment, int]]:
        return split_refund(
            amount,
            work.payments.of_invoice(invoice.id),
            work.refunds.of_invoice(invoice.id),
            work.disputes.of_invoice(invoice.id),
        )

    def _refetch_after_refusal(self, command: IssueRefundCommand) -> None:
        """Stripe refused, most likely since a refund in its dashboard or a dispute came first: record those, and check again.

        Raises the error of the rule that then applies, if one does.
        """
        with self._store.reading() as work:
            invoice = work.invoices.get(command.tenant_id, command.invoice_id)
            payments = [each for each in work.payments.of_invoice(invoice.id) if each.is_refundable_kind]
            before = work.disputes.of_invoice(invoice.id)
        account_id = invoice.stripe_account_id
        refunds: list[StripeRefund] = []
        disputes: list[StripeDispute] = []
        try:
            for payment in payments:
                ids = {"payment_intent_id": payment.payment_intent_id, "charge_id": payment.charge_id}
                refunds += self._refunds.refunds_of(account_id, **ids)
                disputes += self._refunds.disputes_of(account_id, **ids)
        except GatewayError:
            return
        with self._store.writing() as work:
            locked = lock_invoice(work, invoice)
            for refund in refunds:
                locked = self._ledger.record_refund(work, locked, refund, may_be_late=True)
            # If they were changed since Stripe was asked, those changes are newer.
            if work.disputes.of_invoice(invoice.id) == before:
                for dispute in disputes:
                    locked = self._ledger.record_dispute(work, locked, dispute)
            work.commit()
        with self._store.reading() as work:
            self._split(work, invoice, command.amount)


class RefundStep:
    """Ask Stripe for a reserved refund."""

    def __init__(self, gateway: RefundGateway, ledger: RefundLedger) -> None:
        self._gateway, self._ledger = gateway, ledger

    def find_effect(self, intent: Intent) -> StripeRefund | None:
        refunds = self._gateway.refunds_of(
            intent.account_id,
            payment_intent_id=intent.parameters["payment_intent_id"],
            charge_id=intent.parameters["charge_id"],
        )
        made = (refund for refund in refunds if refund.metadata.get(METADATA_REFERENCE) == intent.reference)
        return next(made, None)

    def call(self, intent: Intent) -> StripeRefund:
        draft = RefundDraft(
            payment_intent_id=intent.parameters["payment_intent_id"],
            charge_id=intent.parameters["charge_id"],
            amount=intent.parameters["amount"],
            reason=intent.parameters["reason"],
            metadata=planned_metadata(intent),
        )
        return self._gateway.create_refund(intent.account_id, draft, intent.idempotency_key)

    def on_success(self, work: UnitOfWork, intent: Intent, result: StripeRefund) -> Intent | None:
        invoice = work.invoices.find(intent.parameters["invoice"])
        assert invoice is not None
        self._ledger.record_refund(work, lock_invoice(work, invoice), result, may_be_late=True)
        return None

    def on_refusal(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        self._ledger.release(work, intent.parameters["refund"], error.reason, error.refusal)
        return None


class ListRefunds:
    """Newest first, without those that Stripe refused. Raises InvoiceNotFound."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str, invoice_id: int) -> Sequence[Refund]:
        with self._store.reading() as work:
            invoice = work.invoices.get(tenant_id, invoice_id)
            refunds = work.refunds.of_invoice(invoice.id)
        return [refund for refund in refunds if refund.state is not RefundState.REFUSED]


def _check_connected(work: UnitOfWork, invoice: Invoice) -> None:
    """Raises IntegrationNotConnected unless the tenant is joined to the invoice's account now."""
    holder = work.integrations.find_by_account(invoice.stripe_account_id)
    if holder is None or not holder.can_act_for(invoice.tenant_id, invoice.stripe_account_id):
        raise IntegrationNotConnected


def _refusal_of(refunds: Sequence[Refund]) -> Refusal:
    """What Stripe said to the first. An earlier release stored only the reason."""
    first = refunds[0]
    return first.refusal or Refusal(message=first.failure_reason or "no reason was stored")


def _reservation(
    command: IssueRefundCommand,
    invoice: Invoice,
    payment: Payment,
    amount: int,
    reference: str,
    now: datetime,
) -> Refund:
    return Refund(
        id=0,
        tenant_id=invoice.tenant_id,
        invoice_id=invoice.id,
        account_id=invoice.stripe_account_id,
        payment_intent_id=payment.payment_intent_id,
        charge_id=payment.charge_id,
        amount=amount,
        currency=invoice.currency,
        created_at=now,
        updated_at=now,
        reference=reference,
        reason=None if command.reason is None else command.reason.value,
        user_id=command.user_id,
        source=command.source,
    )


def _unsettled_intent_id(work: UnitOfWork, refund: Refund) -> int | None:
    """The id of its intent, unless that is settled."""
    intent = work.intents.find_unsettled(refund_subject(refund.id))
    return None if intent is None else intent.id


def _earlier_attempts(work: UnitOfWork, request: str | None) -> list[Refund]:
    """What was reserved for the same request before, whenever that was and whatever became of it."""
    found: list[Refund] = []
    while request is not None and (refund := work.refunds.find_by_reference(f"{request}-{len(found) + 1}")):
        found.append(refund)
    return found
