from __future__ import annotations

from typing import Any

from marshmallow import fields
from marshmallow.validate import Email, Length, OneOf

from stripe_bridge.adapters.web.schemas.fields import (
    MAX_AMOUNT,
    MAX_ID,
    Shape,
    Strict,
    Text,
    Timestamp,
    WholeNumber,
)
from stripe_bridge.adapters.web.schemas.paging import PageQuery, PageShape
from stripe_bridge.domain.invoice import InvoiceStatus, PaymentStatus, RefundStatus
from stripe_bridge.domain.settlement import Settlement
from stripe_bridge.domain.stripe_objects import INTERNAL_METADATA, OWN_METADATA

_SHOWN = [status.value for status in InvoiceStatus if status not in ("reserved", "abandoned")]


class NewInvoice(Strict):
    integration_id = WholeNumber(
        low=1, high=MAX_ID, data_key="integration_instance_id", required=True, metadata={"examples": [1]}
    )
    sales_order_id = WholeNumber(low=1, high=MAX_ID, required=True, metadata={"examples": [1001]})
    amount = WholeNumber(
        low=1,
        high=MAX_AMOUNT,
        data_key="amount_in_cents",
        metadata={"description": "By default, all that the order still owes.", "examples": [9900]},
    )
    email = Text(
        data_key="customer_email",
        validate=[Email(), Length(max=512)],
        metadata={
            "format": "email",
            "description": "By default, that of the order's customer.",
            "examples": ["jenny@example.com"],
        },
    )


class ShownStatus(fields.String):
    """To the outside, a reserved invoice is a draft."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str:
        status: InvoiceStatus = InvoiceStatus.DRAFT if value is InvoiceStatus.RESERVED else value
        return status.value


class PublicMetadata(fields.Dict):
    """Without the names of our intents and tenants."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return {
            key: text
            for key, text in value.items()
            if key not in INTERNAL_METADATA and not key.startswith(OWN_METADATA)
        }


class InvoiceShape(Shape):
    """Amounts in the currency's minor unit."""

    id = fields.Integer(metadata={"examples": [1]})
    integration_instance_id = fields.Integer(attribute="integration_id", metadata={"examples": [1]})
    sales_order_id = fields.Integer(allow_none=True, metadata={"examples": [1001]})
    sales_order_number = fields.String(allow_none=True, metadata={"examples": ["SO-1001"]})
    user_id = fields.Integer(allow_none=True, metadata={"description": "The ERP user who sent it."})
    stripe_account_id = fields.String()
    stripe_invoice_id = fields.String(allow_none=True)
    stripe_customer_id = fields.String(allow_none=True)
    stripe_payment_intent_id = fields.String(allow_none=True)
    stripe_charge_id = fields.String(allow_none=True)
    number = fields.String(allow_none=True, metadata={"description": "Stripe's invoice number."})
    amount = fields.Integer(metadata={"examples": [9900]})
    amount_paid = fields.Integer()
    amount_refunded = fields.Integer()
    currency = fields.String(metadata={"examples": ["EUR"]})
    status = ShownStatus(validate=OneOf(_SHOWN))
    payment_status = fields.String(
        validate=OneOf([status.value for status in PaymentStatus]),
        metadata={"description": "`pending` while a bank payment is under way, which may take days."},
    )
    payment_failure_reason = fields.String(
        attribute="shown_payment_failure",
        allow_none=True,
        metadata={"description": "Stripe's code for the last decline, while the payment is still open."},
    )
    settlement = fields.String(
        validate=OneOf([each.value for each in Settlement]),
        allow_none=True,
        metadata={
            "description": "Whether Stripe itself has shown what was paid, which it is asked for within a minute, or only an "
            "event. Null as long as nothing was paid."
        },
    )
    refund_status = fields.String(validate=OneOf([status.value for status in RefundStatus]))
    dispute_status = fields.String(allow_none=True, metadata={"description": "The newest dispute's."})
    customer_email = fields.String(metadata={"examples": ["jenny@example.com"]})
    hosted_invoice_url = fields.String(
        allow_none=True,
        metadata={"description": "Where the customer pays."},
    )
    hosted_invoice_url_expires_at = Timestamp(
        allow_none=True,
        metadata={
            "description": "When that link and `invoice_pdf` end. Showing the invoice renews them in time."
        },
    )
    invoice_pdf = fields.String(allow_none=True)
    days_until_due = fields.Integer(metadata={"examples": [30]})
    due_date = Timestamp(allow_none=True)
    finalized_at = Timestamp(allow_none=True)
    paid_at = Timestamp(allow_none=True)
    voided_at = Timestamp(allow_none=True)
    last_refunded_at = Timestamp(allow_none=True)
    metadata = PublicMetadata(
        keys=fields.String(),
        values=fields.String(),
        metadata={"description": "Stripe's, without what only this service needs."},
    )
    created_at = Timestamp()
    updated_at = Timestamp()


class FromSameView(fields.Nested):
    """A part made of the very object that the whole is made of."""

    def get_value(self, obj: Any, attr: str, accessor: Any = None, default: Any = None) -> Any:
        return obj


class IntegrationNameShape(Shape):
    id = fields.Integer(attribute="invoice.integration_id", metadata={"examples": [1]})
    name = fields.String(attribute="integration_name", metadata={"examples": ["Rosen Furniture"]})


class InvoiceDetailShape(InvoiceShape):
    """Made of an InvoiceView: the invoice, and what is beside it."""

    integration_instance = FromSameView(IntegrationNameShape)

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        return super().get_attribute(obj.invoice, attr, default)


class InvoiceAnswer(Shape):
    data = fields.Nested(InvoiceDetailShape)


class InvoiceSent(InvoiceAnswer):
    message = fields.String(metadata={"examples": ["Invoice sent to customer."]})


class InvoiceVoided(Shape):
    data = fields.Nested(InvoiceShape)
    message = fields.String(metadata={"examples": ["Invoice voided."]})


class InvoiceList(Shape):
    data = fields.List(fields.Nested(InvoiceShape))


class InvoicePage(PageShape):
    data = fields.List(fields.Nested(InvoiceShape))


class InvoicePageQuery(PageQuery):
    status = Text(validate=OneOf(_SHOWN))
