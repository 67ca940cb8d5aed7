from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, post_load, validates_schema
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
from stripe_bridge.adapters.web.schemas.invoices import ActorSchema
from stripe_bridge.adapters.web.schemas.paging import PageSchema
from stripe_bridge.domain.replay import MAX_EVENTS, Outcome, PlannedKind, ReplayStatus
from stripe_bridge.domain.webhook_event import EventStatus, SkipReason
from stripe_bridge.ports.storage.inbox import EventFilter

_STATUSES = [status.value for status in EventStatus]
_DIGEST = "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c"


class ReplayFilterBody(RequestSchema):
    """Events with all of these."""

    ids = ShortList(WholeNumber(low=1, high=MAX_ID), validate=Length(min=1, max=MAX_EVENTS))
    integration_id = WholeNumber(low=1, high=MAX_ID, data_key="integration_instance_id")
    status = Text(validate=OneOf(_STATUSES))
    event_type = Text()
    related_object_id = Text()
    account_id = Text()
    since = Timestamp(metadata={"description": "Stored at this time or later."})
    until = Timestamp(metadata={"description": "Stored before this time."})

    @validates_schema
    def not_empty(self, given: dict[str, Any], **_: Any) -> None:
        if not given:
            raise ValidationError("Say which events: give ids, or any other filter.")

    @post_load
    def as_filter(self, given: dict[str, Any], **_: Any) -> EventFilter:
        if "ids" in given:
            given["ids"] = frozenset(given["ids"])
        if "status" in given:
            given["status"] = EventStatus(given["status"])
        return EventFilter(**given)


class ReplayBody(RequestSchema):
    filter = fields.Nested(ReplayFilterBody, required=True)
    limit = WholeNumber(
        low=1,
        high=MAX_EVENTS,
        load_default=100,
        metadata={"description": "At most this many, oldest first."},
    )
    dry_run = TrueOrFalse(load_default=True, metadata={"description": "Only show what would change."})
    digest = Text(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "The plan's digest, as shown by `dry_run`. Required to apply it.",
            "examples": [_DIGEST],
        },
    )

    @validates_schema
    def digest_to_apply(self, given: dict[str, Any], **_: Any) -> None:
        if given.get("dry_run") is False and not given.get("digest"):
            raise ValidationError("Missing: the digest of the plan to apply.", "digest")


class PlannedEventSchema(ResponseSchema):
    """Made of a PlannedEvent."""

    id = fields.Integer(attribute="event.id", metadata={"examples": [1]})
    stripe_event_id = fields.String(attribute="event.stripe_event_id", metadata={"examples": ["evt_1"]})
    event_type = fields.String(attribute="event.event_type", metadata={"examples": ["invoice.paid"]})
    related_object_id = fields.String(attribute="event.related_object_id", allow_none=True)
    status = fields.String(
        attribute="event.status", validate=OneOf(_STATUSES), metadata={"description": "As it is now."}
    )
    outcome = fields.String(
        validate=OneOf([outcome.value for outcome in Outcome]),
        metadata={
            "description": "What applying it would do. `unknown`: Stripe must be asked first, about it or about an event "
            "before it. `failed`: it would fail again."
        },
    )
    skip_reason = fields.String(allow_none=True, validate=OneOf([reason.value for reason in SkipReason]))


class FieldChangeSchema(ResponseSchema):
    field = fields.String(metadata={"examples": ["status"]})
    before = fields.Raw(allow_none=True, metadata={"examples": ["open"]})
    after = fields.Raw(allow_none=True, metadata={"examples": ["paid"]})


class PlannedObjectSchema(ResponseSchema):
    kind = fields.String(validate=OneOf([kind.value for kind in PlannedKind]))
    id = fields.Integer(
        allow_none=True,
        metadata={
            "description": "Null for payments and disputes, and for a refund that is not known here yet.",
            "examples": [1],
        },
    )
    stripe_id = fields.String(allow_none=True, metadata={"examples": ["in_1"]})
    invoice_id = fields.Integer(allow_none=True, metadata={"examples": [1]})
    sales_order_id = fields.Integer(allow_none=True, metadata={"examples": [1001]})
    currency = fields.String(
        allow_none=True,
        metadata={"description": "The invoice's currency, in which all amounts are.", "examples": ["EUR"]},
    )
    is_new = fields.Boolean()
    is_unknown = fields.Boolean(metadata={"description": "Whether only Stripe can tell the result."})
    changes = fields.List(fields.Nested(FieldChangeSchema))


class PlannedHoldSchema(ResponseSchema):
    stripe_account_id = fields.String(attribute="account_id")
    stripe_invoice_id = fields.String(allow_none=True)


class OutcomeCountsSchema(ResponseSchema):
    applied = fields.Integer()
    skipped = fields.Integer()
    is_unknown = fields.Integer(attribute="unknown", data_key="unknown")
    failed = fields.Integer()


class ReplayPlanSchema(ResponseSchema):
    digest = fields.String(metadata={"examples": [_DIGEST]})
    filter = fields.Dict(keys=fields.String())
    limit = fields.Integer()
    more = fields.Integer(metadata={"description": "How many match beyond the limit, counted up to 10,000."})
    is_unknown = fields.Boolean(metadata={"description": "Whether only Stripe can tell some of it."})
    counts = fields.Nested(OutcomeCountsSchema)
    events = fields.List(
        fields.Nested(PlannedEventSchema), metadata={"description": "Oldest first, as they would be applied."}
    )
    being_processed = fields.List(fields.Integer(), attribute="being_processed_ids")
    purged = fields.List(
        fields.Integer(),
        attribute="purged_ids",
        metadata={"description": "Events whose payload is no longer kept."},
    )
    objects = fields.List(
        fields.Nested(PlannedObjectSchema),
        metadata={"description": "What would change, and what only Stripe knows."},
    )
    holds = fields.List(
        fields.Nested(PlannedHoldSchema),
        metadata={
            "description": "Accounts whose tenant's sends would be held, as after a restore from a backup."
        },
    )


class ReplaySchema(ResponseSchema):
    id = fields.Integer(metadata={"examples": [1]})
    status = fields.String(validate=OneOf([status.value for status in ReplayStatus]))
    requested_by = fields.Nested(ActorSchema, attribute="origin.actor")
    filter = fields.Dict(keys=fields.String())
    limit = fields.Integer()
    digest = fields.String(metadata={"examples": [_DIGEST]})
    planned = fields.Nested(OutcomeCountsSchema)
    total = fields.Integer(metadata={"description": "The number of its events."})
    position = fields.Integer(metadata={"description": "How many of them are done: queued or left out."})
    queued = fields.Integer(metadata={"description": "How many of those were queued to be applied."})
    being_processed = fields.Integer(
        metadata={"description": "How many were left out because they were being applied."}
    )
    purged = fields.Integer(
        metadata={"description": "How many were left out because their payload is no longer kept."}
    )
    canceled_by = fields.Nested(ActorSchema, allow_none=True)
    created_at = Timestamp()
    updated_at = Timestamp()
    ended_at = Timestamp(allow_none=True)


class EventCountsSchema(ResponseSchema):
    received = fields.Integer()
    processing = fields.Integer()
    processed = fields.Integer()
    skipped = fields.Integer()
    failed = fields.Integer()


class ReplayPlanAnswer(ResponseSchema):
    data = fields.Nested(ReplayPlanSchema)


class ReplayAnswer(ResponseSchema):
    data = fields.Nested(ReplaySchema)


class ReplayDetailAnswer(ReplayAnswer):
    events = fields.Nested(
        EventCountsSchema,
        metadata={"description": "The number of its events so far, by their current status."},
    )


class ReplayPage(PageSchema):
    data = fields.List(fields.Nested(ReplaySchema))
