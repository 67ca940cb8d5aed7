"""Which events a page is about, as its address says it; and the command that is about the same."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from marshmallow import fields
from marshmallow.validate import OneOf, Regexp

from stripe_bridge.adapters.web.schemas.fields import MAX_ID, QueryNumber, RequestSchema, Text
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.ports.storage.inbox import EventFilter

# What the command's options are called.
_OPTIONS = {
    "status": "--status",
    "event_type": "--type",
    "integration_instance_id": "--integration",
    "account_id": "--account",
    "related_object_id": "--object",
    "since": "--since",
    "until": "--until",
}
# As the address has them. The command takes ids as they are.
FILTERS = frozenset({"ids", *_OPTIONS})


class Moment(fields.Field[datetime]):
    """ISO 8601, a date or a time, in UTC unless it has an offset: as people type it."""

    default_error_messages = {"moment": "Not a date or time such as 2026-11-23 or 2026-11-23T09:30Z."}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        try:
            moment = datetime.fromisoformat(str(value))
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.make_error("moment") from None


class EventQuery(RequestSchema):
    ids = Text(
        validate=Regexp(
            r"[0-9]{1,18}(,[0-9]{1,18}){0,999}\Z", error="Must be numbers with commas between them."
        )
    )
    integration_id = QueryNumber(low=1, high=MAX_ID, data_key="integration_instance_id")
    status = Text(validate=OneOf([status.value for status in EventStatus]))
    event_type = Text()
    related_object_id = Text()
    account_id = Text()
    since = Moment()
    until = Moment()
    before = QueryNumber(low=1, high=MAX_ID)


def filter_of(asked: Mapping[str, Any]) -> EventFilter:
    """Of what the query says."""
    given = {name: value for name, value in asked.items() if name != "before"}
    if "ids" in given:
        given["ids"] = frozenset(map(int, given["ids"].split(",")))
    if "status" in given:
        given["status"] = EventStatus(given["status"])
    return EventFilter(**given)


def command_of(verb: str, query: Mapping[str, str], tenant_id: str | None) -> str:
    """`query` as it stands in the address."""
    words = ["stripe-bridge", "events", verb, *query.get("ids", "").split(",")]
    for name, option in _OPTIONS.items():
        if query.get(name):
            words += [option, query[name]]
    if tenant_id is not None:
        words += ["--tenant", tenant_id]
    return shlex.join(word for word in words if word)
