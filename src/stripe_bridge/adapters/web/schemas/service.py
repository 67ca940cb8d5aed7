"""What is not about the ERP's things: problems, the OAuth callback, webhooks, health."""

from __future__ import annotations

from marshmallow import EXCLUDE, Schema, fields
from marshmallow.validate import Equal, OneOf

from stripe_bridge.adapters.web.problem_types import catalogue, describe_types
from stripe_bridge.adapters.web.schemas.fields import ResponseSchema
from stripe_bridge.domain.errors.feed import CursorAhead, FeedExpired, HistoryChanged
from stripe_bridge.domain.integration import AuthorizationFailure

_FEED_REASONS = [each.reason for each in (HistoryChanged, CursorAhead, FeedExpired)]


class StripeRefusal(Schema):
    """What Stripe said when it refused, as far as it said it."""

    code = fields.String(metadata={"description": "Stripe's error code."})
    message = fields.String(required=True, metadata={"description": "Stripe's message."})
    request_id = fields.String(
        metadata={"description": "Identifies the request in Stripe's logs and to Stripe's support."}
    )
    request_log_url = fields.String(
        metadata={"format": "uri", "description": "The request in Stripe's dashboard."}
    )


class Problem(ResponseSchema):
    """RFC 9457. `errors` lists what is wrong with each field, `stripe` is what Stripe said if it refused for good, and
    `request_id` finds the request in our logs.
    """

    # Together the examples are one answer, for the page shows them as one.
    type = fields.String(
        validate=OneOf(sorted({line.type for line in catalogue()})),
        metadata={
            "examples": ["urn:stripe-bridge:problem:RequestInvalid"],
            "x-enumDescriptions": describe_types(),
        },
    )
    title = fields.String(metadata={"examples": ["Unprocessable Content"]})
    status = fields.Integer(metadata={"examples": [422]})
    detail = fields.String(metadata={"examples": ["name: Missing data for required field."]})
    message = fields.String(metadata={"examples": ["The given data was invalid."]})
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"sometimes": True, "examples": [{"name": ["Missing data for required field."]}]},
    )
    reason = fields.String(
        validate=OneOf([*(reason.value for reason in AuthorizationFailure), *_FEED_REASONS]),
        metadata={
            "sometimes": True,
            "description": "Of `AuthorizationFailed`: why the account was not connected, as the callback reports it. Of "
            "`HistoryChanged`, `CursorAhead` and `FeedExpired`: why a reader of the feed must start over.",
        },
    )
    log = fields.String(
        allow_none=True,
        metadata={"sometimes": True, "description": "For readers of the feed: the log's current name."},
    )
    restart_after = fields.Integer(
        metadata={
            "sometimes": True,
            "description": "For readers of the feed: once the lists have been read, the next page begins after this entry.",
        }
    )
    read_first = fields.List(
        fields.String(),
        metadata={"sometimes": True, "description": "For readers of the feed: the lists to read first."},
    )
    stripe = fields.Nested(StripeRefusal, metadata={"sometimes": True})
    request_id = fields.String(metadata={"examples": ["0b5e8c1d9f7a4e2ab6c3d8e1f0a9b7c5"]})


class CallbackQuery(Schema):
    """What Stripe puts into its redirect; it may add to that at any time."""

    class Meta:
        unknown = EXCLUDE

    state = fields.String()
    code = fields.String()
    scope = fields.String()
    error = fields.String()
    error_description = fields.String()


class ReceivedSchema(ResponseSchema):
    received = fields.Boolean(validate=Equal(True))


class HealthSchema(ResponseSchema):
    status = fields.String(validate=Equal("ok"), metadata={"examples": ["ok"]})
    version = fields.String(metadata={"description": "The release that answers.", "examples": ["1.0.0"]})


class ReadinessSchema(ResponseSchema):
    status = fields.String(validate=OneOf(["ok", "unavailable"]), metadata={"examples": ["ok"]})
    checks = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata={
            "description": "For each check: `ok`, or what is wrong.",
            "examples": [{"database": "ok", "queue": "ok", "secrets": "ok", "clock": "ok"}],
        },
    )
