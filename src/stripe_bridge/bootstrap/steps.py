"""Which step settles which operation, and which handler applies which type of event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stripe_bridge.bootstrap.ports import Adapters
from stripe_bridge.bootstrap.upkeep import last_look_of
from stripe_bridge.config import Settings
from stripe_bridge.domain.intent import Operation
from stripe_bridge.use_cases.integrations.account import leave_account
from stripe_bridge.use_cases.integrations.disconnect import Deauthorize
from stripe_bridge.use_cases.intents.step import Step
from stripe_bridge.use_cases.invoices.steps_after_draft import DeleteDraft, Finalize, Send, Void
from stripe_bridge.use_cases.invoices.steps_until_draft import AddLines, CreateCustomer, CreateDraft
from stripe_bridge.use_cases.receivers.repair import MendEndpoint
from stripe_bridge.use_cases.receivers.request import CreateEndpoint
from stripe_bridge.use_cases.records.invoices import RecordInvoice, lock_invoice
from stripe_bridge.use_cases.records.ledger import KeepLedger
from stripe_bridge.use_cases.refunds.step import IssueRefund
from stripe_bridge.use_cases.webhook_events.handlers.accounts import FollowAccount, FollowDeauthorization
from stripe_bridge.use_cases.webhook_events.handlers.checkout_sessions import FollowCheckout
from stripe_bridge.use_cases.webhook_events.handlers.find_invoice import IdentifyInvoice
from stripe_bridge.use_cases.webhook_events.handlers.handler import Handler, HandlerTable
from stripe_bridge.use_cases.webhook_events.handlers.invoices import (
    FollowCharge,
    FollowDeletion,
    FollowInvoice,
    FollowInvoicePayment,
)
from stripe_bridge.use_cases.webhook_events.handlers.refunds_and_disputes import (
    FollowDispute,
    FollowRefund,
    FollowRefundedCharge,
)


def steps_of(adapters: Adapters) -> Mapping[Operation, Step[Any]]:
    gateway, clock, identifiers = adapters.payment_gateway, adapters.clock, adapters.identifiers
    record = RecordInvoice(clock).answer
    return {
        Operation.CREATE_CUSTOMER: CreateCustomer(gateway, clock, identifiers),
        Operation.CREATE_DRAFT: CreateDraft(gateway, clock, identifiers, record),
        Operation.ADD_LINES: AddLines(gateway, clock, identifiers, record),
        Operation.FINALIZE: Finalize(gateway, clock, identifiers, record),
        Operation.SEND: Send(gateway, clock, identifiers, record),
        Operation.VOID: Void(gateway, clock, identifiers, record),
        Operation.DELETE_DRAFT: DeleteDraft(gateway, clock, identifiers, record),
        Operation.REFUND: IssueRefund(adapters.refund_gateway, KeepLedger(clock), lock_invoice),
        Operation.DEAUTHORIZE: Deauthorize(
            adapters.store,
            clock,
            adapters.connect_gateway,
            adapters.receiver_gateway,
            last_look_of(adapters),
        ),
        Operation.CREATE_ENDPOINT: CreateEndpoint(adapters.receiver_gateway, clock, adapters.vault),
        Operation.MEND_ENDPOINT: mend_endpoint(adapters),
    }


def mend_endpoint(adapters: Adapters) -> MendEndpoint:
    return MendEndpoint(adapters.store, adapters.clock, adapters.receiver_gateway, adapters.vault)


def handlers_of(settings: Settings, adapters: Adapters) -> HandlerTable:
    gateway, clock, snapshots = adapters.payment_gateway, adapters.clock, adapters.snapshots
    record = RecordInvoice(clock)
    refunds, ledger = adapters.refund_gateway, KeepLedger(clock)
    invoice = FollowInvoice(gateway, snapshots, record, lock_invoice)
    identify = IdentifyInvoice(gateway, record.payments, lock_invoice)
    charge = FollowCharge(identify, record)
    table: dict[str, Handler[Any]] = {
        **dict.fromkeys(_INVOICE_EVENTS, invoice),
        **dict.fromkeys(_CHARGE_EVENTS, charge),
        **dict.fromkeys(_REFUND_EVENTS, FollowRefund(identify, refunds, snapshots, ledger)),
        **dict.fromkeys(_DISPUTE_EVENTS, FollowDispute(identify, refunds, snapshots, ledger)),
        **dict.fromkeys(_CHECKOUT_EVENTS, FollowCheckout(gateway, identify, record, lock_invoice)),
        "charge.refunded": FollowRefundedCharge(identify, refunds, ledger),
        "invoice.deleted": FollowDeletion(clock, lock_invoice),
        "invoice_payment.paid": FollowInvoicePayment(gateway, snapshots, record, lock_invoice),
    }
    about_accounts: dict[str, Handler[Any]] = {
        "account.updated": FollowAccount(adapters.connect_gateway, snapshots, clock),
        _DEAUTHORIZED: FollowDeauthorization(
            adapters.connect_gateway, clock, settings.stripe_client_id, leave_account
        ),
    }
    return HandlerTable(
        handlers=table | about_accounts,
        # All other types are skipped once the integration is disconnected; a reconnect catches up.
        even_disconnected=frozenset({_DEAUTHORIZED}),
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
