"""A fake inbox, on the tables of one transaction, and what receives events into it."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime

from stripe_bridge.domain.errors.base import WebhookEventNotFound
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.paging import Page, PageRequest
from stripe_bridge.domain.webhook_event import EventStatus, SkipReason, WebhookEvent
from stripe_bridge.ports.metrics import QueueDepth
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.fakes.storage.accounts import last_connected
from tests.fakes.storage.tables import Tables, add, page_of


class FakeInbox:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._events = tables.events

    def store(self, event: WebhookEvent) -> bool:
        assert event.payload is not None, "An event is stored with its payload."
        self._events.check_writable(True)
        if self._events.matching(lambda each: _key(each) == _key(event)):
            return False
        owner = self._owner(event)
        add(
            self._events,
            replace(
                event,
                tenant_id=owner.tenant_id if owner else None,
                integration_id=owner.id if owner else None,
            ),
        )
        return True

    def _owner(self, event: WebhookEvent) -> Integration | None:
        return last_connected(
            self._tables.integrations.matching(lambda each: each.account_id == event.account_id)
        )

    def claim(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[WebhookEvent]:
        due = self._events.matching(
            lambda each: each.status in (EventStatus.RECEIVED, EventStatus.PROCESSING) and each.due_at <= now
        )
        claimed = []
        for event in sorted(due, key=lambda each: (each.due_at, each.id))[:limit]:
            taken = replace(
                event,
                status=EventStatus.PROCESSING,
                attempts=event.attempts + 1,
                due_at=lease_until,
                updated_at=now,
            )
            self._events.put(taken.id, taken)
            claimed.append(taken)
        return sorted(claimed, key=lambda each: each.id)

    def lock_due(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[WebhookEvent]:
        """Nobody else is there while this unit of work is."""
        due = self._events.matching(lambda each: each.status is EventStatus.RECEIVED and each.due_at <= now)
        taken = [
            replace(
                event,
                status=EventStatus.PROCESSING,
                attempts=event.attempts + 1,
                due_at=lease_until,
                updated_at=now,
            )
            for event in sorted(due, key=lambda each: (each.due_at, each.id))[:limit]
        ]
        return sorted(taken, key=lambda each: each.id)

    def settle_locked(self, events: Sequence[WebhookEvent]) -> None:
        for event in events:
            self._put_outcome(self._events.rows[event.id], event)

    def lock_claimed(self, claimed_until: datetime, events: Sequence[WebhookEvent]) -> None:
        """Nobody else is there while this unit of work is."""

    def settle(self, claimed_until: datetime, events: Sequence[WebhookEvent]) -> Set[int]:
        return {event.id for event in events if self._settle(claimed_until, event)}

    def _settle(self, claimed_until: datetime, event: WebhookEvent) -> bool:
        stored = self._events.find(event.id, lock=True)
        if stored is None or (stored.status, stored.due_at) != (EventStatus.PROCESSING, claimed_until):
            return False
        self._put_outcome(stored, event)
        return True

    def _put_outcome(self, stored: WebhookEvent, event: WebhookEvent) -> None:
        self._events.put(
            event.id,
            replace(
                stored,
                status=event.status,
                attempts=event.attempts,
                last_error=event.last_error,
                skip_reason=event.skip_reason,
                processed_at=event.processed_at,
                due_at=event.due_at,
                updated_at=event.updated_at,
            ),
        )

    def get(self, tenant_id: str | None, event_id: int, *, lock: bool = False) -> WebhookEvent:
        return _without_payload(self._get(tenant_id, event_id, lock=lock))

    def payload(self, tenant_id: str | None, event_id: int) -> bytes:
        payload = self._get(tenant_id, event_id, lock=False).payload
        assert payload is not None
        return payload

    def payloads(self, event_ids: Sequence[int]) -> Mapping[int, bytes]:
        return {event_id: self.payload(None, event_id) for event_id in event_ids}

    def count_by_status(self, event_ids: Sequence[int]) -> Mapping[EventStatus, int]:
        return Counter(each.status for each in self._events.matching(lambda each: each.id in event_ids))

    def purge_payloads(self, stored_before: datetime, limit: int) -> int:
        up_to = self._tables.purged.rows.get("up to", 0)
        old = self._events.matching(lambda each: each.created_at < stored_before)
        passed = [each for each in old if each.id > up_to]
        left = [each for each in old if each.id <= up_to and _is_purgeable(each)]
        seen = [*passed, *left][:limit]
        for event in seen:
            if _is_purgeable(event):
                self._events.put(event.id, replace(event, payload=b""))
        self._tables.purged.put("up to", max([up_to, *(event.id for event in seen)]))
        return len(seen)

    def requeue(self, event_id: int, now: datetime) -> None:
        event = self._events.find(event_id, lock=True)
        if event is None:
            raise WebhookEventNotFound
        owner = self._owner(event)
        self._events.put(
            event_id,
            replace(
                event,
                tenant_id=event.tenant_id or (owner.tenant_id if owner else None),
                integration_id=event.integration_id or (owner.id if owner else None),
                status=EventStatus.RECEIVED,
                attempts=0,
                last_error=None,
                skip_reason=None,
                processed_at=None,
                due_at=now,
                updated_at=now,
            ),
        )

    def requeue_skipped(self, account_id: str, now: datetime, *, waiting: bool) -> int:
        requeued = self._events.matching(
            lambda event: event.account_id == account_id and (_is_awaiting(event) or _is_requeueable(event))
        )
        for event in requeued:
            self.requeue(event.id, now)
        return len(requeued)

    def page(self, tenant_id: str | None, matching: EventFilter, request: PageRequest) -> Page[WebhookEvent]:
        return page_of([_without_payload(each) for each in self._matching(tenant_id, matching)], request)

    def oldest(self, tenant_id: str | None, matching: EventFilter, limit: int) -> Sequence[WebhookEvent]:
        return [_without_payload(each) for each in self._matching(tenant_id, matching)[:limit]]

    def count(self, tenant_id: str | None, matching: EventFilter, *, up_to: int | None = None) -> int:
        return len(self._matching(tenant_id, matching)[:up_to])

    def newest_id(self) -> int:
        return max((event.id for event in self._events.matching(lambda _: True)), default=0)

    def backlog(self, tenant_id: str | None = None) -> QueueDepth:
        unfinished = (EventStatus.RECEIVED, EventStatus.PROCESSING, EventStatus.FAILED)
        found = self._events.matching(
            lambda each: each.status in unfinished and tenant_id in (None, each.tenant_id)
        )
        waiting = [each.created_at for each in found if each.status is not EventStatus.FAILED]
        return QueueDepth(
            by_status=Counter(each.status for each in found), oldest_at=min(waiting, default=None)
        )

    def for_objects(self, tenant_id: str, stripe_ids: Sequence[str]) -> Sequence[WebhookEvent]:
        found = self._events.matching(
            lambda each: each.tenant_id == tenant_id and each.related_object_id in stripe_ids
        )
        ordered = sorted(found, key=lambda each: (each.event_created_at, each.id))
        return [_without_payload(each) for each in ordered]

    def _matching(self, tenant_id: str | None, matching: EventFilter) -> list[WebhookEvent]:
        others = {"ids", "since", "until", "with_payload"}
        equal = {name: getattr(matching, name) for name in EventFilter.__dataclass_fields__.keys() - others}
        equal["tenant_id"] = tenant_id
        return self._events.matching(
            lambda each: (
                all(wanted is None or getattr(each, name) == wanted for name, wanted in equal.items())
                and (not matching.with_payload or bool(each.payload))
                and (matching.ids is None or each.id in matching.ids)
                and (matching.since is None or each.created_at >= matching.since)
                and (matching.until is None or each.created_at < matching.until)
            )
        )

    def _get(self, tenant_id: str | None, event_id: int, *, lock: bool) -> WebhookEvent:
        event = self._events.find(event_id, lock=lock)
        if event is None or tenant_id not in (None, event.tenant_id):
            raise WebhookEventNotFound
        return event


class FakeEventIngest:
    """Commits each event by itself."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def receive(self, event: WebhookEvent) -> bool:
        with self._store.writing() as work:
            is_new = work.inbox.store(event)
            work.commit()
        return is_new


def _is_purgeable(event: WebhookEvent) -> bool:
    return event.status in (EventStatus.PROCESSED, EventStatus.SKIPPED) and bool(event.payload)


def _key(event: WebhookEvent) -> tuple[str, bool, str]:
    return event.account_id, event.livemode, event.stripe_event_id


def _without_payload(event: WebhookEvent) -> WebhookEvent:
    return replace(event, payload=None)


def _is_awaiting(event: WebhookEvent) -> bool:
    return event.status in (EventStatus.RECEIVED, EventStatus.PROCESSING)


def _is_requeueable(event: WebhookEvent) -> bool:
    return event.skip_reason in (SkipReason.DISCONNECTED, SkipReason.NO_INTEGRATION) and event.payload != b""
