"""Which event types this service handles, who handles each, and which of them it subscribes to at Stripe.

A type without a reason in `not_subscribed` is one that receivers subscribe to. The others still arrive where an operator made
the endpoint by hand, with more types: they are applied, since they may be the first to say what they say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.use_cases.records.adopt import DetectRestore
from stripe_bridge.use_cases.records.invoices import RecordInvoice
from stripe_bridge.use_cases.records.ledger import RefundLedger
from stripe_bridge.use_cases.records.signed_metadata import SignedMetadata
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


@dataclass(frozen=True, slots=True)
class Row:
    """One event type.

    `not_subscribed` is the reason why receivers do not subscribe to it, None if they do. `applies_when_disconnected`: it still
    matters then; others are skipped, and a reconnect catches up. `apply_individually`: it locks more than its invoice, and so
    is never applied in one transaction with others.
    """

    event_type: str
    handler: type[Handler[Any]]
    not_subscribed: str | None = None
    applies_when_disconnected: bool = False
    apply_individually: bool = False


EVENT_TABLE: Sequence[Row] = (
    Row(
        "account.application.deauthorized",
        DeauthorizedHandler,
        applies_when_disconnected=True,
        apply_individually=True,
    ),
    Row("account.updated", AccountUpdatedHandler, apply_individually=True),
    Row("charge.dispute.closed", DisputeHandler),
    Row("charge.dispute.created", DisputeHandler),
    Row("charge.dispute.funds_reinstated", DisputeHandler),
    Row("charge.dispute.funds_withdrawn", DisputeHandler),
    Row("charge.dispute.updated", DisputeHandler),
    Row("charge.failed", ChargeHandler),
    Row("charge.refunded", ChargeRefundedHandler),
    Row("charge.succeeded", ChargeHandler),
    Row("checkout.session.async_payment_failed", CheckoutSessionHandler),
    Row("checkout.session.async_payment_succeeded", CheckoutSessionHandler),
    Row("checkout.session.completed", CheckoutSessionHandler),
    # A credit note changes what remains due on its invoice.
    Row("credit_note.created", InvoiceHandler),
    Row("credit_note.updated", InvoiceHandler),
    Row("credit_note.voided", InvoiceHandler),
    Row("invoice.deleted", InvoiceDeletedHandler),
    Row("invoice.finalization_failed", InvoiceHandler),
    Row("invoice.finalized", InvoiceHandler),
    Row("invoice.marked_uncollectible", InvoiceHandler),
    Row("invoice.overdue", InvoiceHandler),
    Row("invoice.overpaid", InvoiceHandler),
    Row("invoice.paid", InvoiceHandler),
    Row(
        "invoice.payment_action_required",
        InvoiceHandler,
        "Nothing about the invoice changes until its payer has acted.",
    ),
    Row("invoice.payment_failed", InvoiceHandler),
    Row(
        "invoice.payment_succeeded",
        InvoiceHandler,
        "invoice.paid comes with it, and also for payments outside Stripe.",
    ),
    Row("invoice.sent", InvoiceHandler),
    Row("invoice.updated", InvoiceHandler),
    Row("invoice.voided", InvoiceHandler),
    Row("invoice_payment.paid", InvoicePaymentHandler),
    Row("payment_intent.canceled", ChargeHandler, "invoice.voided says what became of the invoice."),
    Row("payment_intent.partially_funded", ChargeHandler, "charge.succeeded follows once it is funded."),
    Row("payment_intent.payment_failed", ChargeHandler),
    Row("payment_intent.processing", ChargeHandler),
    Row("payment_intent.requires_action", ChargeHandler, "charge.succeeded or charge.failed follows."),
    Row("payment_intent.succeeded", ChargeHandler, "charge.succeeded comes with it."),
    Row("refund.created", RefundHandler),
    Row("refund.failed", RefundHandler),
    Row("refund.updated", RefundHandler),
)


def build_handler_table(adapters: Adapters, *, client_id: str) -> HandlerTable:
    """One handler of each class, by event type. `client_id` is that of our own platform."""
    clock, snapshots, signed = adapters.clock, adapters.snapshots, SignedMetadata(adapters.signer)
    connect_gateway, invoice_gateway = adapters.connect_gateway, adapters.invoice_gateway
    refund_gateway = adapters.refund_gateway
    record, ledger = RecordInvoice(clock), RefundLedger(clock, signed)
    find_invoice = FindInvoice(invoice_gateway, record)
    handlers: Sequence[Handler[Any]] = (
        AccountUpdatedHandler(connect_gateway, snapshots, clock),
        ChargeHandler(find_invoice, record),
        ChargeRefundedHandler(find_invoice, refund_gateway, ledger),
        CheckoutSessionHandler(invoice_gateway, find_invoice, record),
        DeauthorizedHandler(connect_gateway, clock, client_id),
        DisputeHandler(find_invoice, refund_gateway, snapshots, ledger),
        InvoiceDeletedHandler(clock),
        InvoiceHandler(invoice_gateway, snapshots, record, DetectRestore(clock, signed)),
        InvoicePaymentHandler(invoice_gateway, snapshots, record),
        RefundHandler(find_invoice, refund_gateway, snapshots, ledger),
    )
    of_class = {type(handler): handler for handler in handlers}
    return HandlerTable(
        handlers={row.event_type: of_class[row.handler] for row in EVENT_TABLE},
        # The one that the snapshots can read.
        api_version=lambda: adapters.receiver_gateway.api_version,
        applies_when_disconnected=_types(row for row in EVENT_TABLE if row.applies_when_disconnected),
        apply_individually=_types(row for row in EVENT_TABLE if row.apply_individually),
    )


def _types(rows: Iterable[Row]) -> frozenset[str]:
    return frozenset(row.event_type for row in rows)
