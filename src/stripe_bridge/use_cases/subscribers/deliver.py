"""Delivering changes: page after page to each subscriber, in order, one request at a time over all processes.

Whoever delivers holds a lease. What a killed worker left is delivered again once that ends: a receiver may get a page twice,
and never one that does not follow what it has acknowledged.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from stripe_bridge.domain.changes.change import ALL_BUT_ACTS, ChangeType
from stripe_bridge.domain.changes.history import is_earlier
from stripe_bridge.domain.changes.shown import shown_time
from stripe_bridge.domain.changes.subscriber_acts import subscriber_act
from stripe_bridge.domain.errors.values import UrlNotAllowed
from stripe_bridge.domain.subscriber import (
    LEASE,
    Attempt,
    Delivery,
    DeliveryType,
    DisabledReason,
    Subscriber,
    message_id,
)
from stripe_bridge.ports.deliveries import Deliveries, Message, NotDelivered
from stripe_bridge.ports.metrics import Metrics
from stripe_bridge.ports.storage.subscribers import Due
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.system import Clock, Identifiers, Randomness, never_stopping
from stripe_bridge.ports.vault import SealBroken, Vault
from stripe_bridge.use_cases.changes.feed import FeedPage, FeedQuery, read_page, types_matching
from stripe_bridge.use_cases.changes.witness import HoldOnContradiction
from stripe_bridge.use_cases.subscribers.rotate import open_secrets

_log = logging.getLogger(__name__)
# In seconds, after a page that was not full: what is recorded meanwhile becomes one page. The first one goes out at once.
LINGER = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request that was made. `delivery` is how it is remembered."""

    attempt: Attempt
    delivery: Delivery


class SendMessage:
    """One signed request to a subscriber. Never inside a transaction; it does not raise."""

    def __init__(self, clock: Clock, vault: Vault, deliveries: Deliveries, metrics: Metrics) -> None:
        self._clock, self._vault, self._deliveries, self._metrics = clock, vault, deliveries, metrics

    def __call__(
        self, subscriber: Subscriber, type_: DeliveryType, id_: str, page: dict[str, Any], last: int | None
    ) -> Sent:
        begun = self._clock.now()
        document = {"type": type_.value, "timestamp": shown_time(begun), **page}
        body = json.dumps(document, separators=(",", ":")).encode()
        attempt = self._post(subscriber, Message(id=id_, timestamp=begun, body=body))
        taken = self._clock.now() - begun
        self._metrics.delivery(_outcome(attempt), taken.total_seconds())
        delivery = Delivery(
            id=0,
            subscriber_id=subscriber.id,
            type=type_,
            message_id=id_,
            after=None if last is None else subscriber.after,
            last=last,
            attempted_at=begun,
            status=attempt.status,
            ms=round(taken.total_seconds() * 1000),
            error=attempt.error,
        )
        return Sent(attempt=attempt, delivery=delivery)

    def _post(self, subscriber: Subscriber, message: Message) -> Attempt:
        try:
            secrets = open_secrets(self._vault, subscriber, self._clock)
            answer = self._deliveries.post(subscriber.url, message, secrets)
        except SealBroken:
            return Attempt(status=None, error="Its secret cannot be opened: rotate it.")
        except NotDelivered as error:
            return Attempt(status=None, error=f"Not delivered: {error.reason}.")
        except UrlNotAllowed as error:
            return Attempt(status=None, error=f"Not delivered: {error.message}")
        attempt = Attempt(status=answer.status, retry_after=answer.retry_after)
        if attempt.is_success:
            return attempt
        return replace(attempt, error=f"The receiver answered {answer.status}: {answer.body}".rstrip(": "))


class FindDue:
    """For which subscribers there is something to deliver now. In one statement."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self, limit: int) -> Due:
        with self._store.autocommit() as work:
            return work.subscribers.due(self._clock.now(), limit)


class DeliverChanges:
    """Deliver to one subscriber until there is nothing more, or it fails. Does nothing if somebody else is delivering."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        randomness: Randomness,
        identifiers: Identifiers,
        send: SendMessage,
        hold_sends: HoldOnContradiction,
    ) -> None:
        self._store, self._clock, self._randomness = store, clock, randomness
        self._identifiers, self._send, self._hold_sends = identifiers, send, hold_sends

    def __call__(
        self,
        subscriber_id: int,
        is_stopping: Callable[[], bool] = never_stopping,
        linger: Callable[[float], object] = lambda _seconds: None,
    ) -> None:
        """`linger` waits so many seconds, or until the process is to stop."""
        leased = self._claim(subscriber_id)
        while leased is not None:
            page = self._read(leased)
            if not page.entries or is_stopping():
                is_over = is_stopping() or page.next_after >= page.latest
                leased = self._pass_over(
                    leased, leased.examined if page.entries else page.next_after, is_over
                )
                continue
            leased = self._deliver(leased, page)
            if leased is not None and len(page.entries) < leased.max_batch:
                linger(LINGER)

    def _claim(self, subscriber_id: int) -> Subscriber | None:
        now = self._clock.now()
        with self._store.writing() as work:
            lease = self._identifiers.reference()
            claimed = work.subscribers.claim(subscriber_id, lease, now, now + LEASE)
            work.commit()
        return claimed

    def _read(self, subscriber: Subscriber) -> FeedPage:
        query = FeedQuery(
            tenant_id=subscriber.tenant_id,
            after=subscriber.examined,
            limit=subscriber.max_batch,
            types=wanted_types(subscriber),
            may_read_acts=True,
        )
        with self._store.reading() as work:
            return read_page(work, query)

    def _pass_over(self, leased: Subscriber, examined: int, is_over: bool) -> Subscriber | None:
        """Remember that there is nothing for it up to there."""

        def go_on(_work: UnitOfWork, current: Subscriber) -> Subscriber:
            return current.pass_over(examined) if current.is_same_conversation(leased) else current

        return self._save(leased, go_on, is_over=is_over)

    def _deliver(self, leased: Subscriber, page: FeedPage) -> Subscriber | None:
        """What was acknowledged last comes before it, however much was passed over in between."""
        last = page.entries[-1]
        chained = replace(
            page, after=leased.after, after_hash=leased.after_hash, next_after=last.sequence
        ).shown()
        id_ = message_id(leased, str(page.log), last.sequence)
        sent = self._send(leased, DeliveryType.CHANGES, id_, chained, last.sequence)
        is_contradicted = sent.attempt.disables is DisabledReason.HISTORY_CHANGED
        # A receiver that still holds a history which was ended here after a restore is no news.
        if is_contradicted and not (leased.log is not None and is_earlier(leased.log, page.log)):
            self._hold_sends(leased.tenant_id)

        def take_note(work: UnitOfWork, current: Subscriber) -> Subscriber:
            work.subscribers.add_delivery(sent.delivery)
            if not current.is_same_conversation(leased):
                return current
            now = self._clock.now()
            if sent.attempt.is_success:
                return current.acknowledge(last.sequence, last.hash, page.log, page.next_after, now)
            failed = current.fail(sent.attempt, now, self._randomness.jitter())
            if current.enabled and not failed.enabled:
                work.acts.add(subscriber_act(ChangeType.SUBSCRIBER_DISABLED, failed, work.origin, current))
                _log_disabled(failed)
            return failed

        return self._save(leased, take_note, is_over=not sent.attempt.is_success)

    def _save(
        self, leased: Subscriber, change: Callable[[UnitOfWork, Subscriber], Subscriber], *, is_over: bool
    ) -> Subscriber | None:
        """Returns it with the lease extended, or None once it is given back, or lost."""
        with self._store.writing() as work:
            current = work.subscribers.find(leased.id, lock=True)
            if current is None:
                return None
            if current.lease != leased.lease:
                # It took so long that somebody else has begun: what they find out counts.
                _log.warning("subscriber lease lost", extra=_facts(leased))
                return None
            changed = change(work, current)
            is_over = is_over or not changed.enabled
            changed = (
                changed.release()
                if is_over or leased.lease is None
                else changed.hold_lease(leased.lease, self._clock.now())
            )
            saved = work.subscribers.save(changed)
            work.commit()
        return None if is_over else saved


def wanted_types(subscriber: Subscriber) -> frozenset[ChangeType]:
    if subscriber.types is None:
        return ALL_BUT_ACTS
    return frozenset[ChangeType]().union(*types_matching(subscriber.types).values())


def _outcome(attempt: Attempt) -> str:
    if attempt.is_success:
        return "delivered"
    return "no_answer" if attempt.status is None else f"{attempt.status // 100}xx"


def _log_disabled(subscriber: Subscriber) -> None:
    facts = {"reason": str(subscriber.disabled_reason), "error": subscriber.last_error}
    _log.error("subscriber disabled", extra=_facts(subscriber) | facts)


def _facts(subscriber: Subscriber) -> dict[str, Any]:
    return {"tenant": subscriber.tenant_id, "subscriber_id": subscriber.id}
