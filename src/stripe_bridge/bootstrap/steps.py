"""Which step settles which operation, and which handler applies which type of event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stripe_bridge.bootstrap.ports import Adapters
from stripe_bridge.config import Settings
from stripe_bridge.domain.intent import Operation
from stripe_bridge.use_cases.integrations.account import mark_access_revoked
from stripe_bridge.use_cases.integrations.disconnect import DeauthorizeStep
from stripe_bridge.use_cases.intents.step import Step
from stripe_bridge.use_cases.invoices.steps_after_draft import (
    DeleteDraftStep,
    FinalizeStep,
    SendStep,
    VoidStep,
)
from stripe_bridge.use_cases.invoices.steps_until_draft import (
    AddLinesStep,
    CreateCustomerStep,
    CreateDraftStep,
)
from stripe_bridge.use_cases.receivers.encryption_key import EncryptionKey
from stripe_bridge.use_cases.receivers.endpoint_status import EndpointStatuses
from stripe_bridge.use_cases.receivers.steps import CreateEndpointStep, RepairEndpointStep
from stripe_bridge.use_cases.records.invoices import RecordInvoice, lock_invoice
from stripe_bridge.use_cases.records.ledger import RefundLedger
from stripe_bridge.use_cases.records.refetch import DeleteStuckDraft, Disputes, FinalCheck, Invoices, Refunds
from stripe_bridge.use_cases.refunds.step import RefundStep
from stripe_bridge.use_cases.webhook_events.handlers.accounts import (
    AccountUpdatedHandler,
    DeauthorizedHandler,
)
from stripe_bridge.use_cases.webhook_events.handlers.checkout_sessions import CheckoutSessionHandler
from stripe_bridge.use_cases.webhook_events.handlers.find_invoice import FindInvoice
from stripe_bridge.use_cases.webhook_events.handlers.handler import Handler, HandlerTable
from stripe_bridge.use_cases.webhook_events.handlers.invoices import (
    ChargeHandler,
    InvoiceDeletedHandler,
    InvoiceHandler,
    InvoicePaymentHandler,
)
from stripe_bridge.use_cases.webhook_events.handlers.refunds_and_disputes import (
    ChargeRefundedHandler,
    DisputeHandler,
    RefundHandler,
)


def steps_of(adapters: Adapters) -> Mapping[Operation, Step[Any]]:
    gateway, clock, identifiers = adapters.invoice_gateway, adapters.clock, adapters.identifiers
    record = RecordInvoice(clock).answer
    return {
        Operation.CREATE_CUSTOMER: CreateCustomerStep(gateway, clock, identifiers),
        Operation.CREATE_DRAFT: CreateDraftStep(gateway, clock, identifiers, record),
        Operation.ADD_LINES: AddLinesStep(gateway, clock, identifiers, record),
        Operation.FINALIZE: FinalizeStep(gateway, clock, identifiers, record),
        Operation.SEND: SendStep(gateway, clock, identifiers, record),
        Operation.VOID: VoidStep(gateway, clock, identifiers, record),
        Operation.DELETE_DRAFT: DeleteDraftStep(gateway, clock, identifiers, record),
        Operation.REFUND: RefundStep(adapters.refund_gateway, RefundLedger(clock), lock_invoice),
        Operation.DEAUTHORIZE: DeauthorizeStep(
            adapters.store,
            clock,
            adapters.connect_gateway,
            adapters.receiver_gateway,
            FinalCheck(adapters.store, clock, refetch_targets(adapters)),
        ),
        Operation.CREATE_ENDPOINT: CreateEndpointStep(adapters.receiver_gateway, clock, adapters.vault),
        Operation.MEND_ENDPOINT: RepairEndpointStep(
            clock,
            adapters.receiver_gateway,
            adapters.vault,
            endpoint_statuses(adapters),
            encryption_key(adapters),
        ),
    }


def endpoint_statuses(adapters: Adapters) -> EndpointStatuses:
    return EndpointStatuses(adapters.store, adapters.receiver_gateway, adapters.vault)


def encryption_key(adapters: Adapters) -> EncryptionKey:
    return EncryptionKey(adapters.store, adapters.clock, adapters.vault)


def refetch_targets(adapters: Adapters) -> tuple[Invoices, Refunds, Disputes]:
    """What is read again at Stripe: by each sweep, and a last time before an account is left."""
    store, clock, ledger = adapters.store, adapters.clock, RefundLedger(adapters.clock)
    undo = DeleteStuckDraft(clock, adapters.identifiers)
    return (
        Invoices(store, clock, adapters.invoice_gateway, RecordInvoice(clock), undo),
        Refunds(store, adapters.refund_gateway, ledger),
        Disputes(store, adapters.refund_gateway, ledger),
    )


def handlers_of(settings: Settings, adapters: Adapters) -> HandlerTable:
    gateway, clock, snapshots = adapters.invoice_gateway, adapters.clock, adapters.snapshots
    record = RecordInvoice(clock)
    refunds, ledger = adapters.refund_gateway, RefundLedger(clock)
    invoice = InvoiceHandler(gateway, snapshots, record, lock_invoice)
    identify = FindInvoice(gateway, record.payments, lock_invoice)
    charge = ChargeHandler(identify, record)
    table: dict[str, Handler[Any]] = {
        **dict.fromkeys(_INVOICE_EVENTS, invoice),
        **dict.fromkeys(_CHARGE_EVENTS, charge),
        **dict.fromkeys(_REFUND_EVENTS, RefundHandler(identify, refunds, snapshots, ledger)),
        **dict.fromkeys(_DISPUTE_EVENTS, DisputeHandler(identify, refunds, snapshots, ledger)),
        **dict.fromkeys(_CHECKOUT_EVENTS, CheckoutSessionHandler(gateway, identify, record, lock_invoice)),
        "charge.refunded": ChargeRefundedHandler(identify, refunds, ledger),
        "invoice.deleted": InvoiceDeletedHandler(clock, lock_invoice),
        "invoice_payment.paid": InvoicePaymentHandler(gateway, snapshots, record, lock_invoice),
    }
    about_accounts: dict[str, Handler[Any]] = {
        "account.updated": AccountUpdatedHandler(adapters.connect_gateway, snapshots, clock),
        _DEAUTHORIZED: DeauthorizedHandler(
            adapters.connect_gateway, clock, settings.stripe_client_id, mark_access_revoked
        ),
    }
    return HandlerTable(
        handlers=table | about_accounts,
        # All other types are skipped once the integration is disconnected; a reconnect catches up.
        applies_when_disconnected=frozenset({_DEAUTHORIZED}),
        alone=frozenset(about_accounts),
    )


_DEAUTHORIZED = "account.application.deauthorized"
# A credit note changes what remains due on its invoice.
_INVOICE_EVENTS = (
    "credit_note.created",
    "credit_note.updated",
    "credit_note.voided",
    "invoice.finalization_failed",
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.overdue",
    "invoice.overpaid",
    "invoice.paid",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "invoice.payment_succeeded",
    "invoice.sent",
    "invoice.updated",
    "invoice.voided",
)
_CHARGE_EVENTS = (
    "charge.failed",
    "charge.succeeded",
    "payment_intent.canceled",
    "payment_intent.partially_funded",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
)
_REFUND_EVENTS = ("refund.created", "refund.failed", "refund.updated")
_DISPUTE_EVENTS = (
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
)
_CHECKOUT_EVENTS = (
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
)
