"""The panel: its sessions, and the one read that draws it."""

from __future__ import annotations

from typing import Any

from marshmallow import fields
from marshmallow.validate import Length, OneOf

from stripe_bridge.adapters.web.schemas.changes import MAX_WAIT
from stripe_bridge.adapters.web.schemas.fields import (
    MAX_ID,
    QueryNumber,
    RequestSchema,
    ResponseSchema,
    ShortList,
    Text,
    Timestamp,
    WholeNumber,
)
from stripe_bridge.adapters.web.schemas.invoices import InvoiceSchema, NewInvoice
from stripe_bridge.adapters.web.schemas.refunds import RefundSchema
from stripe_bridge.adapters.web.schemas.sales_orders import SalesOrderSchema
from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.dispute import STATUSES
from stripe_bridge.domain.origin import ActorType
from stripe_bridge.domain.panel_session import PanelAction

_ACTIONS = [action.value for action in PanelAction]


class NewPanelSession(RequestSchema):
    sales_order_id = WholeNumber(
        low=1,
        high=MAX_ID,
        required=True,
        metadata={
            "description": "The order that it shows. It need not be stored yet.",
            "examples": [1001],
        },
    )
    origin = Text(
        required=True,
        validate=Length(max=300),
        metadata={
            "description": "The page's scheme, host and port, as its browser sends them. http only on this machine.",
            "examples": ["https://erp.example.com"],
        },
    )
    can = ShortList(
        Text(validate=OneOf(_ACTIONS)),
        validate=Length(max=len(_ACTIONS)),
        metadata={
            "description": "What may be done; by default, all that the token's role allows. `read` is always included.",
            "examples": [["read", "send"]],
        },
    )
    user_id = WholeNumber(
        low=1,
        high=MAX_ID,
        metadata={
            "description": "The ERP user in front of the page; by default, the user for whom the token acts.",
            "examples": [7],
        },
    )


class PanelSessionSchema(ResponseSchema):
    token = fields.String(metadata={"examples": ["sbp_…"]})
    expires_at = Timestamp()


class PanelSessionCreated(ResponseSchema):
    data = fields.Nested(PanelSessionSchema)


class ShowPanelQuery(RequestSchema):
    after = QueryNumber(
        low=0,
        high=MAX_ID,
        metadata={"description": "The `latest` that you have."},
    )
    wait = QueryNumber(
        low=0,
        high=MAX_WAIT,
        load_default=0,
        metadata={
            "description": "With `after`: how many seconds to hold back the response if nothing has changed."
        },
    )


class NewPanelInvoice(NewInvoice):
    """The order is the session's."""

    class Meta(NewInvoice.Meta):
        exclude = ("sales_order_id",)


class PanelIntegrationSchema(ResponseSchema):
    id = fields.Integer(metadata={"examples": [1]})
    name = fields.String(metadata={"examples": ["Rosen Furniture"]})
    livemode = fields.Boolean()


class PanelDisputeSchema(ResponseSchema):
    stripe_dispute_id = fields.String(attribute="stripe_id", metadata={"examples": ["dp_1"]})
    status = fields.String(validate=OneOf(STATUSES), metadata={"examples": ["needs_response"]})
    amount = fields.Integer(metadata={"examples": [9900]})
    opened_at = Timestamp()


class PanelInvoiceSchema(InvoiceSchema):
    """Made of a PanelInvoice: an invoice, with its refunds and disputes."""

    refunds = fields.List(fields.Nested(RefundSchema), metadata={"description": "Newest first."})
    disputes = fields.List(fields.Nested(PanelDisputeSchema), metadata={"description": "Newest first."})

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        if attr in ("refunds", "disputes"):
            return getattr(obj, attr)
        return super().get_attribute(obj.view, attr, default)


class TimelineEntrySchema(ResponseSchema):
    sequence = fields.Integer(metadata={"examples": [12]})
    type = fields.String(
        validate=OneOf([each.value for each in ChangeType if not each.is_act]),
        metadata={"examples": ["invoice.paid"]},
    )
    subject_type = fields.String(metadata={"examples": ["invoice"]})
    subject_id = fields.String(metadata={"examples": ["1"]})
    occurred_at = Timestamp()
    actor_type = fields.String(validate=OneOf([each.value for each in ActorType]))
    user_id = fields.Integer(
        allow_none=True, metadata={"description": "The ERP user who did it, if it was one."}
    )


class PanelGrantSchema(ResponseSchema):
    can = fields.List(fields.String(validate=OneOf(_ACTIONS)))
    origin = fields.String(metadata={"examples": ["https://erp.example.com"]})
    expires_at = Timestamp()


class PanelSchema(ResponseSchema):
    order = fields.Nested(
        SalesOrderSchema,
        allow_none=True,
        metadata={"description": "Null until the ERP has stored the order."},
    )
    integrations = fields.List(
        fields.Nested(PanelIntegrationSchema),
        metadata={"description": "The integrations through which an invoice can be sent."},
    )
    invoices = fields.List(fields.Nested(PanelInvoiceSchema), metadata={"description": "Newest first."})
    timeline = fields.List(
        fields.Nested(TimelineEntrySchema),
        metadata={"description": "What was recorded about the order, newest first; at most 50."},
    )
    decimals = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={
            "description": "How many decimal places to show, by currency.",
            "examples": [{"EUR": 2}],
        },
    )
    session = fields.Nested(PanelGrantSchema)
    version = fields.String(metadata={"description": "This service's version.", "examples": ["1.0.0"]})
    latest = fields.Integer(metadata={"description": "The value for the next `after`.", "examples": [12]})


class PanelAnswer(ResponseSchema):
    data = fields.Nested(PanelSchema)
