"""Which step settles which operation, and which handler applies which type of event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stripe_bridge.bootstrap.driven import Adapters
from stripe_bridge.bootstrap.last_look import last_look_of
from stripe_bridge.config import Settings
from stripe_bridge.domain.intent import Operation
from stripe_bridge.ports.handlers import Handler, HandlerTable
from stripe_bridge.ports.steps import Step
from stripe_bridge.use_cases.disconnecting import Deauthorize
from stripe_bridge.use_cases.drafting import AddLines, CreateCustomer, CreateDraft
from stripe_bridge.use_cases.following import (
    FollowCharge,
    FollowDeletion,
    FollowInvoice,
    FollowInvoicePayment,
)
from stripe_bridge.use_cases.following_accounts import FollowAccount, FollowDeauthorization
from stripe_bridge.use_cases.following_checkouts import FollowCheckout
from stripe_bridge.use_cases.following_money_back import FollowDispute, FollowRefund, FollowRefundedCharge
from stripe_bridge.use_cases.identifying import IdentifyInvoice
from stripe_bridge.use_cases.issuing_refunds import IssueRefund
from stripe_bridge.use_cases.keeping_the_ledger import KeepLedger
from stripe_bridge.use_cases.leaving import leave_account
from stripe_bridge.use_cases.mending_endpoints import MendEndpoint
from stripe_bridge.use_cases.recording import RecordInvoice, lock_invoice
from stripe_bridge.use_cases.registering import CreateEndpoint
from stripe_bridge.use_cases.sending import DeleteDraft, Finalize, Send, Void


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
