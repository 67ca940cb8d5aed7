"""The inbox: stored webhook events, which are both the record and the queue. Used only inside a unit of work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.webhook_event import EventStatus, WebhookEvent
from stripe_bridge.ports.metrics import QueueDepth


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Events stored at `since` or later, and before `until`. `with_payload` leaves out those whose payload is no longer
    kept."""

    integration_id: int | None = None
    status: EventStatus | None = None
    event_type: str | None = None
    related_object_id: str | None = None
    account_id: str | None = None
    ids: frozenset[int] | None = None
    since: datetime | None = None
    until: datetime | None = None
    with_payload: bool = False


class Inbox(Protocol):
    """Unique by account, livemode and Stripe's event id. Events come without their payload unless said otherwise.

    A tenant of None means all tenants and the events that belong to none: for operators only.
    """

    def store(self, event: WebhookEvent) -> bool:
        """Returns whether it is new. If it is already stored, nothing changes. The given id, tenant and integration are
        ignored: the event belongs to the integration connected to its account, else to the last one that was, else to none."""
        ...

    def claim(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[WebhookEvent]:
        """Claim up to `limit` due events, with payloads, oldest first: received ones, and those whose worker's lease ran out.

        They become `processing`, with one more attempt, due at `lease_until`. No two claimers get the same event.
        """
        ...

    def lock_due(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[WebhookEvent]:
        """Like `claim`, but only for received ones and without storing anything: they are locked until this unit of work
        ends, and other claimers skip them. Prefetch after this."""
        ...

    def settle_locked(self, events: Sequence[WebhookEvent]) -> None:
        """Store the outcome of events that `lock_due` returned in this unit of work; unchanged ones become claimed."""
        ...

    def lock_claimed(self, claimed_until: datetime, events: Sequence[WebhookEvent]) -> None:
        """Lock events that were claimed until then. Call this before anything else in this unit of work.

        `lock_due` locks events before the objects that they are about, and may briefly lock some of these events, too,
        although they are already claimed. Locking the objects first could therefore be a deadlock."""
        ...

    def settle(self, claimed_until: datetime, events: Sequence[WebhookEvent]) -> Set[int]:
        """Store the outcome of events that were claimed until `claimed_until`. Returns the ids of those whose claim was not
        lost meanwhile; the others stay unchanged."""
        ...

    def get(self, tenant_id: str | None, event_id: int, *, lock: bool = False) -> WebhookEvent: ...

    def payload(self, tenant_id: str | None, event_id: int) -> bytes:
        """Empty if it is no longer kept."""
        ...

    def payloads(self, event_ids: Sequence[int]) -> Mapping[int, bytes]:
        """Of many events, of whatever tenant, by id; empty ones are no longer kept."""
        ...

    def count_by_status(self, event_ids: Sequence[int]) -> Mapping[EventStatus, int]:
        """Of these events, how many have which status now; statuses that none has are missing."""
        ...

    def purge_payloads(self, stored_before: datetime, limit: int) -> int:
        """Delete the payloads of finished events, starting with the oldest, and of those that finished only after their turn
        had come. Returns how many events were checked: fewer than the limit if none is left. What identifies an event is
        kept forever."""
        ...

    def requeue(self, event_id: int, now: datetime) -> None:
        """Have it applied again, starting at the first attempt; if it belonged to no integration, by the one that has its
        account now."""
        ...

    def requeue_skipped(self, account_id: str, now: datetime, *, waiting: bool) -> int:
        """Have the events applied again that were skipped because the account was in no integration, if they still have
        their payload, and those that are waiting, since their claimer may not know whose they are now. Returns how
        many there are.

        What others have locked is waited for, or else left out. Waiting while holding a lock that they may need would be a
        deadlock."""
        ...

    def page(
        self, tenant_id: str | None, matching: EventFilter, request: PageRequest
    ) -> Page[WebhookEvent]: ...

    def oldest(self, tenant_id: str | None, matching: EventFilter, limit: int) -> Sequence[WebhookEvent]:
        """In the order in which they were stored."""
        ...

    def count(self, tenant_id: str | None, matching: EventFilter, *, up_to: int | None = None) -> int:
        """No further than that: there may be millions."""
        ...

    def newest_id(self) -> int:
        """Of all stored events; 0 if there is none. Grows with every event that is stored."""
        ...

    def backlog(self, tenant_id: str | None = None) -> QueueDepth:
        """Events received, processing and failed; the oldest is the oldest received or processing one."""
        ...

    def for_objects(self, tenant_id: str, stripe_ids: Sequence[str]) -> Sequence[WebhookEvent]:
        """Events whose related object is one of these, oldest first by Stripe's clock, then by ours."""
        ...


class EventIngest(Protocol):
    """Belongs to one event loop."""

    async def receive(self, event: WebhookEvent) -> bool:
        """Like `Inbox.store`, and committed when it returns: alone, or together with what others receive at the same time.

        Raises StoreUnavailable; the event may have been stored even so.
        """
        ...
