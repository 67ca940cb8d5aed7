from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load
from marshmallow.validate import Length, OneOf

from stripe_bridge.adapters.web.schemas.fields import (
    MAX_ID,
    RequestSchema,
    ResponseSchema,
    ShortList,
    Text,
    Timestamp,
    TrueOrFalse,
    WholeNumber,
)
from stripe_bridge.domain.subscriber import (
    MAX_BATCH,
    MAX_URL_LENGTH,
    DeliveryType,
    DisabledReason,
)

_URL = "https://erp.example.com/stripe-changes"
_MAX_PATTERNS, _MAX_PATTERN_LENGTH, _MAX_DESCRIPTION = 50, 64, 255
_OF_TYPES = (
    "Types of changes, such as `invoice.paid`, or groups of them, such as `invoice.*`. Null: all but acts."
)
_OF_AFTER = "The number of a change: the changes after it are delivered."


class _SubscriberBody(RequestSchema):
    @post_load
    def as_value(self, given: dict[str, Any], **_: Any) -> dict[str, Any]:
        if given.get("types") is not None:
            given["types"] = tuple(dict.fromkeys(given["types"]))
        return given


def _url(*, required: bool) -> Text:
    return Text(
        required=required,
        validate=Length(min=1, max=MAX_URL_LENGTH),
        metadata={"description": "https, without user information.", "examples": [_URL]},
    )


def _types(**options: Any) -> ShortList:
    return ShortList(
        Text(validate=Length(min=1, max=_MAX_PATTERN_LENGTH)),
        validate=Length(min=1, max=_MAX_PATTERNS),
        allow_none=True,
        metadata={"description": _OF_TYPES, "examples": [["invoice.*", "refund.*"]]},
        **options,
    )


def _max_batch(**options: Any) -> WholeNumber:
    of_it = {"description": "The most changes in one request."}
    return WholeNumber(low=1, high=MAX_BATCH, metadata=of_it, **options)


def _description(**options: Any) -> Text:
    return Text(
        validate=Length(max=_MAX_DESCRIPTION), metadata={"description": "A note to yourself."}, **options
    )


class NewSubscriberBody(_SubscriberBody):
    url = _url(required=True)
    types = _types(load_default=None)
    max_batch = _max_batch(load_default=MAX_BATCH)
    after = WholeNumber(
        low=0,
        high=MAX_ID,
        allow_none=True,
        load_default=None,
        metadata={"description": f"{_OF_AFTER} Null: only new changes."},
    )
    enabled = TrueOrFalse(load_default=True)
    description = _description(load_default="")


class SubscriberChanges(_SubscriberBody):
    url = _url(required=False)
    types = _types()
    max_batch = _max_batch()
    enabled = TrueOrFalse(metadata={"description": "Once enabled again, it continues where it stopped."})
    description = _description()


class ResumeBody(RequestSchema):
    after = WholeNumber(low=0, high=MAX_ID, required=True, metadata={"description": _OF_AFTER})


class SubscriberSchema(ResponseSchema):
    """Made of a SubscriberView."""

    id = fields.Integer(attribute="subscriber.id", metadata={"examples": [1]})
    url = fields.String(attribute="subscriber.url", metadata={"examples": [_URL]})
    types = fields.List(
        fields.String(),
        attribute="subscriber.types",
        allow_none=True,
        metadata={"description": _OF_TYPES},
    )
    max_batch = fields.Integer(attribute="subscriber.max_batch")
    description = fields.String(attribute="subscriber.description")
    after = fields.Integer(
        attribute="subscriber.after",
        metadata={
            "description": "The last change that the receiver acknowledged; at first, the one after which it began."
        },
    )
    behind = fields.Integer(
        metadata={"description": "How many newer changes have been neither delivered nor skipped."}
    )
    enabled = fields.Boolean(attribute="subscriber.enabled")
    disabled_reason = fields.String(
        attribute="subscriber.disabled_reason",
        allow_none=True,
        validate=OneOf([None, *(reason.value for reason in DisabledReason)]),
        metadata={
            "description": "`requested`: through the API. `gone`: it answered 410. `failing`: no success for five days. "
            "`history-changed`: it answered 409, as it holds other changes than this service."
        },
    )
    disabled_at = Timestamp(attribute="subscriber.disabled_at", allow_none=True)
    last_success_at = Timestamp(attribute="subscriber.last_success_at", allow_none=True)
    last_error = fields.String(
        attribute="subscriber.last_error",
        allow_none=True,
        metadata={"description": "Why the last attempt failed; null if it did not."},
    )
    created_at = Timestamp(attribute="subscriber.created_at")
    updated_at = Timestamp(attribute="subscriber.updated_at")


class SubscriberAnswer(ResponseSchema):
    data = fields.Nested(SubscriberSchema)


class SubscriberList(ResponseSchema):
    data = fields.List(fields.Nested(SubscriberSchema))


class SubscriberSecretAnswer(SubscriberAnswer):
    secret = fields.String(
        metadata={
            "description": "The key that signs requests, as in Standard Webhooks. It is shown only this once.",
            "examples": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="],
        }
    )


class SubscriberDeleted(ResponseSchema):
    message = fields.String(metadata={"examples": ["Subscriber deleted."]})


class DeliverySchema(ResponseSchema):
    type = fields.String(validate=OneOf([each.value for each in DeliveryType]))
    message_id = fields.String(metadata={"description": "The request's header `webhook-id`."})
    after = fields.Integer(allow_none=True, metadata={"description": "The page's `after`; null for a ping."})
    last = fields.Integer(
        allow_none=True, metadata={"description": "The number of the page's last change; null for a ping."}
    )
    attempted_at = Timestamp()
    status = fields.Integer(allow_none=True, metadata={"description": "Null if there was no answer."})
    ms = fields.Integer()
    error = fields.String(allow_none=True, metadata={"description": "Null after a success."})


class DeliveryAnswer(ResponseSchema):
    data = fields.Nested(DeliverySchema)


class DeliveryList(ResponseSchema):
    data = fields.List(fields.Nested(DeliverySchema))
