"""Objects as the change log shows them: what GET answers, as far as it comes from the object itself.

Pay links are secrets of whoever holds them, so they are null here. A test compares all of it with the API's own schemas.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from stripe_bridge.domain.access import ApiToken
from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.origin import dump_actor
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.sales_order import Address, SalesOrder
from stripe_bridge.domain.stripe_objects import INTERNAL_METADATA, OWN_METADATA


def shown_time(moment: datetime | None) -> str | None:
    """UTC with microseconds, as everywhere in the API."""
    if moment is None:
        return None
    return _shown_utc(moment if moment.tzinfo is UTC else moment.astimezone(UTC))


# An object's times are shown before and after each change, and all that one batch changes has the same.
@lru_cache(maxsize=1024)
def _shown_utc(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def shown_integration(integration: Integration) -> dict[str, Any]:
    account = integration.snapshot
    return {
        "id": integration.id,
        "name": integration.name,
        "sync_status": integration.sync_status.value,
        "connected": integration.connected,
        "charges_enabled": account is not None and account.charges_enabled,
        "payouts_enabled": account is not None and account.payouts_enabled,
        "details_submitted": account is not None and account.details_submitted,
        "livemode": integration.livemode,
        "default_currency": account and account.default_currency,
        "country": account and account.country,
        "email": account and account.email,
        "display_name": account and account.display_name,
        "business_name": account and account.business_name,
        "business_url": account and account.business_url,
        "capabilities": dict(account.capabilities) if account else {},
        "stripe_account_id": integration.stripe_account_id,
        "last_reconciled_at": shown_time(integration.last_reconciled_at),
        "disconnected_at": shown_time(integration.disconnected_at),
        "created_at": shown_time(integration.created_at),
        "updated_at": shown_time(integration.updated_at),
    }


def shown_sales_order(order: SalesOrder) -> dict[str, Any]:
    customer = order.customer
    return {
        "sales_order_id": order.id,
        "number": order.number,
        "currency": order.currency,
        "total_in_cents": order.total,
        "paid_elsewhere_in_cents": order.paid_elsewhere,
        "customer": {
            "id": customer.id,
            "name": customer.name,
            "email": customer.email,
            "address": customer.address and _shown_address(customer.address),
        },
        "lines": [
            {
                "description": line.description,
                "quantity": f"{line.quantity:f}",
                "amount_in_cents": line.amount,
            }
            for line in order.lines
        ],
        "updated_at": shown_time(order.source_updated_at),
        "created_at": shown_time(order.created_at),
    }


def _shown_address(address: Address) -> dict[str, Any]:
    return {name: getattr(address, name) for name in Address.__dataclass_fields__}


def public_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """Without the names of our intents and tenants."""
    return {
        key: text
        for key, text in metadata.items()
        if key not in INTERNAL_METADATA and not key.startswith(OWN_METADATA)
    }


def shown_invoice(invoice: Invoice) -> dict[str, Any]:
    status = InvoiceStatus.DRAFT if invoice.status is InvoiceStatus.RESERVED else invoice.status
    return {
        "id": invoice.id,
        "integration_instance_id": invoice.integration_id,
        "sales_order_id": invoice.sales_order_id,
        "sales_order_number": invoice.sales_order_number,
        "user_id": invoice.user_id,
        "stripe_account_id": invoice.stripe_account_id,
        "stripe_invoice_id": invoice.stripe_invoice_id,
        "stripe_customer_id": invoice.stripe_customer_id,
        "stripe_payment_intent_id": invoice.stripe_payment_intent_id,
        "stripe_charge_id": invoice.stripe_charge_id,
        "number": invoice.number,
        "amount": invoice.amount,
        "amount_paid": invoice.amount_paid,
        "amount_remaining": invoice.left_to_pay,
        "amount_refunded": invoice.amount_refunded,
        "currency": invoice.currency,
        "status": status.value,
        "payment_status": invoice.payment_status.value,
        "payment_failure_reason": invoice.shown_payment_failure,
        "settlement": None if invoice.settlement is None else invoice.settlement.value,
        "refund_status": invoice.refund_status.value,
        "dispute_status": invoice.dispute_status,
        "customer_email": invoice.customer_email,
        **dict.fromkeys(("hosted_invoice_url", "hosted_invoice_url_expires_at", "invoice_pdf")),
        "days_until_due": invoice.days_until_due,
        "due_date": shown_time(invoice.due_date),
        "finalized_at": shown_time(invoice.finalized_at),
        "sent_at": shown_time(invoice.sent_at),
        "paid_at": shown_time(invoice.paid_at),
        "voided_at": shown_time(invoice.voided_at),
        "voided_by": None if invoice.voided_by is None else dump_actor(invoice.voided_by),
        "last_refunded_at": shown_time(invoice.last_refunded_at),
        "metadata": public_metadata(invoice.metadata),
        "created_at": shown_time(invoice.created_at),
        "updated_at": shown_time(invoice.updated_at),
    }


def shown_refund(refund: Refund) -> dict[str, Any]:
    """With the invoice's id, which GET has in its path."""
    return {
        "id": refund.id,
        "invoice_id": refund.invoice_id,
        "refund_id": refund.stripe_refund_id,
        "amount": refund.amount,
        "currency": refund.currency.lower(),
        "status": refund.shown_status,
        "reason": refund.reason,
        "failure_reason": refund.failure_reason,
        "user_id": refund.user_id,
        "source": None if refund.shown_source is None else refund.shown_source.value,
        "created_at": shown_time(refund.created_at),
        "updated_at": shown_time(refund.updated_at),
    }


def shown_dispute(dispute: Dispute) -> dict[str, Any]:
    return {
        "id": dispute.stripe_id,
        "invoice_id": dispute.invoice_id,
        "status": dispute.status,
        "amount": dispute.amount,
        "charge_id": dispute.charge_id,
        "payment_intent_id": dispute.payment_intent_id,
        "is_charge_refundable": dispute.is_charge_refundable,
        "opened_at": shown_time(dispute.opened_at),
    }


def shown_token(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "role": token.role.value,
        "user_id": token.user_id,
        "label": token.label,
        "created_at": shown_time(token.created_at),
        "revoked_at": shown_time(token.revoked_at),
    }
