from __future__ import annotations

from marshmallow import fields
from marshmallow.validate import Length, OneOf

from stripe_bridge.adapters.web.schemas.fields import (
    RequestSchema,
    ResponseSchema,
    Text,
    Timestamp,
    TrueOrFalse,
    not_blank,
)
from stripe_bridge.adapters.web.schemas.paging import PageSchema
from stripe_bridge.domain.integration import SyncStatus


class NewIntegration(RequestSchema):
    name = Text(
        required=True,
        validate=[Length(min=1, max=255), not_blank],
        metadata={"examples": ["Rosen Furniture"]},
    )


class NewAuthorization(RequestSchema):
    confirm = TrueOrFalse(
        load_default=False,
        metadata={
            "description": "Do not connect at the callback, but only when the `confirmation` that it passes to the "
            "return URL is sent to the integration's `confirm`."
        },
    )


class Confirmation(RequestSchema):
    confirmation = Text(
        required=True,
        validate=Length(min=1, max=255),
        metadata={
            "description": "What the callback passed to the return URL. Works once, within four minutes."
        },
    )


class IntegrationSchema(ResponseSchema):
    """Made of an IntegrationView. After a disconnect the last snapshot of the account stays readable."""

    id = fields.Integer(attribute="integration.id", metadata={"examples": [1]})
    name = fields.String(attribute="integration.name", metadata={"examples": ["Rosen Furniture"]})
    sync_status = fields.String(
        attribute="integration.sync_status",
        validate=OneOf([status.value for status in SyncStatus]),
        metadata={
            "description": "`pending`: never connected. `active`: connected and able to charge. `restricted`: connected, "
            "but Stripe does not let the account charge yet. `disconnected`: no longer connected."
        },
    )
    connected = fields.Boolean(attribute="integration.connected")
    charges_enabled = fields.Boolean(attribute="integration.snapshot.charges_enabled", dump_default=False)
    payouts_enabled = fields.Boolean(attribute="integration.snapshot.payouts_enabled", dump_default=False)
    details_submitted = fields.Boolean(attribute="integration.snapshot.details_submitted", dump_default=False)
    livemode = fields.Boolean(attribute="integration.livemode")
    webhook_registered = fields.Boolean(
        metadata={"description": "Whether a receiver for this account's events is enabled at Stripe."}
    )
    default_currency = fields.String(
        attribute="integration.snapshot.default_currency", dump_default=None, allow_none=True
    )
    country = fields.String(attribute="integration.snapshot.country", dump_default=None, allow_none=True)
    email = fields.String(attribute="integration.snapshot.email", dump_default=None, allow_none=True)
    display_name = fields.String(
        attribute="integration.snapshot.display_name", dump_default=None, allow_none=True
    )
    business_name = fields.String(
        attribute="integration.snapshot.business_name", dump_default=None, allow_none=True
    )
    business_url = fields.String(
        attribute="integration.snapshot.business_url", dump_default=None, allow_none=True
    )
    capabilities = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        attribute="integration.snapshot.capabilities",
        dump_default=dict,
        metadata={"examples": [{"card_payments": "active"}]},
    )
    stripe_account_id = fields.String(
        attribute="integration.stripe_account_id",
        allow_none=True,
        metadata={"examples": ["acct_1PgQ2xRosenFurn"]},
    )
    last_reconciled_at = Timestamp(attribute="integration.last_reconciled_at", allow_none=True)
    disconnected_at = Timestamp(attribute="integration.disconnected_at", allow_none=True)
    created_at = Timestamp(attribute="integration.created_at")
    updated_at = Timestamp(attribute="integration.updated_at")


class IntegrationAnswer(ResponseSchema):
    data = fields.Nested(IntegrationSchema)


class IntegrationWritten(IntegrationAnswer):
    message = fields.String(metadata={"examples": ["Stripe integration created."]})


class IntegrationPage(PageSchema):
    data = fields.List(fields.Nested(IntegrationSchema))


class AuthorizationSchema(ResponseSchema):
    authorize_url = fields.String(
        metadata={
            "format": "uri",
            "description": "Where the merchant grants this service access. Works once, within ten minutes.",
            "examples": ["https://connect.stripe.com/oauth/authorize?client_id=ca_123&state=x"],
        }
    )


class AuthorizationAnswer(ResponseSchema):
    data = fields.Nested(AuthorizationSchema)
