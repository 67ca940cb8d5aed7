from __future__ import annotations

import json
from typing import Any

from marshmallow import fields, post_dump, post_load
from marshmallow.validate import OneOf

from stripe_bridge.adapters.web.schemas.fields import (
    MAX_ID,
    QueryNumber,
    RequestSchema,
    ResponseSchema,
    Text,
    Timestamp,
)
from stripe_bridge.adapters.web.schemas.paging import PageQuery, PageSchema
from stripe_bridge.domain.webhook_event import EventStatus, SkipReason, WebhookEvent

_STATUSES = [status.value for status in EventStatus]


class EventPageQuery(PageQuery):
    integration_id = QueryNumber(low=1, high=MAX_ID, data_key="integration_instance_id")
    status = Text(validate=OneOf(_STATUSES))
    event_type = Text()
    related_object_id = Text()


class EventQuery(RequestSchema):
    include_payload = Text(
        validate=OneOf(["true", "false", "1", "0"]),
        load_default="false",
        metadata={
            "description": "`true` or `1` adds `payload`. Needs the role `power_user`, and `admin` unless the event was "
            "applied to an object of this service."
        },
    )

    @post_load
    def read_flag(self, fields_of: dict[str, Any], **_: Any) -> dict[str, Any]:
        return fields_of | {"include_payload": fields_of["include_payload"] in ("true", "1")}


class ActivityQuery(RequestSchema):
    order = Text(validate=OneOf(["asc", "desc"]), load_default="asc")


class WebhookEventSchema(ResponseSchema):
    id = fields.Integer(metadata={"examples": [1]})
    integration_instance_id = fields.Integer(attribute="integration_id", allow_none=True)
    stripe_event_id = fields.String(metadata={"examples": ["evt_1"]})
    event_type = fields.String(metadata={"examples": ["invoice.paid"]})
    account_id = fields.String(metadata={"examples": ["acct_1PgQ2xRosenFurn"]})
    livemode = fields.Boolean()
    related_object_id = fields.String(allow_none=True, metadata={"examples": ["in_1"]})
    status = fields.String(
        validate=OneOf(_STATUSES),
        metadata={
            "description": "`received` with `attempts` above 0: waiting for its next try. `failed`: has had its last try. "
            "`skipped`: there was nothing to do."
        },
    )
    attempts = fields.Integer()
    last_error = fields.String(
        attribute="public_error",
        allow_none=True,
        metadata={"description": "Set if the last try failed; the cause is shown to operators only."},
    )
    skip_reason = fields.String(allow_none=True, validate=OneOf([reason.value for reason in SkipReason]))
    next_attempt_at = Timestamp(allow_none=True)
    event_created_at = Timestamp()
    processed_at = Timestamp(allow_none=True)
    created_at = Timestamp()
    updated_at = Timestamp()


class Payload(fields.Dict):
    """The stored bytes as the JSON that they are, where the database has not damaged them."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        try:
            return json.loads(value) if value else None
        except (ValueError, RecursionError):
            return None


class WebhookEventDetailSchema(WebhookEventSchema):
    payload = Payload(
        allow_none=True,
        metadata={
            "sometimes": True,
            "description": "If asked for: the event as Stripe sent it; null if it is no longer kept, or damaged.",
        },
    )

    @post_dump(pass_original=True)
    def leave_out(self, shown: dict[str, Any], event: WebhookEvent, **_: Any) -> dict[str, Any]:
        return {
            name: value for name, value in shown.items() if name != "payload" or event.payload is not None
        }


class WebhookEventAnswer(ResponseSchema):
    data = fields.Nested(WebhookEventDetailSchema)


class WebhookEventList(ResponseSchema):
    data = fields.List(fields.Nested(WebhookEventSchema))


class WebhookEventPage(PageSchema):
    data = fields.List(fields.Nested(WebhookEventSchema))


class WebhookEventReplayed(ResponseSchema):
    message = fields.String(metadata={"examples": ["Webhook event re-queued for processing."]})
