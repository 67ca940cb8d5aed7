"""Who is asking."""

from __future__ import annotations

from marshmallow import fields
from marshmallow.validate import OneOf

from stripe_bridge.adapters.web.schemas.fields import ResponseSchema
from stripe_bridge.domain.access import Permission, Role


class MeSchema(ResponseSchema):
    tenant = fields.String(metadata={"examples": ["acme"]})
    role = fields.String(validate=OneOf([role.value for role in Role]))
    user_id = fields.Integer(
        allow_none=True,
        metadata={"description": "The ERP user whom the token acts for, if any.", "examples": [7]},
    )
    permissions = fields.List(
        fields.String(validate=OneOf([permission.value for permission in Permission])),
        metadata={"description": "What the role allows: each operation needs one of these."},
    )


class MeAnswer(ResponseSchema):
    data = fields.Nested(MeSchema)
