"""The steps of sending an invoice, and those that undo a send:

    create_customer ─> create_draft ─> add_lines ─> finalize ─> send
                                           │            │         │
                                           └─> delete_draft ─> void        if Stripe refuses, or the amount differs

The invoice's Stripe id is committed while it is still an empty draft, so that no webhook is ever about an unknown invoice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from stripe_bridge.domain.agreed_amount import changed_by_balance, is_as_agreed
from stripe_bridge.domain.intent import Intent, customer_subject, invoice_subject
from stripe_bridge.domain.intent_plans import (
    is_sent_again,
    plan_customer,
    plan_delete,
    plan_draft,
    plan_finalize,
    plan_lines,
    plan_send,
    plan_void,
    planned_address,
    planned_failure,
    planned_lines,
    planned_metadata,
)
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.refusal import SendFailure
from stripe_bridge.domain.stripe_objects import METADATA_CUSTOMER, StripeInvoice, StripeInvoiceStatus
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.ports.stripe.errors import AccessRevoked, GatewayRefused, ObjectMissing
from stripe_bridge.ports.stripe.invoices import CustomerDraft, InvoiceDraft, InvoiceGateway
from stripe_bridge.ports.system import Clock, Identifiers
from stripe_bridge.use_cases.records.invoices import RecordInvoice
from stripe_bridge.use_cases.records.signed_metadata import SignedMetadata

_GONE_ALREADY = "gone already"
_MAY_BECOME_VOID = frozenset({StripeInvoiceStatus.OPEN, StripeInvoiceStatus.UNCOLLECTIBLE})


class CreateCustomerStep:
    """Create the customer at Stripe, then plan the drafts of all invoices that were waiting for it."""

    def __init__(
        self, gateway: InvoiceGateway, clock: Clock, identifiers: Identifiers, signed: SignedMetadata
    ) -> None:
        self._gateway, self._clock, self._identifiers = gateway, clock, identifiers
        self._signed = signed

    def find_effect(self, intent: Intent) -> str | None:
        return self._gateway.find_customer(intent.account_id, intent.parameters["email"], intent.reference)

    def call(self, intent: Intent) -> str:
        draft = CustomerDraft(
            email=intent.parameters["email"],
            name=intent.parameters["name"],
            address=planned_address(intent.parameters),
            metadata={
                **planned_metadata(intent),
                METADATA_CUSTOMER: str(intent.parameters["erp_customer_id"]),
            },
        )
        return self._gateway.create_customer(intent.account_id, draft, intent.idempotency_key)

    def on_success(self, work: UnitOfWork, intent: Intent, result: str) -> Intent | None:
        customer = work.customers.get(intent.parameters["customer"], lock=True)
        work.customers.save(replace(customer, stripe_customer_id=result))
        for invoice in work.invoices.reserved_for_customer(customer.id):
            if work.intents.find_unsettled(invoice_subject(invoice.id)) is None:
                reference, now = self._identifiers.reference(), self._clock.now()
                metadata = self._signed.of_invoice(invoice, reference)
                work.intents.add(plan_draft(invoice, result, metadata, reference=reference, now=now))
        return None

    def on_refusal(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        # A request that reserves an invoice for the customer holds its lock, and may have seen this intent while it was open.
        customer = work.customers.get(intent.parameters["customer"], lock=True)
        for invoice in work.invoices.reserved_for_customer(customer.id):
            if work.intents.find_unsettled(invoice_subject(invoice.id)) is None:
                work.invoices.save(invoice.abandon(error.reason, self._clock.now(), _refused(error)))
        return None


class CreateDraftStep:
    """Create an empty draft at Stripe. A customer that Stripe no longer has is created again."""

    def __init__(
        self,
        gateway: InvoiceGateway,
        clock: Clock,
        identifiers: Identifiers,
        record: RecordInvoice,
        signed: SignedMetadata,
    ) -> None:
        self._gateway, self._clock, self._identifiers, self._record = gateway, clock, identifiers, record
        self._signed = signed

    def find_effect(self, intent: Intent) -> StripeInvoice | None:
        return self._gateway.find_invoice(
            intent.account_id, intent.parameters["customer_id"], intent.reference, intent.created_at
        )

    def call(self, intent: Intent) -> StripeInvoice:
        draft = InvoiceDraft(
            customer_id=intent.parameters["customer_id"],
            currency=intent.parameters["currency"],
            days_until_due=intent.parameters["days_until_due"],
            order_number=intent.parameters["order_number"],
            metadata=intent.parameters["metadata"],
        )
        return self._gateway.create_draft(intent.account_id, draft, intent.idempotency_key)

    def on_success(self, work: UnitOfWork, intent: Intent, result: StripeInvoice) -> Intent | None:
        invoice = self._record.record_response(work, _invoice_of(work, intent), result)
        reference, now = self._identifiers.reference(), self._clock.now()
        if result.status is not StripeInvoiceStatus.DRAFT:
            return _plan_after_draft(invoice, result, reference=reference, now=now)
        return plan_lines(invoice, reference=reference, now=now)

    def on_refusal(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        invoice = _invoice_of(work, intent)
        if not isinstance(error, ObjectMissing) or error.param != "customer":
            work.invoices.save(invoice.abandon(error.reason, self._clock.now(), _refused(error)))
            return None
        customer = work.customers.get(invoice.customer_id, lock=True)
        reference, now = self._identifiers.reference(), self._clock.now()
        if customer.stripe_customer_id == intent.parameters["customer_id"]:
            work.customers.save(replace(customer, stripe_customer_id=None))
        elif customer.stripe_customer_id is not None:
            metadata = self._signed.of_invoice(invoice, reference)
            return plan_draft(invoice, customer.stripe_customer_id, metadata, reference=reference, now=now)
        if work.intents.find_unsettled(customer_subject(customer.id)) is not None:
            return None
        order = work.sales_orders.get(invoice.tenant_id, invoice.sales_order_id)
        metadata = self._signed.of_customer(customer, invoice, reference)
        return plan_customer(customer, invoice, order.customer, metadata, reference=reference, now=now)


class AddLinesStep:
    """Add the lines to the draft, and continue only if Stripe would then ask for exactly the agreed amount."""

    def __init__(
        self, gateway: InvoiceGateway, clock: Clock, identifiers: Identifiers, record: RecordInvoice
    ) -> None:
        self._gateway, self._clock, self._identifiers, self._record = gateway, clock, identifiers, record

    def find_effect(self, intent: Intent) -> StripeInvoice | None:
        found = self._gateway.invoice(intent.account_id, intent.parameters["stripe_invoice_id"])
        still_empty = found.status is StripeInvoiceStatus.DRAFT and found.line_count == 0
        return None if still_empty else found

    def call(self, intent: Intent) -> StripeInvoice:
        return self._gateway.add_lines(
            intent.account_id,
            intent.parameters["stripe_invoice_id"],
            planned_lines(intent.parameters),
            intent.idempotency_key,
        )

    def on_success(self, work: UnitOfWork, intent: Intent, result: StripeInvoice) -> Intent | None:
        invoice = self._record.record_response(work, _invoice_of(work, intent), result)
        reference, now = self._identifiers.reference(), self._clock.now()
        if result.status is not StripeInvoiceStatus.DRAFT:
            return _plan_after_draft(invoice, result, reference=reference, now=now)
        if not is_as_agreed(invoice, result):
            because = f"Stripe would ask for {result.amount_due}, not for the agreed {invoice.amount}"
            failure = changed_by_balance(invoice, result)
            return plan_delete(invoice, because=because, failure=failure, reference=reference, now=now)
        integration = work.integrations.find(invoice.integration_id)
        if integration is None or integration.stripe_account_id != invoice.stripe_account_id:
            because = "the integration was disconnected"
            return plan_delete(invoice, because=because, reference=reference, now=now)
        return plan_finalize(invoice, reference=reference, now=now)

    def on_refusal(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        reference, now = self._identifiers.reference(), self._clock.now()
        return plan_delete(
            _invoice_of(work, intent),
            because=error.reason,
            failure=_refused(error),
            reference=reference,
            now=now,
        )


def _plan_after_draft(
    invoice: Invoice, found: StripeInvoice, *, reference: str, now: datetime
) -> Intent | None:
    """What follows if Stripe shows that the invoice has got further than is known here, as after a restore."""
    if found.status is not StripeInvoiceStatus.OPEN:
        return None
    if not is_as_agreed(invoice, found):
        because = f"Stripe asked for {found.amount_due}, not for the agreed {invoice.amount}"
        failure = changed_by_balance(invoice, found)
        return plan_void(invoice, because=because, failure=failure, reference=reference, now=now)
    return plan_send(invoice, reference=reference, now=now)


class _InvoiceStep:
    """What these steps share: the invoice exists at Stripe, and its state there shows whether there is anything left to do."""

    def __init__(
        self,
        gateway: InvoiceGateway,
        clock: Clock,
        identifiers: Identifiers,
        record: RecordInvoice,
    ) -> None:
        self._gateway, self._clock, self._identifiers = gateway, clock, identifiers
        self._record = record

    def _current(self, intent: Intent) -> StripeInvoice:
        return self._gateway.invoice(intent.account_id, intent.parameters["stripe_invoice_id"])

    def _locked(self, work: UnitOfWork, intent: Intent) -> Invoice:
        assert intent.invoice_id is not None
        invoice = work.invoices.lock(intent.invoice_id)
        assert invoice is not None
        return invoice


class FinalizeStep(_InvoiceStep):
    """Open the draft; undo it if a customer's balance has changed the amount at the last moment."""

    def find_effect(self, intent: Intent) -> StripeInvoice | None:
        found = self._current(intent)
        return None if found.status is StripeInvoiceStatus.DRAFT else found

    def call(self, intent: Intent) -> StripeInvoice:
        return self._gateway.finalize(
            intent.account_id, intent.parameters["stripe_invoice_id"], intent.idempotency_key
        )

    def on_success(self, work: UnitOfWork, intent: Intent, result: StripeInvoice) -> Intent | None:
        invoice = self._record.record_response(work, self._locked(work, intent), result)
        reference, now = self._identifiers.reference(), self._clock.now()
        if result.status is StripeInvoiceStatus.OPEN:
            return _plan_after_draft(invoice, result, reference=reference, now=now)
        return plan_send(invoice, reference=reference, now=now)

    def on_refusal(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        reference, now = self._identifiers.reference(), self._clock.now()
        return plan_delete(
            self._locked(work, intent),
            because=error.reason,
            failure=_refused(error),
            reference=reference,
            now=now,
        )


class SendStep(_InvoiceStep):
    """Email the open invoice. If the outcome is unknown and there is no event of it, it is sent again: two emails rather than
    none."""

    def find_effect(self, intent: Intent) -> StripeInvoice | None:
        sent = self._gateway.was_sent(
            intent.account_id, intent.parameters["stripe_invoice_id"], intent.created_at
        )
        return self._current(intent) if sent else None

    def call(self, intent: Intent) -> StripeInvoice:
        stripe_id = intent.parameters["stripe_invoice_id"]
        try:
            return self._gateway.send(intent.account_id, stripe_id, intent.idempotency_key)
        except GatewayRefused:
            current = self._current(intent)
            if current.status is StripeInvoiceStatus.OPEN:
                raise
            # It was paid or voided before the email went out: there is nothing left to send.
            return current

    def on_success(self, work: UnitOfWork, intent: Intent, result: StripeInvoice) -> Intent | None:
        invoice = self._record.record_response(work, self._locked(work, intent), result)
        work.invoices.save(invoice.mark_sent(self._clock.now(), again=is_sent_again(intent)))
        return None

    def on_refusal(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        if is_sent_again(intent):
            return None
        reference, now = self._identifiers.reference(), self._clock.now()
        return plan_void(
            self._locked(work, intent),
            because=error.reason,
            failure=_refused(error),
            reference=reference,
            now=now,
        )


@dataclass(frozen=True, slots=True)
class AfterVoid:
    """`by_us` is false where somebody else was faster."""

    invoice: StripeInvoice
    by_us: bool


class VoidStep(_InvoiceStep):
    """Void the invoice at Stripe, or find it in a state (paid, void, uncollectible, partly paid) that shows why it cannot be
    voided. If the merchant or the customer was faster, that is recorded like any other change.
    """

    def find_effect(self, intent: Intent) -> AfterVoid | None:
        found = self._current(intent)
        return None if found.status in _MAY_BECOME_VOID else AfterVoid(found, by_us=True)

    def call(self, intent: Intent) -> AfterVoid:
        stripe_id = intent.parameters["stripe_invoice_id"]
        try:
            voided = self._gateway.void(intent.account_id, stripe_id, intent.idempotency_key)
            return AfterVoid(voided, by_us=True)
        except GatewayRefused:
            current = self._current(intent)
            if current.status is StripeInvoiceStatus.OPEN and current.amount_paid == 0:
                raise
            return AfterVoid(current, by_us=False)

    def on_success(self, work: UnitOfWork, intent: Intent, result: AfterVoid) -> Intent | None:
        because = intent.parameters["because"]
        by = intent.requester if result.by_us and because is None else None
        invoice = self._record.record_response(work, self._locked(work, intent), result.invoice, voided_by=by)
        if because is not None and invoice.status is InvoiceStatus.VOID:
            failure = planned_failure(intent.parameters)
            work.invoices.save(replace(invoice, failure_reason=because, failure=failure))
        return None

    def on_refusal(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        """It stays as it is at Stripe, and payable there; but a draft in an account that we lost access to cannot be paid.

        Deleted test data cannot be paid either, so the invoice counts as void. But a live invoice never disappears once it is
        open: if Stripe does not show it, it is the account that is the wrong one.
        """
        invoice, now = self._locked(work, intent), self._clock.now()
        if isinstance(error, AccessRevoked) and invoice.status is InvoiceStatus.DRAFT:
            work.invoices.save(invoice.abandon(error.reason, now, _refused(error)))
        integration = work.integrations.find(invoice.integration_id)
        is_test_data = integration is not None and not integration.livemode
        is_gone = isinstance(error, ObjectMissing) and is_test_data
        if is_gone and invoice.is_payable and not invoice.amount_paid:
            work.invoices.save(_gone(invoice, intent, now))
        return None


class DeleteDraftStep(_InvoiceStep):
    """Delete the draft; one that was finalized in the meantime is voided instead."""

    def find_effect(self, intent: Intent) -> str | None:
        try:
            self._current(intent)
        except ObjectMissing:
            return "gone"
        return None

    def call(self, intent: Intent) -> str:
        try:
            self._gateway.delete_draft(intent.account_id, intent.parameters["stripe_invoice_id"])
        except ObjectMissing:
            return _GONE_ALREADY
        return "deleted"

    def on_success(self, work: UnitOfWork, intent: Intent, result: str) -> Intent | None:
        invoice, now = self._locked(work, intent), self._clock.now()
        gone = _gone(invoice, intent, now)
        work.invoices.save(replace(gone, voided_by=None) if result == _GONE_ALREADY else gone)
        return None

    def on_refusal(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        reference, now = self._identifiers.reference(), self._clock.now()
        return plan_void(
            self._locked(work, intent),
            because=intent.parameters["because"],
            failure=planned_failure(intent.parameters),
            reference=reference,
            now=now,
        )


def _refused(error: GatewayRefused) -> SendFailure:
    return SendFailure(refusal=error.refusal)


def _gone(invoice: Invoice, intent: Intent, now: datetime) -> Invoice:
    """It no longer exists at Stripe: because its sending failed, or because somebody wanted it void."""
    because = intent.parameters["because"]
    if because is None:
        return invoice.mark_deleted(now).name_voider(intent.requester, now)
    return invoice.abandon(because, now, planned_failure(intent.parameters))


def _invoice_of(work: UnitOfWork, intent: Intent) -> Invoice:
    """The intent's invoice, locked. It was reserved before the intent, so it exists."""
    assert intent.invoice_id is not None
    invoice = work.invoices.find(intent.invoice_id, lock=True)
    assert invoice is not None
    return invoice
