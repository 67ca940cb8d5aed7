from __future__ import annotations

from typing import Any

from marshmallow import fields
from marshmallow.validate import Email, Length, OneOf

from stripe_bridge.adapters.web.schemas.fields import (
    MAX_AMOUNT,
    MAX_ID,
    RequestSchema,
    ResponseSchema,
    Text,
    Timestamp,
    WholeNumber,
)
from stripe_bridge.adapters.web.schemas.paging import PageQuery, PageSchema
from stripe_bridge.domain.changes.shown import public_metadata
from stripe_bridge.domain.dispute import STATUSES
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.origin import Actor, ActorType
from stripe_bridge.domain.payment_status import PaymentStatus, RefundStatus
from stripe_bridge.domain.settlement import Settlement

_SHOWN = [status.value for status in InvoiceStatus if status not in ("reserved", "abandoned")]


class NewInvoice(RequestSchema):
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
        return public_metadata(value)


class IntegrationNameSchema(ResponseSchema):
    id = fields.Integer(attribute="invoice.integration_id", metadata={"examples": [1]})
    name = fields.String(attribute="integration_name", metadata={"examples": ["Rosen Furniture"]})


class PaymentSchema(ResponseSchema):
    """Made of a PaymentView: the payment, and what is beside it."""

    stripe_invoice_payment_id = fields.String(
        attribute="payment.stripe_id", metadata={"examples": ["inpay_1"]}
    )
    amount = fields.Integer(
        allow_none=True,
        metadata={
            "examples": [9900],
            "description": "What was paid, or is to be; null for a partial payment until it is paid.",
        },
    )
    currency = fields.String(metadata={"examples": ["EUR"]})
    status = fields.String(validate=OneOf(["pending", "failed", "paid"]))
    method = fields.String(
        attribute="payment.method",
        allow_none=True,
        metadata={
            "examples": ["card"],
            "description": "Stripe's type of the payment method; null if not known, or if the payment was made "
            "outside Stripe.",
        },
    )
    stripe_payment_intent_id = fields.String(attribute="payment.payment_intent_id", allow_none=True)
    stripe_charge_id = fields.String(
        attribute="payment.charge_id",
        allow_none=True,
        metadata={"description": "The charge that succeeded."},
    )
    paid_at = Timestamp(attribute="payment.paid_at", allow_none=True)
    failure_reason = fields.String(
        attribute="payment.failure_reason",
        allow_none=True,
        metadata={"description": "Stripe's code for the last decline."},
    )


class ActorSchema(ResponseSchema):
    type = fields.String(
        validate=OneOf([each.value for each in ActorType if Actor(type=each).is_a_caller]),
        metadata={
            "description": "A token, a user of the ERP's identity provider, or an operator at the command line."
        },
    )
    id = fields.String(
        allow_none=True,
        metadata={"description": "`token:` and the token's id, the user's `sub`, or the login name."},
    )
    user_id = fields.Integer(
        allow_none=True, metadata={"description": "The ERP user, if the token acts for one."}
    )


class FromSameView(fields.Nested):
    """A part made of the very object that the whole is made of."""

    def get_value(self, obj: Any, attr: str, accessor: Any = None, default: Any = None) -> Any:
        return obj


_BESIDE = frozenset({"payments", "refundable"})


class InvoiceSchema(ResponseSchema):
    """Made of an InvoiceView: the invoice, and what is beside it. Amounts in the currency's minor unit."""

    id = fields.Integer(metadata={"examples": [1]})
    integration_instance_id = fields.Integer(attribute="integration_id", metadata={"examples": [1]})
    integration_instance = FromSameView(
        IntegrationNameSchema, metadata={"examples": [{"id": 1, "name": "Rosen Furniture"}]}
    )
    sales_order_id = fields.Integer(allow_none=True, metadata={"examples": [1001]})
    sales_order_number = fields.String(allow_none=True, metadata={"examples": ["SO-1001"]})
    user_id = fields.Integer(
        allow_none=True, metadata={"description": "The ERP user who sent it.", "examples": [7]}
    )
    stripe_account_id = fields.String(metadata={"examples": ["acct_1PgQ2xRosenFurn"]})
    stripe_invoice_id = fields.String(allow_none=True, metadata={"examples": ["in_1PgQ2xOakTable"]})
    stripe_customer_id = fields.String(allow_none=True, metadata={"examples": ["cus_JennyRosen"]})
    stripe_payment_intent_id = fields.String(allow_none=True, metadata={"examples": ["pi_1PgQ2xOakTable"]})
    stripe_charge_id = fields.String(allow_none=True)
    number = fields.String(
        allow_none=True, metadata={"description": "Stripe's invoice number.", "examples": ["ROSEN-0001"]}
    )
    amount = fields.Integer(metadata={"examples": [9900]})
    amount_paid = fields.Integer(metadata={"examples": [0]})
    amount_remaining = fields.Integer(
        attribute="left_to_pay",
        metadata={
            "description": "What is still due at Stripe; 0 for a paid or void invoice.",
            "examples": [9900],
        },
    )
    amount_refunded = fields.Integer(metadata={"examples": [0]})
    refundable_in_cents = fields.Integer(
        attribute="refundable", metadata={"description": "What may still be refunded.", "examples": [0]}
    )
    currency = fields.String(metadata={"examples": ["EUR"]})
    status = ShownStatus(validate=OneOf(_SHOWN), metadata={"examples": ["open"]})
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
            "description": "Whether Stripe itself has confirmed what was paid, or so far only an event says so: Stripe is "
            "asked within a minute. Null until something is paid.",
            "examples": [None],
        },
    )
    refund_status = fields.String(validate=OneOf([status.value for status in RefundStatus]))
    dispute_status = fields.String(
        validate=OneOf(STATUSES),
        allow_none=True,
        metadata={"description": "The newest dispute's, as Stripe shows it.", "examples": [None]},
    )
    customer_email = fields.String(metadata={"examples": ["jenny@example.com"]})
    hosted_invoice_url = fields.String(
        allow_none=True,
        metadata={"description": "Where the customer pays.", "examples": ["https://invoice.stripe.com/i/…"]},
    )
    hosted_invoice_url_expires_at = Timestamp(
        allow_none=True,
        metadata={
            "description": "When that link and `invoice_pdf` expire. Showing the invoice renews them in time.",
            "examples": ["2027-01-22T12:00:00.000000Z"],
        },
    )
    invoice_pdf = fields.String(
        allow_none=True, metadata={"examples": ["https://pay.stripe.com/invoice/…/pdf"]}
    )
    days_until_due = fields.Integer(metadata={"examples": [30]})
    due_date = Timestamp(allow_none=True, metadata={"examples": ["2026-12-23T12:00:00.000000Z"]})
    finalized_at = Timestamp(allow_none=True, metadata={"examples": ["2026-11-23T12:00:01.000000Z"]})
    sent_at = Timestamp(
        allow_none=True,
        metadata={
            "description": "When Stripe emailed it to the customer, or no longer had to because it was already closed."
        },
    )
    paid_at = Timestamp(allow_none=True)
    voided_at = Timestamp(allow_none=True)
    voided_by = fields.Nested(
        ActorSchema,
        allow_none=True,
        metadata={
            "description": "Who voided it; null if it was voided in Stripe's dashboard, or if that is not known."
        },
    )
    payments = fields.List(
        fields.Nested(PaymentSchema),
        metadata={"description": "Payments that were paid, are under way or failed, in order of payment."},
    )
    last_refunded_at = Timestamp(allow_none=True)
    metadata = PublicMetadata(
        keys=fields.String(),
        values=fields.String(),
        metadata={
            "description": "Stripe's metadata, without the entries that only this service needs.",
            "examples": [{}],
        },
    )
    created_at = Timestamp()
    updated_at = Timestamp()

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        return super().get_attribute(obj if attr in _BESIDE else obj.invoice, attr, default)


class InvoiceDetailSchema(InvoiceSchema):
    """The same: clients that were made of an earlier document know it by this name."""


class InvoiceAnswer(ResponseSchema):
    data = fields.Nested(InvoiceDetailSchema)


class InvoiceSent(InvoiceAnswer):
    message = fields.String(metadata={"examples": ["Invoice sent to customer."]})


class InvoiceVoided(ResponseSchema):
    data = fields.Nested(InvoiceSchema)
    message = fields.String(metadata={"examples": ["Invoice voided."]})


class InvoiceList(ResponseSchema):
    data = fields.List(fields.Nested(InvoiceSchema))


class InvoicePage(PageSchema):
    data = fields.List(fields.Nested(InvoiceSchema))


class InvoicePageQuery(PageQuery):
    status = Text(validate=OneOf(_SHOWN))


class TenantInvoicePageQuery(InvoicePageQuery):
    updated_since = Timestamp(
        metadata={
            "description": "Those whose `updated_at` is at or after this time, in the order of their updates. An invoice that "
            "is updated while the list is being read appears again at its end.",
            "examples": ["2026-11-23T12:00:00Z"],
        }
    )
    stripe_invoice_id = Text(metadata={"examples": ["in_1"]})
    stripe_charge_id = Text(
        metadata={"description": "The charge of one of its payments.", "examples": ["ch_1"]}
    )
    number = Text(metadata={"description": "Stripe's invoice number.", "examples": ["ACME-0001"]})
