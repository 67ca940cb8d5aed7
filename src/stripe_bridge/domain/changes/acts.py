"""Acts: what somebody did without changing an object that is recorded by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stripe_bridge.domain.changes.change import NO_TENANT, Change, ChangeType, SubjectType
from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.origin import Origin
from stripe_bridge.domain.webhook_event import WebhookEvent


def event_replayed(event: WebhookEvent, origin: Origin) -> Change:
    """`event` as it was before."""
    return _of_event(ChangeType.WEBHOOK_EVENT_REPLAYED, event, origin)


def payload_read(event: WebhookEvent, origin: Origin) -> Change:
    return _of_event(ChangeType.WEBHOOK_EVENT_PAYLOAD_READ, event, origin)


def intent_resolved(intent: Intent, origin: Origin) -> Change:
    """An operator had a call to Stripe settled now; `intent` as it was before."""
    return Change(
        type=ChangeType.INTENT_RESOLVED,
        subject_type=SubjectType.INTENT,
        subject_id=intent.id,
        origin=origin,
        tenant_id=intent.tenant_id or NO_TENANT,
        integration_id=intent.integration_id,
        object={"id": intent.id, "operation": intent.operation.value, "state": intent.state.value},
    )


def request_denied(tenant_id: str, operation: str, subject: str, origin: Origin) -> Change:
    """A 403 on something that moves money. `subject` is the path that was asked for."""
    return Change(
        type=ChangeType.REQUEST_DENIED,
        subject_type=SubjectType.REQUEST,
        subject_id=None,
        origin=origin,
        tenant_id=tenant_id,
        object={"operation": operation, "path": subject},
    )


def receivers_registered(receivers: Mapping[str, str], origin: Origin) -> Change:
    """`receivers`: what was done with each kind of the platform's."""
    return _of_service(ChangeType.RECEIVERS_REGISTERED, SubjectType.RECEIVER, receivers, origin)


def keys_rotated(resealed: Mapping[str, int], origin: Origin) -> Change:
    """`resealed`: how many secrets of each kind are sealed with the newest encryption key now."""
    return _of_service(ChangeType.KEYS_ROTATED, SubjectType.KEY, resealed, origin)


def _of_event(type_: ChangeType, event: WebhookEvent, origin: Origin) -> Change:
    return Change(
        type=type_,
        subject_type=SubjectType.WEBHOOK_EVENT,
        subject_id=event.id,
        origin=origin,
        tenant_id=event.tenant_id or NO_TENANT,
        integration_id=event.integration_id,
        object={
            "id": event.id,
            "stripe_event_id": event.stripe_event_id,
            "type": event.event_type,
            "status": event.status.value,
        },
    )


def _of_service(
    type_: ChangeType, subject_type: SubjectType, object_: Mapping[str, Any], origin: Origin
) -> Change:
    return Change(
        type=type_,
        subject_type=subject_type,
        subject_id=None,
        origin=origin,
        tenant_id=NO_TENANT,
        object=dict(object_),
    )
