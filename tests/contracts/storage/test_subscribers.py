"""What every store promises about subscribers."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from stripe_bridge.domain.changes.change import Change, ChangeType, SubjectType
from stripe_bridge.domain.errors.base import SubscriberNotFound
from stripe_bridge.domain.errors.conflicts import StaleWrite
from stripe_bridge.domain.errors.rules import TooManySubscribers
from stripe_bridge.domain.origin import SERVICE
from stripe_bridge.domain.subscriber import (
    KEPT_DELIVERIES,
    MAX_SUBSCRIBERS,
    DeliveryType,
    DisabledReason,
    Subscriber,
)
from stripe_bridge.ports.storage.subscribers import Due
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.builders import NOW, TENANT, a_delivery, a_subscriber

LATER = NOW + timedelta(minutes=1)


def stored(store: Store, **changes: Any) -> Subscriber:
    with store.writing() as work:
        subscriber = work.subscribers.add(a_subscriber(**changes))
        work.commit()
    return subscriber


def record(store: Store, number: int, *, tenant_id: str = TENANT) -> None:
    """So many entries in a tenant's log."""
    act = Change(
        type=ChangeType.KEYS_ROTATED,
        subject_type=SubjectType.KEY,
        subject_id=None,
        origin=SERVICE,
        object={},
        tenant_id=tenant_id,
    )
    with store.writing() as work:
        for _ in range(number):
            work.acts.add(act)
        work.commit()


def due(store: Store, now: datetime = NOW, limit: int = 10) -> Due:
    with store.autocommit() as work:
        return work.subscribers.due(now, limit)


def claim(store: Store, subscriber: Subscriber, lease: str = "lease-1", now: Any = NOW) -> Subscriber | None:
    with store.writing() as work:
        claimed = work.subscribers.claim(subscriber.id, lease, now, LATER)
        work.commit()
    return claimed


def test_a_subscriber_is_stored_as_it_is(store: Store):
    every_field = a_subscriber(
        slot=1,
        types=("invoice.*", "refund.failed"),
        max_batch=7,
        description="ERP, live",
        enabled=False,
        disabled_reason=DisabledReason.HISTORY_CHANGED,
        disabled_at=NOW,
        after=3,
        after_hash="a" * 64,
        log="log_1",
        examined=5,
        resumed=1,
        failures=2,
        failing_since=NOW,
        last_success_at=NOW,
        last_error="The receiver answered 500.",
        sealed_former_secret="sealed-former",
        former_secret_until=LATER,
        lease="lease-1",
        leased_until=LATER,
    )
    with store.writing() as work:
        added = work.subscribers.add(every_field)
        work.commit()
    with store.reading() as work:
        assert work.subscribers.get(TENANT, added.id) == added
        assert work.subscribers.find(added.id) == added
    assert added == a_subscriber(**{name: getattr(every_field, name) for name in FIELDS} | {"id": added.id})


FIELDS = [name for name in Subscriber.__dataclass_fields__ if name != "id"]


def test_another_tenants_subscriber_is_not_found(store: Store):
    subscriber = stored(store)
    with store.reading() as work:
        assert work.subscribers.of_tenant(TENANT) == [subscriber]
        assert work.subscribers.of_tenant("another") == []
        with pytest.raises(SubscriberNotFound):
            work.subscribers.get("another", subscriber.id)
        with pytest.raises(SubscriberNotFound):
            work.subscribers.get(TENANT, subscriber.id + 1)


def test_no_race_makes_one_too_many(store: Store):
    def try_to_add(_: int) -> bool:
        try:
            stored(store)
        except TooManySubscribers:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(try_to_add, range(3 * MAX_SUBSCRIBERS)))
    assert sum(added) == MAX_SUBSCRIBERS
    assert stored(store, tenant_id="another").slot == 1
    with store.reading() as work:
        slots = [each.slot for each in work.subscribers.of_tenant(TENANT)]
    assert sorted(slots) == list(range(1, MAX_SUBSCRIBERS + 1))


def test_one_that_is_removed_makes_room_and_takes_its_deliveries_along(store: Store):
    first, *_ = [stored(store) for _ in range(MAX_SUBSCRIBERS)]
    with store.writing() as work:
        work.subscribers.add_delivery(a_delivery(subscriber_id=first.id))
        work.commit()
    with store.writing() as work:
        work.subscribers.remove(first.id)
        work.commit()
    with store.reading() as work:
        assert work.subscribers.find(first.id) is None
        assert work.subscribers.deliveries(first.id) == []
    again = stored(store)
    assert again.slot == first.slot
    assert again.id != first.id


def test_a_stale_copy_is_not_saved(store: Store):
    subscriber = stored(store)
    with store.writing() as work:
        saved = work.subscribers.save(subscriber.pass_over(4))
        work.commit()
    assert (saved.examined, saved.version) == (4, subscriber.version + 1)
    with store.writing() as work, pytest.raises(StaleWrite):
        work.subscribers.save(subscriber.pass_over(9))


def test_a_subscriber_is_due_once_its_tenants_log_goes_on(store: Store):
    assert not due(store).is_polled
    subscriber = stored(store)
    stored(store, tenant_id="another")
    found = due(store)
    assert found.is_polled
    assert found.healthy == found.failing == []
    record(store, 1)
    assert due(store).healthy == [subscriber.id]
    assert due(store, now=NOW - timedelta(seconds=1)).healthy == []


def test_disabled_ones_are_never_due_and_not_polled_for(store: Store):
    stored(store, enabled=False, disabled_reason=DisabledReason.REQUESTED)
    record(store, 1)
    assert due(store) == due(store, limit=1)
    assert not due(store).is_polled
    assert due(store).healthy == []


def test_those_that_fail_come_last(store: Store):
    record(store, 1)
    failing = stored(store, failures=1)
    healthy = stored(store, next_attempt_at=NOW - timedelta(hours=1))
    found = due(store)
    assert (found.healthy, found.failing) == ([healthy.id], [failing.id])
    assert (due(store, limit=1).healthy, due(store, limit=1).failing) == ([healthy.id], [])


def test_what_was_examined_is_not_due_again(store: Store):
    record(store, 2)
    stored(store, after=0, examined=2)
    assert due(store).healthy == []


def test_one_claimer_gets_it_until_the_lease_ends(store: Store):
    record(store, 1)
    subscriber = stored(store)
    with ThreadPoolExecutor(4) as pool:
        claimed = [each for each in pool.map(lambda n: claim(store, subscriber, f"l{n}"), range(4)) if each]
    [winner] = claimed
    assert (winner.leased_until, winner.version) == (LATER, subscriber.version + 1)
    assert due(store).healthy == []
    assert claim(store, subscriber, "late") is None
    again = claim(store, subscriber, "later", now=LATER)
    assert again is not None
    assert again.lease == "later"


def test_what_is_not_due_or_disabled_is_not_claimed(store: Store):
    assert claim(store, stored(store, next_attempt_at=LATER)) is None
    assert claim(store, stored(store, enabled=False)) is None
    assert claim(store, a_subscriber(id=4711)) is None


def test_the_newest_hundred_deliveries_are_kept(store: Store):
    subscriber, other = stored(store), stored(store)
    with store.writing() as work:
        work.subscribers.add_delivery(a_delivery(subscriber_id=other.id))
        for number in range(KEPT_DELIVERIES + 3):
            work.subscribers.add_delivery(a_delivery(subscriber_id=subscriber.id, last=number))
        work.commit()
    with store.reading() as work:
        lasts = [each.last for each in work.subscribers.deliveries(subscriber.id)]
        assert len(work.subscribers.deliveries(other.id)) == 1
    assert lasts == list(range(KEPT_DELIVERIES + 2, 2, -1))


def test_a_delivery_is_stored_as_it_is(store: Store):
    subscriber = stored(store)
    ping = a_delivery(
        subscriber_id=subscriber.id,
        type=DeliveryType.PING,
        after=None,
        last=None,
        status=None,
        error="The connection was refused.",
    )
    with store.writing() as work:
        work.subscribers.add_delivery(ping)
        [kept] = work.subscribers.deliveries(subscriber.id)
    assert kept == a_delivery(
        **{name: getattr(ping, name) for name in ping.__dataclass_fields__} | {"id": kept.id}
    )


def test_the_backlog_counts_what_enabled_ones_have_not_got(store: Store):
    with store.reading() as work:
        assert work.subscribers.backlog().behind == 0
        assert work.subscribers.backlog().oldest_at is None
    record(store, 5)
    stored(store, after=2, examined=2)
    stored(store, after=1, examined=4)
    stored(store, after=5, examined=5)
    stored(store, after=0, enabled=False, disabled_reason=DisabledReason.GONE)
    with store.reading() as work:
        backlog = work.subscribers.backlog()
        third = work.changes.find(TENANT, 3)
    assert third is not None
    assert (backlog.behind, backlog.oldest_at) == (3 + 1, third.occurred_at)
    assert backlog.by_state == {"enabled": 3, "gone": 1}
