"""Registering, changing and removing subscribers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.changes.entry import GENESIS
from stripe_bridge.domain.changes.subscriber_acts import subscriber_act
from stripe_bridge.domain.errors.rules import TooManySubscribers
from stripe_bridge.domain.errors.values import ChangeTypeUnknown, CursorBeyondLatest, CursorPurged
from stripe_bridge.domain.subscriber import MAX_BATCH, MAX_SUBSCRIBERS, DisabledReason, Subscriber
from stripe_bridge.ports.deliveries import Deliveries
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.system import Clock, Identifiers
from stripe_bridge.ports.vault import Vault
from stripe_bridge.use_cases.changes.feed import hash_at, types_matching
from stripe_bridge.use_cases.receivers.encryption_key import EncryptionKey
from stripe_bridge.use_cases.subscribers.queries import SubscriberView, view_of
from stripe_bridge.use_cases.subscribers.rotate import new_secret


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSubscriber:
    """`types` None: all but acts. `after` None: from the newest change on."""

    url: str
    types: tuple[str, ...] | None = None
    max_batch: int = MAX_BATCH
    after: int | None = None
    enabled: bool = True
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """An entry of the log that exists, or its beginning."""

    after: int
    hash: str
    log: str | None


class CreateSubscriber:
    """Returns it with its secret, which is told only this once.

    Raises UrlNotAllowed, ChangeTypeUnknown, CursorBeyondLatest, CursorPurged, TooManySubscribers, WrongEncryptionKey.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        identifiers: Identifiers,
        vault: Vault,
        deliveries: Deliveries,
        key: EncryptionKey,
    ) -> None:
        self._store, self._clock, self._identifiers = store, clock, identifiers
        self._vault, self._deliveries, self._key = vault, deliveries, key

    def __call__(self, tenant_id: str, given: NewSubscriber) -> tuple[SubscriberView, str]:
        check_types(given.types)
        self._check_number(tenant_id)
        self._deliveries.check(given.url)
        self._key.require()
        secret, now = new_secret(self._identifiers), self._clock.now()
        with self._store.writing() as work:
            added = work.subscribers.add(self._new(work, tenant_id, given, secret, now))
            work.acts.add(subscriber_act(ChangeType.SUBSCRIBER_CREATED, added, work.origin))
            view = view_of(work, added)
            work.commit()
        return view, secret

    def _new(
        self, work: UnitOfWork, tenant_id: str, given: NewSubscriber, secret: str, now: datetime
    ) -> Subscriber:
        cursor = find_cursor(work, tenant_id, given.after)
        subscriber = Subscriber(
            id=0,
            tenant_id=tenant_id,
            url=given.url,
            types=given.types,
            max_batch=given.max_batch,
            description=given.description,
            after=cursor.after,
            after_hash=cursor.hash,
            log=cursor.log,
            examined=cursor.after,
            next_attempt_at=now,
            sealed_secret=self._vault.seal(secret),
            created_at=now,
            updated_at=now,
        )
        return subscriber if given.enabled else subscriber.disable(DisabledReason.REQUESTED, now)

    def _check_number(self, tenant_id: str) -> None:
        """Before its name is resolved. Whoever is counted here may be gone a moment later, or come."""
        with self._store.reading() as work:
            if len(work.subscribers.of_tenant(tenant_id)) >= MAX_SUBSCRIBERS:
                raise TooManySubscribers(MAX_SUBSCRIBERS)


class UpdateSubscriber:
    """Set the fields that are given: `url`, `types`, `max_batch`, `description`, `enabled`. Enabled, it goes on at its cursor.

    Raises SubscriberNotFound, UrlNotAllowed, ChangeTypeUnknown, CursorPurged.
    """

    def __init__(self, store: Store, clock: Clock, deliveries: Deliveries) -> None:
        self._store, self._clock, self._deliveries = store, clock, deliveries

    def __call__(self, tenant_id: str, subscriber_id: int, given: Mapping[str, Any]) -> SubscriberView:
        check_types(given.get("types"))
        if "url" in given:
            with self._store.reading() as work:
                work.subscribers.get(tenant_id, subscriber_id)
            self._deliveries.check(given["url"])
        with self._store.writing() as work:
            before = work.subscribers.get(tenant_id, subscriber_id, lock=True)
            after = self._changed(work, before, given)
            if after == before:
                return view_of(work, before)
            saved = work.subscribers.save(after)
            is_disabled = before.enabled and not after.enabled
            type_ = ChangeType.SUBSCRIBER_DISABLED if is_disabled else ChangeType.SUBSCRIBER_UPDATED
            work.acts.add(subscriber_act(type_, saved, work.origin, before))
            view = view_of(work, saved)
            work.commit()
        return view

    def _changed(self, work: UnitOfWork, before: Subscriber, given: Mapping[str, Any]) -> Subscriber:
        now = self._clock.now()
        after = before.change(now, **{name: value for name, value in given.items() if name != "enabled"})
        if "enabled" not in given:
            return after
        if not given["enabled"]:
            return after.disable(DisabledReason.REQUESTED, now)
        if not after.enabled:
            check_is_kept(work, after.tenant_id, after.after, "enabled")
        return after.enable(now)


class ResumeSubscriber:
    """Go on after this change, enabled. Raises SubscriberNotFound, CursorBeyondLatest, CursorPurged."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self, tenant_id: str, subscriber_id: int, after: int) -> SubscriberView:
        with self._store.writing() as work:
            before = work.subscribers.get(tenant_id, subscriber_id, lock=True)
            cursor = find_cursor(work, tenant_id, after)
            resumed = before.resume(cursor.after, cursor.hash, cursor.log, self._clock.now())
            saved = work.subscribers.save(resumed)
            work.acts.add(subscriber_act(ChangeType.SUBSCRIBER_UPDATED, saved, work.origin, before))
            view = view_of(work, saved)
            work.commit()
        return view


class DeleteSubscriber:
    """Raises SubscriberNotFound."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str, subscriber_id: int) -> None:
        with self._store.writing() as work:
            subscriber = work.subscribers.get(tenant_id, subscriber_id, lock=True)
            work.subscribers.remove(subscriber_id)
            work.acts.add(subscriber_act(ChangeType.SUBSCRIBER_DELETED, subscriber, work.origin))
            work.commit()


def check_types(patterns: Iterable[str] | None) -> None:
    """Raises ChangeTypeUnknown."""
    for pattern, types in types_matching(patterns or ()).items():
        if not types:
            raise ChangeTypeUnknown(pattern)


def find_cursor(work: UnitOfWork, tenant_id: str, after: int | None) -> Cursor:
    """`after` None: the newest change. Raises CursorBeyondLatest, CursorPurged."""
    head = work.changes.head(tenant_id)
    latest = 0 if head is None else head.sequence
    if after is None:
        after = latest
    if after > latest:
        raise CursorBeyondLatest(latest)
    check_is_kept(work, tenant_id, after, "after")
    hash_ = hash_at(work, tenant_id, after) or GENESIS
    return Cursor(after=after, hash=hash_, log=None if head is None else head.log)


def check_is_kept(work: UnitOfWork, tenant_id: str, after: int, field: str) -> None:
    """Raises CursorPurged if something that follows the cursor is purged."""
    head = work.changes.head(tenant_id)
    if head is not None and after < head.oldest - 1:
        raise CursorPurged(head.oldest, field)
