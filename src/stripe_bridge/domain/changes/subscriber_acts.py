"""Acts about subscribers. An entry stays for ever: of an address it has no query, which may be a password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stripe_bridge.domain.changes.change import Change, ChangeType, SubjectType
from stripe_bridge.domain.changes.shown import shown_time
from stripe_bridge.domain.origin import Origin
from stripe_bridge.domain.subscriber import Subscriber


def subscriber_act(
    type_: ChangeType, subscriber: Subscriber, origin: Origin, before: Subscriber | None = None
) -> Change:
    """`subscriber` as it is afterwards; `changed` says what differs from `before`."""
    object_ = _shown(subscriber)
    return Change(
        type=type_,
        subject_type=SubjectType.SUBSCRIBER,
        subject_id=subscriber.id,
        origin=origin,
        tenant_id=subscriber.tenant_id,
        object=object_,
        changed={} if before is None else _changed(_shown(before), object_),
    )


def _shown(subscriber: Subscriber) -> dict[str, Any]:
    reason = subscriber.disabled_reason
    return {
        "id": subscriber.id,
        "url": subscriber.url.partition("?")[0],
        "types": None if subscriber.types is None else list(subscriber.types),
        "max_batch": subscriber.max_batch,
        "description": subscriber.description,
        "after": subscriber.after,
        "enabled": subscriber.enabled,
        "disabled_reason": None if reason is None else reason.value,
        "disabled_at": shown_time(subscriber.disabled_at),
        "created_at": shown_time(subscriber.created_at),
        "updated_at": shown_time(subscriber.updated_at),
    }


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {
        name: [before[name], after[name]]
        for name in after
        if name != "updated_at" and before[name] != after[name]
    }
