"""Reading only those parts of a payload that receiving needs: msgspec skips everything that was not asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import msgspec

from stripe_bridge.domain.webhook_event import StripeEvent, is_plain, parse_event, read_version

Data = TypeVar("Data")


class _Object(msgspec.Struct):
    """The members in `REFERENCES`. Each may be an id or an expanded object."""

    id: Any = None
    object: Any = None
    invoice: Any = None
    charge: Any = None
    latest_charge: Any = None
    payment_intent: Any = None
    customer: Any = None


class _Data(msgspec.Struct):
    object: _Object


class _Event(msgspec.Struct, Generic[Data], tag_field="object", tag="event"):
    id: str
    type: str
    created: int
    livemode: bool
    data: Data
    account: str | None = None
    api_version: Any = None


class _WholeData(msgspec.Struct):
    object: dict[str, Any]


_decoder = msgspec.json.Decoder(_Event[_Data])
_whole_decoder = msgspec.json.Decoder(_Event[_WholeData])


def read_event(payload: bytes) -> StripeEvent:
    """Like `parse_event`, except that the object has only the fields that identify it and others. Raises PayloadMalformed."""
    return _read(payload, _decoder, msgspec.structs.asdict)


def read_whole_event(payload: bytes) -> StripeEvent:
    """What `parse_event` does. Raises PayloadMalformed."""
    return _read(payload, _whole_decoder, dict)


def _read(
    payload: bytes, decoder: msgspec.json.Decoder[Any], show: Callable[[Any], dict[str, Any]]
) -> StripeEvent:
    try:
        event = decoder.decode(payload)
        created_at = datetime.fromtimestamp(event.created, UTC)
    except (ValueError, OverflowError, OSError, RecursionError):
        return parse_event(payload)
    account = event.account
    if not (
        event.id and is_plain(event.id) and is_plain(event.type) and (account is None or is_plain(account))
    ):
        return parse_event(payload)
    return StripeEvent(
        id=event.id,
        type=event.type,
        account=account or None,
        livemode=event.livemode,
        created_at=created_at,
        object=show(event.data.object),
        api_version=read_version(event.api_version),
    )
