from __future__ import annotations

import re

from marshmallow import INCLUDE, ValidationError, fields
from marshmallow.validate import Length, OneOf

from stripe_bridge.adapters.web.schemas.fields import (
    MAX_ID,
    QueryNumber,
    RequestSchema,
    ResponseSchema,
    ShortList,
    Text,
    Timestamp,
)
from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.changes.history import is_name_of_log

MAX_LIMIT, DEFAULT_LIMIT, MAX_WAIT = 500, 100, 25
_GROUPS = dict.fromkeys(f"{each.value.partition('.')[0]}.*" for each in ChangeType)
_PATTERNS = ["*", *_GROUPS, *(each.value for each in ChangeType)]
_HASH = "[0-9a-f]{64}"


def _is_hash(text: str) -> None:
    if not re.fullmatch(_HASH, text):
        raise ValidationError("Not the hash of a change: 64 digits, 0-9 and a-f.")


def _is_log(text: str) -> None:
    if not is_name_of_log(text):
        raise ValidationError("Not the name of a log, as a page shows it.")


class ReadFeedQuery(RequestSchema):
    after = QueryNumber(
        low=0,
        high=MAX_ID,
        load_default=0,
        metadata={"description": "The last entry that you have; 0 for the first page."},
    )
    limit = QueryNumber(low=1, high=MAX_LIMIT, load_default=DEFAULT_LIMIT)
    types = ShortList(
        Text(
            validate=OneOf(_PATTERNS, error="Neither a type of change nor a group of them such as invoice.*.")
        ),
        data_key="type",
        validate=Length(min=1, max=len(_PATTERNS)),
        metadata={"description": "Only changes of these types; may be repeated."},
    )
    sales_order_id = QueryNumber(
        low=1,
        high=MAX_ID,
        metadata={"description": "Only changes of this order, its invoices, refunds and disputes."},
    )
    hash = Text(
        validate=_is_hash,
        metadata={
            "pattern": f"^{_HASH}$",
            "description": "The hash of entry `after` that you have. If it differs here, the response is a 409.",
        },
    )
    log = Text(
        validate=_is_log,
        metadata={
            "pattern": "^log_[A-Za-z0-9_.-]{1,96}$",
            "description": "The name of the log that you have. If it differs here, the response is a 409.",
        },
    )
    wait = QueryNumber(
        low=0,
        high=MAX_WAIT,
        load_default=0,
        metadata={"description": "How many seconds to wait if there is nothing to read yet."},
    )


_SOMETIMES = {"sometimes": True}


class ChangeSubject(ResponseSchema):
    type = fields.String(metadata={"examples": ["invoice"]})
    # An integer for all but Stripe's own objects; null if there is none.
    id = fields.Raw(allow_none=True, metadata={"examples": [17]})


class ChangeActor(ResponseSchema):
    type = fields.String(metadata={"examples": ["stripe"]})
    id = fields.String(allow_none=True, metadata={"description": "A pseudonym."})
    user_id = fields.Integer(allow_none=True, metadata={"description": "The ERP user."})


class ChangeSchema(ResponseSchema):
    """One fact about one object. Of an act, only admins see more than the first five fields; its type is `act` to others."""

    class Meta:
        # Some types have a field of their own.
        unknown = INCLUDE

    sequence = fields.Integer(metadata={"examples": [4211]})
    id = fields.String(metadata={"examples": ["chg_6d5c1e0a"]})
    type = fields.String(metadata={"examples": ["invoice.paid"]})
    occurred_at = Timestamp()
    hash = fields.String(metadata={"pattern": f"^{_HASH}$"})
    livemode = fields.Boolean(allow_none=True, metadata=_SOMETIMES)
    subject = fields.Nested(ChangeSubject, metadata=_SOMETIMES)
    sales_order_id = fields.Integer(allow_none=True, metadata=_SOMETIMES)
    integration_instance_id = fields.Integer(allow_none=True, metadata=_SOMETIMES)
    actor = fields.Nested(ChangeActor, metadata=_SOMETIMES)
    cause = fields.Dict(keys=fields.String(), metadata=_SOMETIMES)
    changed = fields.Dict(
        keys=fields.String(),
        metadata={
            **_SOMETIMES,
            "description": "Fields of the object, each with its value before and after; of personal data, whether it was set.",
        },
    )
    object = fields.Dict(
        keys=fields.String(),
        allow_none=True,
        metadata={
            **_SOMETIMES,
            "description": "The object after the change, as GET shows it. Null once it is purged.",
        },
    )
    sales_order = fields.Dict(
        keys=fields.String(),
        allow_none=True,
        metadata={**_SOMETIMES, "description": "What the order then owes, in minor units."},
    )
    object_salt = fields.String(allow_none=True, metadata=_SOMETIMES)
    object_digest = fields.String(metadata=_SOMETIMES)
    reason = fields.String(metadata={**_SOMETIMES, "description": "Why a send or a refund failed."})
    gone = fields.Boolean(
        metadata={**_SOMETIMES, "description": "The object was never created: drop it if you have it."}
    )


class FeedSchema(ResponseSchema):
    """A page follows the one before it if its `after` and `after_hash` are that one's last."""

    log = fields.String(
        allow_none=True, metadata={"description": "The name of this history. Null before the first entry."}
    )
    after = fields.Integer(metadata={"examples": [4210]})
    after_hash = fields.String(metadata={"pattern": f"^{_HASH}$"})
    data = fields.List(fields.Nested(ChangeSchema))
    next_after = fields.Integer(
        metadata={"description": "The last entry that was examined: the next page begins after it."}
    )
    latest = fields.Integer(metadata={"description": "The log's last entry."})
    oldest = fields.Integer(metadata={"description": "The first entry whose object is still kept."})
    complete = fields.Boolean(
        metadata={"description": "False while objects from before the log are still being recorded."}
    )
