from __future__ import annotations

from typing import Any

from marshmallow import fields
from marshmallow.validate import OneOf

from stripe_bridge.adapters.web.schemas.fields import (
    MAX_AMOUNT,
    RequestSchema,
    ResponseSchema,
    Text,
    Timestamp,
    WholeNumber,
)
from stripe_bridge.domain.refund import SHOWN_REASONS, RefundReason, RefundSource, RefundState

_SHOWN = [state.value for state in RefundState if state not in (RefundState.RESERVED, RefundState.REFUSED)]


class NewRefund(RequestSchema):
    amount = WholeNumber(
        low=1,
        high=MAX_AMOUNT,
        data_key="amount_in_cents",
        metadata={"description": "By default, all that may still be refunded.", "examples": [5000]},
    )
    reason = Text(validate=OneOf([reason.value for reason in RefundReason]))


class LowerCase(fields.String):
    """Refunds show their currency as Stripe does."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str:
        return str(value).lower()


class RefundSchema(ResponseSchema):
    id = fields.Integer(metadata={"examples": [1]})
    refund_id = fields.String(
        attribute="stripe_refund_id",
        allow_none=True,
        metadata={"description": "Stripe's refund id.", "examples": ["re_1"]},
    )
    amount = fields.Integer(metadata={"examples": [5000]})
    currency = LowerCase(metadata={"description": "In lower case, unlike an invoice's.", "examples": ["eur"]})
    status = fields.String(attribute="shown_status", validate=OneOf(_SHOWN))
    reason = fields.String(validate=OneOf(SHOWN_REASONS), allow_none=True)
    failure_reason = fields.String(allow_none=True)
    user_id = fields.Integer(
        allow_none=True,
        metadata={"description": "The ERP user who issued it; null if it was made in Stripe's dashboard."},
    )
    source = fields.String(
        attribute="shown_source",
        allow_none=True,
        validate=OneOf([source.value for source in RefundSource]),
        metadata={"description": "Where it was issued; null if that was not stored, as in earlier releases."},
    )
    created_at = Timestamp()
    updated_at = Timestamp()


class IssuedSchema(ResponseSchema):
    """What was asked for, which may have taken several refunds: one for each payment that gives back a part."""

    refund_id = fields.String(
        allow_none=True, metadata={"description": "That of the first refund.", "examples": ["re_1"]}
    )
    amount = fields.Integer(metadata={"description": "The sum.", "examples": [5000]})
    currency = LowerCase(metadata={"description": "In lower case, unlike an invoice's.", "examples": ["eur"]})
    status = fields.String(validate=OneOf(_SHOWN))
    refunds = fields.List(fields.Nested(RefundSchema))


class RefundIssued(ResponseSchema):
    data = fields.Nested(IssuedSchema)
    message = fields.String(metadata={"examples": ["Refund issued."]})


class RefundList(ResponseSchema):
    data = fields.List(fields.Nested(RefundSchema))
