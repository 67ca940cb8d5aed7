"""Reading only those parts of a payload that receiving needs: msgspec skips everything that was not asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from stripe_bridge.domain.webhook_event import StripeEvent, is_plain, parse_event, read_version


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


class _Event(msgspec.Struct, tag_field="object", tag="event"):
    id: str
    type: str
    created: int
    livemode: bool
    data: _Data
    account: str | None = None
    api_version: Any = None


_decoder = msgspec.json.Decoder(_Event)


def read_event(payload: bytes) -> StripeEvent:
    """Like `parse_event`, except that the object has only the fields that identify it and others. Raises PayloadMalformed."""
    try:
        event = _decoder.decode(payload)
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
        object=msgspec.structs.asdict(event.data.object),
        api_version=read_version(event.api_version),
    )
