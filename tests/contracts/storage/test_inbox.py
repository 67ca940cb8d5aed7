"""What every store promises about the inbox."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from stripe_bridge.domain.errors.base import WebhookEventNotFound
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.webhook_event import EventStatus, SkipReason
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.builders import NOW, TENANT, a_webhook_event, an_event_payload, an_integration
from tests.contracts.stored import at_once, claim, settle, stored_event, stored_integration

LEASE = timedelta(seconds=60)


def store_event(store: Store, id_: str, **changes) -> bool:
    with store.writing() as work:
        is_new = work.inbox.store(a_webhook_event(payload=an_event_payload(id_=id_), **changes))
        work.commit()
    return is_new


def test_an_event_comes_back_as_it_was_stored_with_its_owner(store: Store):
    integration = stored_integration(store)
    payload = an_event_payload() + b"\x00\xff exactly these bytes"
    given = a_webhook_event(tenant_id="ignored", integration_id=99)
    with store.writing() as work:
        assert work.inbox.store(replace(given, payload=payload))
        work.commit()
    with store.writing() as work:
        stored = work.inbox.page(TENANT, EventFilter(), PageRequest()).items[0]
        assert stored == replace(
            given, id=stored.id, tenant_id=TENANT, integration_id=integration.id, payload=None
        )
        assert work.inbox.get(TENANT, stored.id, lock=True) == stored
        assert work.inbox.payload(TENANT, stored.id) == payload


def test_an_event_is_stored_once_per_account_and_livemode(store: Store):
    stored_integration(store)
    assert store_event(store, "evt_1")
    assert not store_event(store, "evt_1", event_type="something.else")
    assert store_event(store, "evt_1", livemode=True)
    assert store_event(store, "evt_1", account_id="acct_2")
    assert store_event(store, "evt_2")
    with store.reading() as work:
        types = {event.event_type for event in work.inbox.page(TENANT, EventFilter(), PageRequest()).items}
    assert types == {"invoice.paid"}


def test_of_simultaneous_deliveries_one_is_new(store: Store):
    stored_integration(store)
    outcomes = at_once(12, lambda _number: store_event(store, "evt_1"))
    assert sorted(map(str, outcomes)) == ["False"] * 11 + ["True"]


def test_an_event_of_an_unknown_account_has_no_owner(store: Store):
    stored_integration(store)
    assert store_event(store, "evt_1", account_id="acct_unknown")
    event = claim(store)[0]
    assert (event.tenant_id, event.integration_id) == (None, None)
    with store.reading() as work:
        assert work.inbox.page(TENANT, EventFilter(), PageRequest()).total == 0


def test_an_event_belongs_to_the_connected_integration_else_to_the_last_that_was(store: Store):
    with store.writing() as work:
        last, first = (
            work.integrations.add(
                an_integration(
                    tenant_id=tenant, connected=False, disconnected_at=NOW + timedelta(hours=hours)
                )
            )
            for tenant, hours in (("last", 2), ("first", 1))
        )
        work.commit()
    store_event(store, "evt_1")
    connected = stored_integration(store)
    store_event(store, "evt_2")
    owners = {event.stripe_event_id: (event.tenant_id, event.integration_id) for event in claim(store)}
    assert owners == {"evt_1": ("last", last.id), "evt_2": (TENANT, connected.id)}
    assert first.id not in {integration_id for _, integration_id in owners.values()}


def test_a_claimed_event_is_processing_with_its_payload_and_one_attempt_further(store: Store):
    stored_integration(store)
    stored = stored_event(store)
    now = NOW + timedelta(seconds=5)
    claimed = claim(store, now=now, lease_until=now + LEASE)
    expected = replace(
        stored,
        status=EventStatus.PROCESSING,
        attempts=1,
        due_at=now + LEASE,
        updated_at=now,
        payload=an_event_payload(),
    )
    assert claimed == [expected]
    assert claim(store, now=now, lease_until=now + LEASE) == []


def test_the_newest_id_grows_with_each_event_that_is_new(store: Store):
    def newest_id() -> int:
        with store.autocommit() as work:
            return work.inbox.newest_id()

    seen = [newest_id()]
    store_event(store, "evt_1")
    seen.append(newest_id())
    store_event(store, "evt_1")
    seen.append(newest_id())
    claim(store)
    store_event(store, "evt_2")
    seen.append(newest_id())
    assert seen[0] == 0 < seen[1] == seen[2] < seen[3]


def test_the_oldest_due_events_are_claimed_first(store: Store):
    for name, seconds in (("late", 3), ("early", 1), ("middle", 2), ("not yet", 60)):
        store_event(store, name, due_at=NOW + timedelta(seconds=seconds))
    now = NOW + timedelta(seconds=10)
    first = {event.stripe_event_id for event in claim(store, now=now, lease_until=now + LEASE, limit=2)}
    then = {event.stripe_event_id for event in claim(store, now=now, lease_until=now + LEASE)}
    assert (first, then) == ({"early", "middle"}, {"late"})


def test_a_lease_that_ran_out_lets_another_claim_the_event(store: Store):
    store_event(store, "evt_1")
    (first,) = claim(store, now=NOW, lease_until=NOW + LEASE)
    assert claim(store, now=NOW + LEASE - timedelta(microseconds=1), lease_until=NOW + 2 * LEASE) == []
    (second,) = claim(store, now=NOW + LEASE, lease_until=NOW + 2 * LEASE)
    assert (second.id, second.attempts) == (first.id, 2)
    with store.writing() as work:
        assert not settle(work, first, first.processed(NOW))
        assert settle(work, second, second.processed(NOW))
        assert not settle(work, second, second.processed(NOW))


def store_two_hundred(store: Store) -> None:
    with store.writing() as work:
        for number in range(200):
            work.inbox.store(a_webhook_event(payload=an_event_payload(id_=f"evt_{number}")))
        work.commit()


def test_eight_claimers_get_each_of_two_hundred_events_exactly_once(store: Store):
    store_two_hundred(store)

    def claim_until_empty(_number: int) -> list[int]:
        ids: list[int] = []
        while claimed := claim(store, lease_until=NOW + LEASE, limit=7):
            ids += [event.id for event in claimed]
        return ids

    ids = [id_ for outcome in at_once(8, claim_until_empty) if isinstance(outcome, list) for id_ in outcome]
    assert len(ids) == len(set(ids)) == 200


def test_taken_events_are_as_if_claimed_and_nothing_is_stored(store: Store):
    for name, seconds in (("late", 3), ("early", 1), ("middle", 2), ("not yet", 60)):
        store_event(store, name, due_at=NOW + timedelta(seconds=seconds))
    now = NOW + timedelta(seconds=10)
    with store.writing() as work:
        taken = work.inbox.lock_due(now, now + LEASE, 2)
    assert {event.stripe_event_id for event in taken} == {"early", "middle"}
    assert claim(store, now=now, lease_until=now + LEASE, limit=2) == list(taken)


def test_only_what_is_received_is_taken(store: Store):
    store_event(store, "evt_1")
    claim(store, now=NOW, lease_until=NOW + LEASE)
    with store.writing() as work:
        assert work.inbox.lock_due(NOW + 2 * LEASE, NOW + 3 * LEASE, 10) == []


def test_what_became_of_taken_events_is_stored_and_what_is_left_is_claimed(store: Store):
    for id_ in ("evt_1", "evt_2"):
        store_event(store, id_)
    with store.writing() as work:
        done, left = work.inbox.lock_due(NOW, NOW + LEASE, 10)
        work.inbox.settle_locked([done.processed(NOW), left])
        work.commit()
    with store.reading() as work:
        stored = [work.inbox.get(None, event.id) for event in (done, left)]
    assert stored == [replace(done.processed(NOW), payload=None), replace(left, payload=None)]
    with store.writing() as work:
        assert settle(work, left, left.processed(NOW))


def test_four_takers_get_each_of_two_hundred_events_exactly_once(store: Store):
    store_two_hundred(store)

    def take_until_empty(_number: int) -> list[int]:
        ids: list[int] = []
        while True:
            with store.writing() as work:
                taken = work.inbox.lock_due(NOW, NOW + LEASE, 7)
                work.inbox.settle_locked([event.processed(NOW) for event in taken])
                work.commit()
            if not taken:
                return ids
            ids += [event.id for event in taken]

    ids = [id_ for outcome in at_once(4, take_until_empty) if isinstance(outcome, list) for id_ in outcome]
    assert len(ids) == len(set(ids)) == 200


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (lambda event: event.processed(NOW + LEASE), EventStatus.PROCESSED),
        (lambda event: event.skipped(SkipReason.FOREIGN_OBJECT, NOW), EventStatus.SKIPPED),
        (lambda event: event.retry_or_fail("boom", NOW, jitter=1), EventStatus.RECEIVED),
        (
            lambda event: replace(event, status=EventStatus.FAILED, last_error="boom"),
            EventStatus.FAILED,
        ),
    ],
)
def test_what_became_of_a_claimed_event_is_stored(store: Store, outcome, status):
    stored_integration(store)
    store_event(store, "evt_1")
    (claimed,) = claim(store, now=NOW, lease_until=NOW + LEASE)
    with store.writing() as work:
        assert settle(work, claimed, outcome(claimed))
        work.commit()
    with store.reading() as work:
        stored = work.inbox.get(TENANT, claimed.id)
    assert stored == replace(outcome(claimed), payload=None)
    assert stored.status is status


def test_settled_events_are_not_claimed_but_those_that_wait_for_a_retry_are(store: Store):
    for name in ("done", "again"):
        store_event(store, name)
    done, again = claim(store, now=NOW, lease_until=NOW + LEASE)
    waiting = again.retry_or_fail("boom", NOW, jitter=1)
    with store.writing() as work:
        settle(work, done, done.processed(NOW))
        settle(work, again, waiting)
        work.commit()
    assert claim(store, now=waiting.due_at - timedelta(microseconds=1)) == []
    (claimed,) = claim(store, now=NOW + timedelta(days=1))
    assert (claimed.id, claimed.attempts) == (again.id, 2)


def test_a_requeued_event_starts_over(store: Store):
    stored_integration(store)
    store_event(store, "evt_1")
    (claimed,) = claim(store, now=NOW, lease_until=NOW + LEASE)
    later = NOW + timedelta(days=1)
    with store.writing() as work:
        settle(work, claimed, claimed.skipped(SkipReason.UNKNOWN_TYPE, NOW))
        work.inbox.requeue(claimed.id, later)
        fresh = work.inbox.get(TENANT, claimed.id)
        work.commit()
    assert fresh == replace(
        claimed, status=EventStatus.RECEIVED, attempts=0, due_at=later, updated_at=later, payload=None
    )
    assert [event.attempts for event in claim(store, now=later)] == [1]
    with store.writing() as work, pytest.raises(WebhookEventNotFound):
        work.inbox.requeue(claimed.id + 1, later)


def test_a_worker_that_lost_its_event_to_a_requeue_changes_nothing(store: Store):
    store_event(store, "evt_1")
    (claimed,) = claim(store, now=NOW, lease_until=NOW + LEASE)
    with store.writing() as work:
        work.inbox.requeue(claimed.id, NOW)
        assert not settle(work, claimed, claimed.processed(NOW))


def test_another_tenants_event_is_not_found(store: Store):
    stored_integration(store)
    event = stored_event(store)
    with store.reading() as work:
        with pytest.raises(WebhookEventNotFound):
            work.inbox.get("other", event.id)
        with pytest.raises(WebhookEventNotFound):
            work.inbox.payload("other", event.id)
        assert work.inbox.page("other", EventFilter(), PageRequest()).total == 0
        assert work.inbox.for_objects("other", ["in_1"]) == []


def test_events_are_filtered_by_each_of_the_filters(store: Store):
    one = stored_integration(store)
    two = stored_integration(store, account_id="acct_2")
    store_event(store, "a", related_object_id="in_2")
    store_event(store, "b", account_id="acct_2", event_type="charge.failed")
    store_event(store, "c", status=EventStatus.FAILED)

    def names(**wanted) -> list[str]:
        with store.reading() as work:
            page = work.inbox.page(TENANT, EventFilter(**wanted), PageRequest())
        assert page.total == len(page.items)
        assert all(event.payload is None for event in page.items)
        return [event.stripe_event_id for event in page.items]

    assert names() == ["c", "b", "a"]
    assert names(integration_id=one.id) == ["c", "a"]
    assert names(integration_id=two.id) == ["b"]
    assert names(status=EventStatus.FAILED) == ["c"]
    assert names(event_type="charge.failed") == ["b"]
    assert names(related_object_id="in_2") == ["a"]
    assert names(related_object_id="in_2", status=EventStatus.FAILED) == []
    assert names(account_id="acct_2") == ["b"]


def test_events_are_filtered_by_when_they_were_stored(store: Store):
    stored_integration(store)
    for name, seconds in (("a", 0), ("b", 1), ("c", 2)):
        store_event(store, name, created_at=NOW + timedelta(seconds=seconds))
    middle = NOW + timedelta(seconds=1)

    def names(**wanted) -> list[str]:
        with store.reading() as work:
            found = work.inbox.oldest(TENANT, EventFilter(**wanted), 10)
        return [event.stripe_event_id for event in found]

    assert names(since=middle) == ["b", "c"]
    assert names(until=middle) == ["a"]
    assert names(since=middle, until=middle + timedelta(seconds=1)) == ["b"]


def test_events_that_still_have_their_payload_can_be_listed(store: Store):
    stored_integration(store)
    for name in ("forgotten", "kept"):
        store_event(store, name)
    forgotten, _ = claim(store)
    with store.writing() as work:
        settle(work, forgotten, forgotten.processed(NOW))
        work.commit()
    forget(store, NOW + timedelta(days=1))
    with_payload = EventFilter(with_payload=True)
    with store.reading() as work:
        (kept,) = work.inbox.oldest(TENANT, with_payload, 10)
        counted = (
            work.inbox.count(TENANT, with_payload),
            work.inbox.page(TENANT, with_payload, PageRequest()).total,
        )
    assert (kept.stripe_event_id, *counted) == ("kept", 1, 1)


def test_the_oldest_come_first_up_to_the_limit_and_all_are_counted(store: Store):
    stored_integration(store)
    for name in ("a", "b", "c"):
        store_event(store, name)
    store_event(store, "d", status=EventStatus.FAILED)
    received = EventFilter(status=EventStatus.RECEIVED)
    with store.reading() as work:
        oldest = work.inbox.oldest(TENANT, received, 2)
        assert [event.stripe_event_id for event in oldest] == ["a", "b"]
        assert all(event.payload is None for event in oldest)
        assert work.inbox.count(TENANT, received) == 3
        ids = frozenset({oldest[1].id, oldest[1].id + 100})
        assert work.inbox.oldest(TENANT, EventFilter(ids=ids), 10) == [oldest[1]]
        assert work.inbox.count(TENANT, EventFilter(ids=frozenset())) == 0
        assert work.inbox.count("other", received) == 0


def test_operators_reach_the_events_of_all_tenants_and_of_none(store: Store):
    stored_integration(store)
    stored_integration(store, tenant_id="other", account_id="acct_2")
    for name, account in (("a", "acct_1"), ("b", "acct_2"), ("c", "acct_unknown")):
        store_event(store, name, account_id=account)
    with store.writing() as work:
        page = work.inbox.page(None, EventFilter(), PageRequest())
        found = page.items
        assert page.total == 3
        assert [event.tenant_id for event in found] == [None, "other", TENANT]
        assert work.inbox.oldest(None, EventFilter(), 10) == found[::-1]
        assert work.inbox.count(None, EventFilter()) == 3
        for event in found:
            assert work.inbox.get(None, event.id, lock=True) == event
            assert work.inbox.payload(None, event.id)
        with pytest.raises(WebhookEventNotFound):
            work.inbox.get(None, found[0].id + 1)


def test_what_is_about_some_objects_comes_in_stripes_order_then_ours(store: Store):
    stored_integration(store)
    for name, object_id, seconds in (
        ("third", "in_1", 2),
        ("first", "pi_1", 1),
        ("second", "in_1", 1),
        ("other", "in_9", 0),
    ):
        store_event(
            store, name, related_object_id=object_id, event_created_at=NOW + timedelta(seconds=seconds)
        )
    with store.reading() as work:
        found = work.inbox.for_objects(TENANT, ["in_1", "pi_1", "ch_1"])
        assert work.inbox.for_objects(TENANT, []) == []
    assert [event.stripe_event_id for event in found] == ["first", "second", "third"]
    assert all(event.payload is None for event in found)


def test_an_account_of_the_platform_itself_is_an_account_like_others(store: Store):
    assert store_event(store, "evt_1", account_id="platform")
    assert [event.account_id for event in claim(store)] == ["platform"]


def test_the_backlog_is_what_waits_is_at_work_or_failed_over_all_tenants(store: Store):
    with store.reading() as work:
        empty = work.inbox.backlog()
    assert (sum(empty.by_status.values()), empty.oldest_at) == (0, None)
    ages = {"evt_failed": 90, "evt_done": 80, "evt_at_work": 70, "evt_1": 60, "evt_2": 50}
    for id_, seconds in ages.items():
        store_event(
            store, id_, created_at=NOW - timedelta(seconds=seconds), due_at=NOW - timedelta(seconds=seconds)
        )
    with store.writing() as work:
        failed, done, _ = work.inbox.claim(NOW, NOW + LEASE, 3)
        settle(work, failed, replace(failed, status=EventStatus.FAILED))
        settle(work, done, done.processed(NOW))
        work.commit()
    with store.reading() as work:
        backlog = work.inbox.backlog()
    assert {status: number for status, number in backlog.by_status.items() if number} == {
        EventStatus.RECEIVED: 2,
        EventStatus.PROCESSING: 1,
        EventStatus.FAILED: 1,
    }
    assert backlog.oldest_at == NOW - timedelta(seconds=70)


def test_what_was_skipped_for_a_disconnect_is_requeued_and_nothing_else(store: Store):
    stored_integration(store)
    for id_ in ("evt_1", "evt_2"):
        store_event(store, id_, stripe_event_id=id_)
    away, foreign = claim(store)
    with store.writing() as work:
        settle(work, away, away.skipped(SkipReason.DISCONNECTED, NOW))
        settle(work, foreign, foreign.skipped(SkipReason.FOREIGN_OBJECT, NOW))
        assert work.inbox.requeue_skipped("acct_other", NOW, waiting=True) == 0
        assert work.inbox.requeue_skipped(away.account_id, NOW, waiting=True) == 1
        work.commit()
    (again,) = claim(store)
    assert (again.id, again.attempts, again.skip_reason) == (away.id, 1, None)


def forget(store: Store, before: datetime, limit: int = 100) -> int:
    with store.writing() as work:
        seen = work.inbox.purge_payloads(before, limit)
        work.commit()
    return seen


def test_old_payloads_of_what_is_done_with_are_let_go_of_and_nothing_else(store: Store):
    stored_integration(store)
    for name, days in (("done", 9), ("failed", 8), ("waiting", 7), ("young", 1)):
        store_event(store, name, created_at=NOW - timedelta(days=days), due_at=NOW - timedelta(days=days))
    done, failed, _, young = claim(store, now=NOW, lease_until=NOW + LEASE)
    with store.writing() as work:
        settle(work, done, done.processed(NOW))
        settle(work, failed, replace(failed, status=EventStatus.FAILED))
        settle(work, young, young.processed(NOW))
        work.commit()

    seen = [forget(store, NOW - timedelta(days=2), limit=2) for _ in range(3)]

    assert seen == [2, 1, 0]
    with store.reading() as work:
        kept = {
            event.stripe_event_id: bool(work.inbox.payload(None, event.id))
            for event in work.inbox.oldest(None, EventFilter(), 10)
        }
    assert kept == {"done": False, "failed": True, "waiting": True, "young": True}
    assert not store_event(store, "done"), "What came once is known for ever."


def test_the_payload_of_what_was_not_done_with_in_its_turn_goes_once_it_is(store: Store):
    stored_integration(store)
    for name, days in (("failed", 9), ("waiting", 8), ("replayed later", 7)):
        store_event(store, name, created_at=NOW - timedelta(days=days), due_at=NOW - timedelta(days=days))
    failed, waiting, later = claim(store, now=NOW, lease_until=NOW + LEASE)
    with store.writing() as work:
        for event in (failed, later):
            settle(work, event, replace(event, status=EventStatus.FAILED))
        work.commit()
    limit_of_age = NOW - timedelta(days=2)
    assert [forget(store, limit_of_age) for _ in range(2)] == [3, 0]

    with store.writing() as work:
        settle(work, waiting, waiting.processed(NOW))
        work.inbox.requeue(failed.id, NOW)
        work.commit()
    (failed,) = claim(store)
    with store.writing() as work:
        settle(work, failed, failed.skipped(SkipReason.FOREIGN_OBJECT, NOW))
        work.commit()

    assert [forget(store, limit_of_age, limit=1) for _ in range(3)] == [1, 1, 0]
    with store.reading() as work:
        kept = [bool(work.inbox.payload(None, event.id)) for event in (failed, waiting, later)]
    assert kept == [False, False, True]


@pytest.mark.parametrize("is_claimed", [False, True])
def test_what_waits_when_its_account_is_joined_is_its_integrations(store: Store, is_claimed):
    store_event(store, "evt_1")
    early = claim(store) if is_claimed else []
    integration = stored_integration(store)
    with store.writing() as work:
        assert work.inbox.requeue_skipped("acct_1", NOW, waiting=True) == 1
        work.commit()
    with store.writing() as work:
        for event in early:
            skipped = event.skipped(SkipReason.NO_INTEGRATION, NOW)
            assert not work.inbox.settle(event.due_at, [skipped]), "Its claim was taken over."
        work.commit()
    (event,) = claim(store)
    assert (event.integration_id, event.attempts) == (integration.id, 1)


def test_what_has_no_payload_any_more_is_not_requeued(store: Store):
    stored_integration(store)
    store_event(store, "evt_1")
    (event,) = claim(store)
    with store.writing() as work:
        settle(work, event, event.skipped(SkipReason.DISCONNECTED, NOW))
        work.commit()
    assert forget(store, NOW + timedelta(days=1)) == 1
    with store.writing() as work:
        assert work.inbox.requeue_skipped(event.account_id, NOW, waiting=True) == 0
        work.commit()
    assert claim(store) == []


def test_payloads_and_statuses_of_many_events_are_read_at_once(store: Store):
    stored_integration(store)
    events = [stored_event(store, id_=f"evt_{number}") for number in range(3)]
    ids = [event.id for event in events[:2]]
    with store.writing() as work:
        (claimed, *_) = work.inbox.claim(NOW, NOW, 1)
        work.inbox.settle(claimed.due_at, [claimed.processed(NOW)])
        work.commit()

    with store.reading() as work:
        assert work.inbox.payloads(ids) == {id_: work.inbox.payload(None, id_) for id_ in ids}
        assert work.inbox.count_by_status(ids) == {EventStatus.PROCESSED: 1, EventStatus.RECEIVED: 1}
        assert dict(work.inbox.count_by_status([])) == {}
        assert [work.inbox.count(TENANT, EventFilter(), up_to=most) for most in (2, 9, None)] == [2, 3, 3]
