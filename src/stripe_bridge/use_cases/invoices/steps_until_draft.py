"""The first steps of sending an invoice, up to a draft with its lines:

    create_customer ─> create_draft ─> add_lines ─> finalize …

The invoice's Stripe id is committed while it is still an empty draft, so that no webhook is ever about an unknown invoice.
"""

from __future__ import annotations

from dataclasses import replace

from stripe_bridge.domain.intent import Intent, customer_subject, invoice_subject
from stripe_bridge.domain.intent_plans import (
    plan_customer,
    plan_delete,
    plan_draft,
    plan_finalize,
    plan_lines,
    planned_address,
    planned_lines,
)
from stripe_bridge.domain.invoice import Invoice, is_as_agreed
from stripe_bridge.domain.stripe_objects import METADATA_REFERENCE, StripeInvoice, StripeInvoiceStatus
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.ports.stripe.errors import GatewayRefused, ObjectMissing
from stripe_bridge.ports.stripe.invoices import CustomerDraft, InvoiceDraft, InvoiceGateway
from stripe_bridge.ports.system import Clock, Identifiers
from stripe_bridge.use_cases.records.invoices import RecordInvoice


class CreateCustomerStep:
    """Create the customer at Stripe, then plan the drafts of all invoices that were waiting for it."""

    def __init__(self, gateway: InvoiceGateway, clock: Clock, identifiers: Identifiers) -> None:
        self._gateway, self._clock, self._identifiers = gateway, clock, identifiers

    def find_effect(self, intent: Intent) -> str | None:
        return self._gateway.find_customer(intent.account_id, intent.parameters["email"], intent.reference)

    def call(self, intent: Intent) -> str:
        draft = CustomerDraft(
            email=intent.parameters["email"],
            name=intent.parameters["name"],
            address=planned_address(intent.parameters),
            metadata={
                METADATA_REFERENCE: intent.reference,
                "customer_id": str(intent.parameters["erp_customer_id"]),
            },
        )
        return self._gateway.create_customer(intent.account_id, draft, intent.idempotency_key)

    def on_success(self, work: UnitOfWork, intent: Intent, result: str) -> Intent | None:
        customer = work.customers.get(intent.parameters["customer"], lock=True)
        work.customers.save(replace(customer, stripe_customer_id=result))
        for invoice in work.invoices.reserved_for_customer(customer.id):
            if work.intents.find_unsettled(invoice_subject(invoice.id)) is None:
                reference = self._identifiers.reference()
                work.intents.add(plan_draft(invoice, result, reference=reference, now=self._clock.now()))
        return None

    def on_refusal(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        # Whoever reserves an invoice for it holds the customer's lock, and may have seen this intent while it was unsettled.
        customer = work.customers.get(intent.parameters["customer"], lock=True)
        for invoice in work.invoices.reserved_for_customer(customer.id):
            if work.intents.find_unsettled(invoice_subject(invoice.id)) is None:
                work.invoices.save(invoice.abandon(error.reason, self._clock.now()))
        return None


class CreateDraftStep:
    """Create an empty draft at Stripe. A customer that Stripe no longer has is created again."""

    def __init__(
        self, gateway: InvoiceGateway, clock: Clock, identifiers: Identifiers, record: RecordInvoice
    ) -> None:
        self._gateway, self._clock, self._identifiers, self._record = gateway, clock, identifiers, record

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
        return plan_lines(invoice, reference=self._identifiers.reference(), now=self._clock.now())

    def on_refusal(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        invoice = _invoice_of(work, intent)
        if not isinstance(error, ObjectMissing) or error.param != "customer":
            work.invoices.save(invoice.abandon(error.reason, self._clock.now()))
            return None
        customer = work.customers.get(invoice.customer_id, lock=True)
        if customer.stripe_customer_id == intent.parameters["customer_id"]:
            work.customers.save(replace(customer, stripe_customer_id=None))
        elif customer.stripe_customer_id is not None:
            reference, now = self._identifiers.reference(), self._clock.now()
            return plan_draft(invoice, customer.stripe_customer_id, reference=reference, now=now)
        if work.intents.find_unsettled(customer_subject(customer.id)) is not None:
            return None
        order = work.sales_orders.get(invoice.tenant_id, invoice.sales_order_id)
        return plan_customer(
            customer,
            invoice,
            order.customer,
            reference=self._identifiers.reference(),
            now=self._clock.now(),
        )


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
        if not is_as_agreed(invoice, result):
            because = f"Stripe would ask for {result.amount_due}, not for the agreed {invoice.amount}"
            return plan_delete(invoice, because=because, reference=reference, now=now)
        integration = work.integrations.find(invoice.integration_id)
        if integration is None or integration.stripe_account_id != invoice.stripe_account_id:
            because = "the integration was disconnected"
            return plan_delete(invoice, because=because, reference=reference, now=now)
        return plan_finalize(invoice, reference=reference, now=now)

    def on_refusal(self, work: UnitOfWork, intent: Intent, error: GatewayRefused) -> Intent | None:
        reference, now = self._identifiers.reference(), self._clock.now()
        return plan_delete(_invoice_of(work, intent), because=error.reason, reference=reference, now=now)


def _invoice_of(work: UnitOfWork, intent: Intent) -> Invoice:
    """The intent's invoice, locked. It was reserved before the intent, so it exists."""
    assert intent.invoice_id is not None
    invoice = work.invoices.find(intent.invoice_id, lock=True)
    assert invoice is not None
    return invoice
