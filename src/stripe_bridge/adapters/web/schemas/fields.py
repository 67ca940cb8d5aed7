"""Fields and schemas as strict as the contract is: nothing is converted that was not meant that way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields
from marshmallow.validate import Range

from stripe_bridge.domain.ids import LARGEST_ID, read_id

MAX_ID = LARGEST_ID
# Twelve digits: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
MAX_AMOUNT = 10**12 - 1


def id_in_path(digits: str) -> int:
    """One that is out of range becomes 0, which no row has."""
    return read_id(digits) or 0


class RequestSchema(Schema):
    """What a caller sends: a field that we do not know is a fault."""

    class Meta:
        unknown = RAISE


class ResponseSchema(Schema):
    """What we answer: every field is always there, unless it says otherwise."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        field_obj.required = not field_obj.metadata.get("sometimes", False)


class EmptySchema(RequestSchema):
    """No field at all."""


class Text(fields.String):
    """A string that every database can keep."""

    default_error_messages = {"unstorable": "NUL characters and lone surrogates are not allowed."}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
            raise self.make_error("unstorable")
        return text


def not_blank(text: str) -> None:
    if not text.strip():
        raise ValidationError("Must not be blank.")


class WholeNumber(fields.Integer):
    """A JSON number without a fraction: 5.0 is 5; text and booleans are not numbers."""

    default_error_messages = {"whole": "Not a whole number."}

    def __init__(self, *, low: int, high: int, **kwargs: Any) -> None:
        super().__init__(validate=Range(min=low, max=high), **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        # A huge exponent is never written out: that alone could take forever.
        is_short = isinstance(value, Decimal) and value.is_finite() and value.adjusted() < 30
        if is_short and value == value.to_integral_value():
            return int(value)
        raise self.make_error("whole")


class TrueOrFalse(fields.Boolean):
    """JSON's true or false: numbers and text are neither."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class QueryNumber(WholeNumber):
    """A whole number in a query string: plain digits."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value):
            return int(value)
        raise self.make_error("whole")


class Timestamp(fields.DateTime):
    """Out: UTC with microseconds and Z. In: ISO 8601 with its offset; a time without one could be any."""

    def __init__(self, *, metadata: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        example = None if kwargs.get("allow_none") else "2026-11-23T12:00:00.000000Z"
        super().__init__(metadata={"examples": [example], **(metadata or {})}, **kwargs)

    default_error_messages = {"aware": "Not an ISO 8601 date and time with its UTC offset."}

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        if value is None:
            return None
        utc: datetime = value.astimezone(UTC)
        return utc.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        if not isinstance(value, str) or not _ISO_8601.fullmatch(value):
            raise self.make_error("aware")
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.make_error("aware") from None


class ShortList(fields.List[Any]):
    """A list whose length is checked before its items: each item costs time, and so does each error in one."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[Any]:
        if isinstance(value, list):
            self._validate(value)
        items: list[Any] = super()._deserialize(value, attr, data, **kwargs)
        return items


class Quantity(fields.Field[Decimal]):
    """A positive decimal, as a string or a number; only ever shown, so it goes out as it came."""

    default_error_messages = {
        "decimal": "Not a positive decimal with at most 12 digits before the point and 6 after it."
    }

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str:
        return f"{value:f}"

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Decimal:
        text = ""
        if isinstance(value, str):
            text = value
        elif isinstance(value, int) and not isinstance(value, bool):
            text = str(value)
        elif isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) < 30:
            text = f"{value:f}"
        if not _DECIMAL.fullmatch(text) or not (quantity := Decimal(text)):
            raise self.make_error("decimal")
        return quantity


_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
_ISO_8601 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
