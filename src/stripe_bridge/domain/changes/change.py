"""A change: one fact about one object, before it has its number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from stripe_bridge.domain.origin import Origin

# The chain of what belongs to no tenant. No tenant is called this.
NO_TENANT = ""


class SubjectType(StrEnum):
    INTEGRATION = "integration"
    SALES_ORDER = "sales_order"
    INVOICE = "invoice"
    REFUND = "refund"
    DISPUTE = "dispute"
    TOKEN = "token"
    SUBSCRIBER = "subscriber"
    WEBHOOK_EVENT = "webhook_event"
    INTENT = "intent"
    REQUEST = "request"
    RECEIVER = "receiver"
    KEY = "key"
    CHANGES = "changes"


class ChangeType(StrEnum):
    """Published: types are only ever added."""

    INTEGRATION_CREATED = "integration.created"
    INTEGRATION_CONNECTED = "integration.connected"
    INTEGRATION_RESTRICTED = "integration.restricted"
    INTEGRATION_UPDATED = "integration.updated"
    INTEGRATION_DISCONNECTED = "integration.disconnected"
    SALES_ORDER_CREATED = "sales_order.created"
    SALES_ORDER_UPDATED = "sales_order.updated"
    INVOICE_CREATED = "invoice.created"
    INVOICE_SENT = "invoice.sent"
    INVOICE_SEND_FAILED = "invoice.send_failed"
    INVOICE_PAYMENT_PENDING = "invoice.payment_pending"
    INVOICE_PAYMENT_FAILED = "invoice.payment_failed"
    INVOICE_PARTIALLY_PAID = "invoice.partially_paid"
    INVOICE_PAID = "invoice.paid"
    INVOICE_OVERDUE = "invoice.overdue"
    INVOICE_MARKED_UNCOLLECTIBLE = "invoice.marked_uncollectible"
    INVOICE_VOIDED = "invoice.voided"
    INVOICE_CORRECTED = "invoice.corrected"
    INVOICE_UPDATED = "invoice.updated"
    REFUND_CREATED = "refund.created"
    REFUND_UPDATED = "refund.updated"
    REFUND_SUCCEEDED = "refund.succeeded"
    REFUND_FAILED = "refund.failed"
    REFUND_CANCELED = "refund.canceled"
    DISPUTE_OPENED = "dispute.opened"
    DISPUTE_UPDATED = "dispute.updated"
    DISPUTE_CLOSED = "dispute.closed"
    TOKEN_CREATED = "token.created"
    TOKEN_REVOKED = "token.revoked"
    SUBSCRIBER_CREATED = "subscriber.created"
    SUBSCRIBER_UPDATED = "subscriber.updated"
    SUBSCRIBER_DISABLED = "subscriber.disabled"
    SUBSCRIBER_DELETED = "subscriber.deleted"
    SUBSCRIBER_SECRET_ROTATED = "subscriber.secret_rotated"
    WEBHOOK_EVENT_REPLAYED = "webhook_event.replayed"
    WEBHOOK_EVENT_PAYLOAD_READ = "webhook_event.payload_read"
    INTENT_RESOLVED = "intent.resolved"
    REQUEST_DENIED = "request.denied"
    RECEIVERS_REGISTERED = "receivers.registered"
    KEYS_ROTATED = "keys.rotated"
    CHANGES_PURGED = "changes.purged"

    @property
    def is_act(self) -> bool:
        """Whether its content is for administrators."""
        return self.partition(".")[0] not in _OBJECTS


_OBJECTS = frozenset({"integration", "sales_order", "invoice", "refund", "dispute"})
ALL_BUT_ACTS = frozenset(each for each in ChangeType if not each.is_act)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`object` is what it applies to, as GET shows it afterwards; `changed` has its fields, before and after.

    `tenant_id`, `sales_order_id` and `integration_id` are None where they are those of the invoice with `invoice_id`.
    `details` are further members of the entry, such as `reason` and `gone`. No personal data stands anywhere but in
    `object`.
    """

    type: ChangeType
    subject_type: SubjectType
    subject_id: int | str | None
    origin: Origin
    object: Mapping[str, Any]
    changed: Mapping[str, Any] = field(default_factory=dict)
    tenant_id: str | None = None
    sales_order_id: int | None = None
    integration_id: int | None = None
    invoice_id: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
