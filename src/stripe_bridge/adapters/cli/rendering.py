"""What is stored, as rows with the REST API's names, plus the tenant where operators see several."""

from __future__ import annotations

from stripe_bridge.adapters.cli.output import Row
from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.origin import dump_actor
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.replay import PlannedEvent, PlannedObject, Replay
from stripe_bridge.domain.subscriber import Delivery
from stripe_bridge.domain.webhook_event import WebhookEvent
from stripe_bridge.use_cases.integrations.in_flight import InFlight
from stripe_bridge.use_cases.integrations.manage import IntegrationView
from stripe_bridge.use_cases.invoices.views import InvoiceView, PaymentView
from stripe_bridge.use_cases.sales_orders.show import SalesOrderView
from stripe_bridge.use_cases.subscribers.queries import SubscriberView


def integration_row(view: IntegrationView) -> Row:
    integration, snapshot = view.integration, view.integration.snapshot
    # There is no snapshot before the first connection.
    flags = ("charges_enabled", "payouts_enabled", "details_submitted")
    texts = ("default_currency", "country", "email", "display_name", "business_name", "business_url")
    return {
        "id": integration.id,
        "tenant_id": integration.tenant_id,
        "name": integration.name,
        "sync_status": integration.sync_status,
        "connected": integration.connected,
        "stripe_account_id": integration.stripe_account_id,
        "livemode": integration.livemode,
        "webhook_registered": view.webhook_registered,
        **{name: getattr(snapshot, name, False) for name in flags},
        **{name: getattr(snapshot, name, None) for name in texts},
        "capabilities": dict(getattr(snapshot, "capabilities", {})),
        "last_reconciled_at": integration.last_reconciled_at,
        "disconnected_at": integration.disconnected_at,
        "created_at": integration.created_at,
        "updated_at": integration.updated_at,
    }


_OF_INVOICE = (
    "sales_order_id sales_order_number user_id stripe_account_id stripe_invoice_id stripe_customer_id "
    "stripe_payment_intent_id stripe_charge_id number amount amount_paid amount_refunded currency refund_status "
    "payment_status settlement dispute_status customer_email hosted_invoice_url hosted_invoice_url_expires_at "
    "invoice_pdf days_until_due due_date finalized_at sent_at paid_at "
    "voided_at last_refunded_at created_at updated_at"
).split()


def invoice_row(view: InvoiceView) -> Row:
    """To the outside, a reserved invoice is a draft."""
    invoice = view.invoice
    return {
        "id": invoice.id,
        "integration_instance_id": invoice.integration_id,
        "integration_instance": {"id": invoice.integration_id, "name": view.integration_name},
        "status": _shown_status(invoice),
        **{name: getattr(invoice, name) for name in _OF_INVOICE},
        "amount_remaining": invoice.left_to_pay,
        "refundable_in_cents": view.refundable,
        "payment_failure_reason": invoice.shown_payment_failure,
        "voided_by": None if invoice.voided_by is None else dump_actor(invoice.voided_by),
        "payments": [payment_row(each) for each in view.payments],
        "metadata": dict(invoice.metadata),
    }


def found_row(invoice: Invoice) -> Row:
    """What a search knows of it, which does not read what is beside it."""
    return {
        "id": invoice.id,
        "integration_instance_id": invoice.integration_id,
        "status": _shown_status(invoice),
        **{name: getattr(invoice, name) for name in _OF_INVOICE},
        "amount_remaining": invoice.left_to_pay,
    }


def _shown_status(invoice: Invoice) -> InvoiceStatus:
    return InvoiceStatus.DRAFT if invoice.status is InvoiceStatus.RESERVED else invoice.status


def payment_row(view: PaymentView) -> Row:
    payment = view.payment
    return {
        "stripe_invoice_payment_id": payment.stripe_id,
        "amount": view.amount,
        "currency": view.currency,
        "status": view.status,
        "method": payment.method,
        "stripe_payment_intent_id": payment.payment_intent_id,
        "stripe_charge_id": payment.charge_id,
        "paid_at": payment.paid_at,
        "failure_reason": payment.failure_reason,
    }


def refund_row(refund: Refund) -> Row:
    return {
        "id": refund.id,
        "refund_id": refund.stripe_refund_id,
        "amount": refund.amount,
        "currency": refund.currency.lower(),
        "status": refund.shown_status,
        "reason": refund.reason,
        "failure_reason": refund.failure_reason,
        "user_id": refund.user_id,
        "source": refund.shown_source,
        "created_at": refund.created_at,
        "updated_at": refund.updated_at,
    }


def order_row(view: SalesOrderView) -> Row:
    order, invoice = view.order, view.open_invoice
    return {
        "sales_order_id": order.id,
        "number": order.number,
        "currency": order.currency,
        "total_in_cents": order.total,
        "paid_elsewhere_in_cents": order.paid_elsewhere,
        "settled_in_cents": view.settled,
        "outstanding_in_cents": view.outstanding,
        "overpaid_in_cents": view.overpaid,
        "open_invoice": None if invoice is None else {"id": invoice.id, "amount": invoice.amount},
        "customer": {"id": order.customer.id, "name": order.customer.name, "email": order.customer.email},
        "updated_at": order.source_updated_at,
    }


def in_flight_rows(in_flight: InFlight) -> list[Row]:
    """A dispute is stored without its currency, which is that of the disputed charge."""
    keys = ("kind", "invoice_id", "stripe_id", "status", "amount", "currency")
    of_invoices = [
        ("invoice", each.id, each.stripe_invoice_id, each.status, each.amount_remaining, each.currency)
        for each in in_flight.invoices
    ]
    of_refunds = [
        ("refund", each.invoice_id, each.stripe_refund_id, each.state, each.amount, each.currency)
        for each in in_flight.refunds
    ]
    of_disputes = [
        ("dispute", each.invoice_id, each.stripe_id, each.status, each.amount, None)
        for each in in_flight.disputes
    ]
    return [dict(zip(keys, row, strict=True)) for row in (*of_invoices, *of_refunds, *of_disputes)]


_OF_EVENT = (
    "stripe_event_id event_type account_id livemode related_object_id status attempts last_error skip_reason "
    "next_attempt_at event_created_at processed_at created_at updated_at"
).split()


def event_row(event: WebhookEvent) -> Row:
    return {
        "id": event.id,
        "tenant_id": event.tenant_id,
        "integration_instance_id": event.integration_id,
        **{name: getattr(event, name) for name in _OF_EVENT},
    }


_OF_INTENT = (
    "operation subject invoice_id account_id state attempts revision due_at first_sent_at last_error reference "
    "created_at updated_at"
).split()


def intent_row(intent: Intent) -> Row:
    """`resolving` says what settling it would do."""
    resolving = "looks at Stripe first" if intent.may_have_happened else "calls Stripe"
    return {
        "id": intent.id,
        "tenant_id": intent.tenant_id,
        "integration_instance_id": intent.integration_id,
        **{name: getattr(intent, name) for name in _OF_INTENT},
        "resolving": "nothing" if intent.is_settled else resolving,
    }


_OF_SUBSCRIBER = (
    "url types max_batch description after enabled disabled_reason disabled_at last_success_at last_error created_at "
    "updated_at"
).split()


def subscriber_row(view: SubscriberView) -> Row:
    subscriber = view.subscriber
    return {
        "id": subscriber.id,
        "tenant_id": subscriber.tenant_id,
        "behind": view.behind,
        **{name: getattr(subscriber, name) for name in _OF_SUBSCRIBER},
    }


_OF_DELIVERY = "type message_id after last attempted_at status ms error".split()


def delivery_row(delivery: Delivery) -> Row:
    return {name: getattr(delivery, name) for name in _OF_DELIVERY}


def planned_event_row(planned: PlannedEvent) -> Row:
    return {
        **event_row(planned.event),
        "outcome": planned.outcome,
        "why": planned.skip_reason or planned.error,
    }


def change_rows(planned: PlannedObject) -> list[Row]:
    """One for each field; one that says so, if only Stripe can tell."""
    name = f"{planned.kind} {planned.id or planned.stripe_id}"
    about = {"invoice_id": planned.invoice_id, "object": f"new {name}" if planned.is_new else name}
    rows: list[Row] = [
        {**about, "field": each.field, "before": each.before, "after": each.after} for each in planned.changes
    ]
    unknown = {**about, "field": "(any)", "before": None, "after": "unknown"}
    return [*rows, unknown] if planned.is_unknown else rows


def replay_row(replay: Replay) -> Row:
    actor = replay.origin.actor
    return {
        "id": replay.id,
        "tenant_id": replay.tenant_id,
        "status": replay.status,
        "requested_by": dump_actor(actor),
        "filter": dict(replay.filter),
        "limit": replay.limit,
        "planned": dict(replay.planned),
        "total": replay.total,
        "position": replay.position,
        "queued": replay.queued,
        "being_processed": replay.being_processed,
        "purged": replay.purged,
        "created_at": replay.created_at,
        "updated_at": replay.updated_at,
        "ended_at": replay.ended_at,
        "canceled_by": None if replay.canceled_by is None else dump_actor(replay.canceled_by),
    }
