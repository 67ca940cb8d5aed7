from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load
from marshmallow.validate import Email, Length, Regexp

from stripe_bridge.adapters.web.schemas.fields import (
    MAX_AMOUNT,
    MAX_ID,
    Quantity,
    RequestSchema,
    ResponseSchema,
    ShortList,
    Text,
    Timestamp,
    WholeNumber,
    not_blank,
)
from stripe_bridge.domain.sales_order import Address, Customer, OrderLine


class AddressBody(RequestSchema):
    line1 = Text(validate=Length(max=500), allow_none=True)
    line2 = Text(validate=Length(max=500), allow_none=True)
    city = Text(validate=Length(max=500), allow_none=True)
    state = Text(validate=Length(max=500), allow_none=True)
    postal_code = Text(validate=Length(max=100), allow_none=True)
    country = Text(
        validate=Regexp(r"^[A-Za-z]{2}\Z", error="Not a two-letter country code."),
        allow_none=True,
        metadata={"examples": ["DE"], "pattern": "^[A-Za-z]{2}$"},
    )

    @post_load
    def make(self, fields_of: dict[str, Any], **_: Any) -> Address:
        return Address(**fields_of)


class CustomerBody(RequestSchema):
    id = WholeNumber(low=1, high=MAX_ID, required=True, metadata={"examples": [77]})
    name = Text(
        required=True, validate=[Length(min=1, max=256), not_blank], metadata={"examples": ["Jenny Rosen"]}
    )
    email = Text(
        validate=[Email(), Length(max=512)],
        allow_none=True,
        metadata={"format": "email", "examples": ["jenny@example.com"]},
    )
    address = fields.Nested(AddressBody, allow_none=True)

    @post_load
    def make(self, fields_of: dict[str, Any], **_: Any) -> Customer:
        return Customer(**fields_of)


class LineBody(RequestSchema):
    description = Text(
        required=True, validate=[Length(min=1, max=500), not_blank], metadata={"examples": ["Oak table"]}
    )
    quantity = Quantity(
        required=True,
        metadata={
            "anyOf": [
                {"type": "string", "pattern": r"^[0-9]{1,12}(\.[0-9]{1,6})?$"},
                {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 10**12},
            ],
            "description": "Only shown; it does not multiply the amount.",
            "examples": ["2.5"],
        },
    )
    amount = WholeNumber(
        low=-MAX_AMOUNT,
        high=MAX_AMOUNT,
        data_key="amount_in_cents",
        required=True,
        metadata={
            "description": "The amount of the whole line, in the minor unit; negative for a discount.",
            "examples": [9900],
        },
    )

    @post_load
    def make(self, fields_of: dict[str, Any], **_: Any) -> OrderLine:
        return OrderLine(**fields_of)


class SalesOrderBody(RequestSchema):
    """The ERP's copy of an order. The lines sum to the total."""

    number = Text(
        required=True, validate=[Length(min=1, max=140), not_blank], metadata={"examples": ["SO-1001"]}
    )
    currency = Text(
        required=True,
        validate=Regexp(r"^[A-Za-z]{3}\Z", error="Not a three-letter currency code."),
        metadata={"examples": ["EUR"], "pattern": "^[A-Za-z]{3}$"},
    )
    total = WholeNumber(
        low=0, high=MAX_AMOUNT, data_key="total_in_cents", required=True, metadata={"examples": [9900]}
    )
    paid_elsewhere = WholeNumber(
        low=0,
        high=MAX_AMOUNT,
        data_key="paid_elsewhere_in_cents",
        load_default=0,
        metadata={"description": "What the customer paid other than through Stripe."},
    )
    customer = fields.Nested(CustomerBody, required=True)
    lines = ShortList(fields.Nested(LineBody), required=True, validate=Length(min=1, max=250))
    updated_at = Timestamp(
        required=True,
        metadata={
            "description": "When the ERP last changed the order. A copy older than the stored one is refused.",
            "examples": ["2026-11-23T12:00:00Z"],
        },
    )

    @post_load
    def freeze(self, fields_of: dict[str, Any], **_: Any) -> dict[str, Any]:
        return fields_of | {"lines": tuple(fields_of["lines"])}


class AddressSchema(ResponseSchema, AddressBody):
    """Every key is there."""


class CustomerSchema(ResponseSchema):
    id = fields.Integer(metadata={"examples": [77]})
    name = fields.String(metadata={"examples": ["Jenny Rosen"]})
    email = fields.String(allow_none=True, metadata={"examples": ["jenny@example.com"]})
    address = fields.Nested(AddressSchema, allow_none=True)


class LineSchema(ResponseSchema):
    description = fields.String(metadata={"examples": ["Oak table"]})
    quantity = Quantity(metadata={"type": "string", "examples": ["2.5"]})
    amount = fields.Integer(data_key="amount_in_cents", metadata={"examples": [9900]})


class OpenInvoiceSchema(ResponseSchema):
    id = fields.Integer(metadata={"examples": [1]})
    amount = fields.Integer(metadata={"examples": [9900]})


class SalesOrderSchema(ResponseSchema):
    """Made of a SalesOrderView."""

    sales_order_id = fields.Integer(attribute="order.id", metadata={"examples": [1001]})
    number = fields.String(attribute="order.number", metadata={"examples": ["SO-1001"]})
    currency = fields.String(attribute="order.currency", metadata={"examples": ["EUR"]})
    total_in_cents = fields.Integer(attribute="order.total", metadata={"examples": [9900]})
    paid_elsewhere_in_cents = fields.Integer(attribute="order.paid_elsewhere")
    customer = fields.Nested(CustomerSchema, attribute="order.customer")
    lines = fields.List(fields.Nested(LineSchema), attribute="order.lines")
    updated_at = Timestamp(
        attribute="order.source_updated_at", metadata={"description": "As the ERP sent it."}
    )
    created_at = Timestamp(
        attribute="order.created_at", metadata={"description": "When it was first stored here."}
    )
    outstanding_in_cents = fields.Integer(
        attribute="outstanding", metadata={"description": "What the order still owes.", "examples": [9900]}
    )
    settled_in_cents = fields.Integer(
        attribute="settled", metadata={"description": "What invoices through Stripe have settled of it."}
    )
    overpaid_in_cents = fields.Integer(attribute="overpaid")
    open_invoice = fields.Nested(
        OpenInvoiceSchema,
        allow_none=True,
        metadata={
            "description": "The invoice that can still be paid, if there is one.",
            "examples": [{"id": 1, "amount": 9900}],
        },
    )


class SalesOrderAnswer(ResponseSchema):
    data = fields.Nested(SalesOrderSchema)


class SalesOrderWritten(SalesOrderAnswer):
    message = fields.String(metadata={"examples": ["Sales order stored."]})
