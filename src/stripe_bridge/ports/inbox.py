"""The inbox: stored webhook events. The rows are the truth and the queue. Everything here happens inside a unit of work."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.webhook_event import EventStatus, WebhookEvent
from stripe_bridge.ports.measurements import Depth


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """`since` and, short of it, `until` are about when the event was stored. `with_payload` leaves out those whose payload is
    no longer kept."""

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
    """Unique by account, livemode and Stripe's event id. Rows come without their payload unless said otherwise.

    A tenant of None is every tenant, and the events that belong to none: for operators only.
    """

    def store(self, event: WebhookEvent) -> bool:
        """Whether it is new. One that is stored already stays as it is. The given id, tenant and integration are ignored:
        the event belongs to the integration connected to its account, else to the one that last was, else to none."""
        ...

    def claim(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[WebhookEvent]:
        """Take up to `limit` due events, with payloads, oldest first: received ones, and those whose worker's lease ran out.

        They are then `processing`, one attempt further, due at `lease_until`. No two claimers get the same.
        """
        ...

    def take(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[WebhookEvent]:
        """As `claim`, of received ones only, and with nothing stored: they are locked until this unit of work ends, and
        claimers pass them by. Read ahead after this."""
        ...

    def settle_taken(self, events: Sequence[WebhookEvent]) -> None:
        """Store what became of events that were taken in this unit of work: as they are, they are claimed."""
        ...

    def hold(self, claimed_until: datetime, events: Sequence[WebhookEvent]) -> None:
        """Lock those that were claimed until then, before all else in this unit of work.

        Whoever takes events locks them before what they are about. That may be one of these: what is just being claimed is
        passed by, but locked all the same. So to lock what they are about first would be to wait for each other for ever."""
        ...

    def settle(self, claimed_until: datetime, events: Sequence[WebhookEvent]) -> Set[int]:
        """Store what became of events that were claimed until then. The ids of those whose claim was not lost meanwhile:
        the others are not changed."""
        ...

    def get(self, tenant_id: str | None, event_id: int, *, lock: bool = False) -> WebhookEvent: ...

    def payload(self, tenant_id: str | None, event_id: int) -> bytes:
        """Empty when it is no longer kept."""
        ...

    def forget_payloads(self, stored_before: datetime, limit: int) -> int:
        """Let go of the payloads of events that are done with, from the oldest on, and of those that are so only since it was
        their turn; how many events were looked at, fewer than the limit when none is left. What tells an event apart from
        others is kept for ever."""
        ...

    def requeue(self, event_id: int, now: datetime) -> None:
        """Have it applied again, from the first attempt; by the integration that has its account now, if none had it then."""
        ...

    def revive(self, account_id: str, now: datetime, *, waiting: bool) -> int:
        """Have those applied again that were skipped because the account was in no integration, and still have their payload;
        how many there are. With them those that wait, as whoever has claimed them may not know whose they are now.

        What others have locked is waited for, or left out: to wait for them while something else is held, for which they may
        wait, ends one of the two."""
        ...

    def page(
        self, tenant_id: str | None, matching: EventFilter, request: PageRequest
    ) -> Page[WebhookEvent]: ...

    def oldest(self, tenant_id: str | None, matching: EventFilter, limit: int) -> Sequence[WebhookEvent]:
        """In the order in which they were stored."""
        ...

    def count(self, tenant_id: str | None, matching: EventFilter) -> int: ...

    def newest_id(self) -> int:
        """Of all that are stored, 0 where none is. It has grown whenever one was stored since."""
        ...

    def backlog(self) -> Depth:
        """Those received, processing and failed, over all tenants; the oldest is of the first two."""
        ...

    def about(self, tenant_id: str, stripe_ids: Sequence[str]) -> Sequence[WebhookEvent]:
        """Those whose related object is one of these, oldest first by Stripe's clock, then by ours."""
        ...
