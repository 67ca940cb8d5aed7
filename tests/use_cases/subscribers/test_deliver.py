"""Delivering: in order, at least once, one at a time, whatever fails and whoever dies."""

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.changes.entry import GENESIS
from stripe_bridge.domain.recovery import RecoveryHold, is_held
from stripe_bridge.domain.subscriber import LEASE, DisabledReason
from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.ports.deliveries import Answer, Message
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from tests.builders import TENANT
from tests.fakes.deliveries import REFUSED
from tests.use_cases.subscribers.subscribed import (
    URL,
    ChainingReceiver,
    answer_of,
    latest,
    now_is,
    record,
    subscribe,
)
from tests.world import World

PAID, SENT, ACT = ChangeType.INVOICE_PAID, ChangeType.INVOICE_SENT, ChangeType.TOKEN_CREATED
A_DAY = timedelta(days=1)


class Killed(BaseException):
    """The process ends here."""


def deliver(world: World, subscriber: Any) -> None:
    world.bridge.subscribers.deliver(subscriber.id)


def sequences(page: dict[str, Any]) -> list[int]:
    return [entry["sequence"] for entry in page["data"]]


def holds(world: World) -> list[RecoveryHold]:
    with world.store.reading() as work:
        return list(work.recoveries.open_holds())


def test_each_page_follows_the_one_before():
    world = World()
    record(world, *[PAID] * 5)
    subscriber = subscribe(world, max_batch=2)
    deliver(world, subscriber)
    pages = world.deliveries.pages(URL)
    assert [sequences(page) for page in pages] == [[1, 2], [3, 4], [5]]
    assert (pages[0]["after"], pages[0]["after_hash"]) == (0, GENESIS)
    for before, after in pairwise(pages):
        last = before["data"][-1]
        assert (after["after"], after["after_hash"]) == (last["sequence"], last["hash"])
        assert before["next_after"] == last["sequence"]
    assert {page["type"] for page in pages} == {"changes"}
    assert all(page["log"] and page["timestamp"].endswith("Z") for page in pages)
    assert now_is(world, subscriber).lease is None


def test_what_was_passed_over_breaks_no_chain_and_sends_nothing():
    world = World()
    record(world, PAID, SENT, ACT, SENT)
    subscriber = subscribe(world, types=("invoice.paid",))
    deliver(world, subscriber)
    record(world, SENT)
    deliver(world, subscriber)
    record(world, SENT, PAID)
    deliver(world, subscriber)
    first, second = world.deliveries.pages(URL)
    assert (sequences(first), sequences(second)) == ([1], [latest(world)])
    assert (second["after"], second["after_hash"]) == (1, first["data"][0]["hash"])
    assert now_is(world, subscriber).examined == latest(world)


def test_acts_are_only_for_those_who_ask_for_them():
    world = World()
    record(world, ACT, PAID)
    subscriber, with_acts = subscribe(world), subscribe(world, url=f"{URL}/all", types=("*",))
    for each in (subscriber, with_acts):
        deliver(world, each)
    [page], [everything] = world.deliveries.pages(URL), world.deliveries.pages(f"{URL}/all")
    assert sequences(page) == [2]
    assert sequences(everything) == [1, 2, 3, 4]
    assert everything["data"][0]["type"] == "token.created"


def test_nothing_overtakes_a_page_that_fails():
    world = World()
    record(world, PAID)
    subscriber = subscribe(world)
    world.deliveries.answers = [500, REFUSED]
    deliver(world, subscriber)
    record(world, SENT)
    deliver(world, subscriber)
    assert len(world.deliveries.pages(URL)) == 1
    world.clock.advance(seconds=2)
    deliver(world, subscriber)
    world.clock.advance(seconds=7)
    deliver(world, subscriber)
    first, second, third = world.deliveries.pages(URL)
    assert sequences(first)[0] == sequences(second)[0] == sequences(third)[0] == 1
    assert sequences(third) == [1, latest(world)]
    now = now_is(world, subscriber)
    assert (now.failures, now.failing_since, now.last_error) == (0, None, None)
    assert now.last_success_at == world.clock.now()


def test_an_attempt_is_remembered_with_what_it_led_to():
    world = World()
    record(world, PAID)
    subscriber = subscribe(world)
    world.deliveries.answers = [Answer(status=503, body="busy", retry_after=timedelta(hours=3)), REFUSED]
    deliver(world, subscriber)
    failed = now_is(world, subscriber)
    assert failed.next_attempt_at == world.clock.now() + timedelta(hours=3)
    assert failed.last_error == "The receiver answered 503: busy"
    for wait in (timedelta(hours=3), A_DAY):
        world.clock.advance(wait)
        deliver(world, subscriber)
    kept = world.bridge.subscribers.list_deliveries(TENANT, subscriber.id)
    assert [each.status for each in kept] == [200, None, 503]
    assert [each.error for each in kept] == [
        None,
        "Not delivered: no connection.",
        "The receiver answered 503: busy",
    ]
    assert len({each.message_id for each in kept}) == 1
    assert [(each.after, each.last) for each in kept] == [(0, 1)] * 3


def test_410_disables_for_good():
    world = World()
    record(world, PAID)
    subscriber = subscribe(world)
    world.deliveries.answers = [410]
    deliver(world, subscriber)
    assert now_is(world, subscriber).disabled_reason is DisabledReason.GONE
    world.clock.advance(A_DAY)
    deliver(world, subscriber)
    assert len(world.deliveries.pages(URL)) == 1
    with world.store.reading() as work:
        act = work.changes.find(TENANT, latest(world))
    assert act is not None
    assert act.type is ChangeType.SUBSCRIBER_DISABLED
    assert act.shown()["changed"]["disabled_reason"] == [None, "gone"]
    assert holds(world) == []


def test_409_stops_delivery_and_holds_the_tenants_sends(caplog: pytest.LogCaptureFixture):
    world = World()
    world.connect()
    other = subscribe(world, "another")
    record(world, PAID)
    subscriber = subscribe(world)
    world.deliveries.answers = [409]
    with caplog.at_level(logging.ERROR):
        deliver(world, subscriber)
    assert now_is(world, subscriber).disabled_reason is DisabledReason.HISTORY_CHANGED
    with world.store.reading() as work:
        assert is_held(work.recoveries.holds_of(TENANT), world.account_id)
        assert not is_held(work.recoveries.holds_of(other.tenant_id), world.account_id)
    assert [record.message for record in caplog.records] == ["subscriber disabled"]


def test_a_receiver_of_a_history_that_was_ended_here_holds_nothing():
    world = World()
    world.connect()
    record(world, PAID)
    subscriber = subscribe(world)
    deliver(world, subscriber)
    with world.store.writing() as work:
        work.changes.begin_log(TENANT)
        work.commit()
    record(world, PAID)
    world.deliveries.answers = [409]
    deliver(world, subscriber)
    assert now_is(world, subscriber).disabled_reason is DisabledReason.HISTORY_CHANGED
    assert holds(world) == []


def test_five_days_without_a_success_disable_and_enabling_loses_nothing():
    world = World()
    record(world, PAID)
    subscriber = subscribe(world)
    world.deliveries.answering = lambda _url, _message: Answer(status=500)
    while now_is(world, subscriber).enabled:
        world.clock.advance(now_is(world, subscriber).next_attempt_at - world.clock.now())
        deliver(world, subscriber)
    disabled = now_is(world, subscriber)
    assert disabled.disabled_reason is DisabledReason.FAILING
    assert disabled.disabled_at is not None
    assert timedelta(days=5) <= disabled.disabled_at - subscriber.created_at < timedelta(days=5, hours=6)
    record(world, SENT)
    world.deliveries.answering = lambda _url, _message: Answer(status=204)
    world.deliveries.posted.clear()
    world.bridge.subscribers.update(TENANT, subscriber.id, {"enabled": True})
    deliver(world, subscriber)
    [page] = world.deliveries.pages(URL)
    assert sequences(page)[0] == 1
    assert page["data"][-1]["type"] == "invoice.sent"


def test_only_one_delivers_at_a_time():
    world = World()
    record(world, PAID)
    subscriber = subscribe(world)

    def meanwhile(_url: str, _message: Message) -> Answer:
        deliver(world, subscriber)
        return Answer(status=200)

    world.deliveries.answering = meanwhile
    deliver(world, subscriber)
    assert len(world.deliveries.pages(URL)) == 1


def test_who_was_too_slow_changes_nothing_any_more(caplog: pytest.LogCaptureFixture):
    world = World()
    record(world, PAID)
    subscriber = subscribe(world)

    def takes_too_long(_url: str, _message: Message) -> Answer:
        world.deliveries.answering = lambda _url, _message: Answer(status=200)
        world.clock.advance(LEASE)
        deliver(world, subscriber)
        return Answer(status=410)

    world.deliveries.answering = takes_too_long
    deliver(world, subscriber)
    assert now_is(world, subscriber).enabled
    assert now_is(world, subscriber).after == 1
    assert "subscriber lease lost" in caplog.messages


@pytest.mark.parametrize("status", [200, 410, 409, 500])
@pytest.mark.parametrize("change", ["resume", "url", "delete", "disable"])
def test_what_is_changed_during_a_request_counts(status: int, change: str):
    world = World()
    record(world, PAID, PAID)
    subscriber, subscribers = subscribe(world), world.bridge.subscribers

    def meanwhile(_url: str, _message: Message) -> Answer:
        world.deliveries.answering = lambda _url, _message: Answer(status=200)
        match change:
            case "resume":
                subscribers.resume(TENANT, subscriber.id, 1)
            case "url":
                subscribers.update(TENANT, subscriber.id, {"url": f"{URL}/new"})
            case "delete":
                subscribers.delete(TENANT, subscriber.id)
            case "disable":
                subscribers.update(TENANT, subscriber.id, {"enabled": False})
        return Answer(status=status)

    world.deliveries.answering = meanwhile
    deliver(world, subscriber)
    if change == "delete":
        assert subscribers.list(TENANT) == []
        return
    if change == "disable":
        now = now_is(world, subscriber)
        assert not now.enabled
        assert now.disabled_reason is DisabledReason.REQUESTED
        assert now.after == (2 if status == 200 else 0)
        return
    deliver(world, subscriber)
    assert now_is(world, subscriber).enabled
    new = world.deliveries.pages(f"{URL}/new" if change == "url" else URL)[-1]
    assert (new["after"], sequences(new)) == ((0, [1, 2]) if change == "url" else (1, [2]))


def test_a_secret_that_no_key_opens_sends_nothing():
    world = World()
    record(world, PAID)
    subscriber = subscribe(world)
    with world.store.writing() as work:
        found = work.subscribers.get(TENANT, subscriber.id, lock=True)
        work.subscribers.save(replace(found, sealed_secret="sealed(another):x"))
        work.commit()
    deliver(world, subscriber)
    assert world.deliveries.pages(URL) == []
    assert now_is(world, subscriber).last_error == "Its secret cannot be opened: rotate it."


def test_stopping_gives_the_lease_back_before_the_next_page():
    world = World()
    record(world, *[PAID] * 4)
    subscriber = subscribe(world, max_batch=1)
    world.bridge.subscribers.deliver(subscriber.id, lambda: len(world.deliveries.pages(URL)) >= 2)
    stopped = now_is(world, subscriber)
    assert (stopped.after, stopped.lease) == (2, None)
    deliver(world, subscriber)
    assert [sequences(page) for page in world.deliveries.pages(URL)] == [[1], [2], [3], [4]]


def test_after_a_page_that_is_not_full_others_may_come_together():
    world = World()
    record(world, PAID)
    subscriber = subscribe(world)
    lingered: list[float] = []

    def linger(seconds: float) -> None:
        lingered.append(seconds)
        if len(lingered) == 1:
            record(world, SENT, SENT)

    world.bridge.subscribers.deliver(subscriber.id, linger=linger)
    assert [len(page["data"]) for page in world.deliveries.pages(URL)] == [1, 2]
    assert len(lingered) == 2


def test_due_are_those_for_whom_there_is_something():
    world = World()
    subscriber = subscribe(world)
    assert world.bridge.subscribers.find_due(10).healthy == [subscriber.id]
    deliver(world, subscriber)
    assert world.bridge.subscribers.find_due(10).healthy == []
    record(world, PAID)
    assert world.bridge.subscribers.find_due(10).healthy == [subscriber.id]
    assert world.deliveries.pages(URL) == []


def dying(adapters: Adapters, after: int) -> Adapters:
    """The process is killed at its n-th commit or answer from now on."""
    store, left = adapters.store, [after]

    def die() -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    class Dying:
        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def writing(self) -> Any:
            die()
            return store.writing()

    class DyingDeliveries:
        def check(self, url: str) -> None:
            adapters.deliveries.check(url)

        def post(self, *given: Any) -> Answer:
            answer = adapters.deliveries.post(*given)
            die()
            return answer

    return replace(adapters, store=Dying(), deliveries=DyingDeliveries())


steps = st.lists(
    st.one_of(
        st.tuples(st.just("record"), st.lists(st.sampled_from([PAID, SENT, ACT]), min_size=1, max_size=4)),
        st.tuples(st.just("fail"), st.lists(st.sampled_from([200, 500, 503, 302, 0]), max_size=3)),
        st.tuples(st.just("kill"), st.integers(1, 5)),
        st.tuples(st.just("lose_the_database")),
        st.tuples(st.just("deliver")),
        st.tuples(st.just("wait"), st.integers(1, 20_000)),
    ),
    max_size=25,
)


class Story:
    """What happens to one subscriber, and to the workers that deliver to it."""

    def __init__(self, batch: int, types: tuple[str, ...] | None) -> None:
        self.world = World()
        self.subscriber = subscribe(self.world, max_batch=batch, types=types)
        self.receiver = ChainingReceiver()
        self.failures: list[int] = []
        self.world.deliveries.answering = self.answer

    def answer(self, url: str, message: Message) -> Answer:
        status = self.failures.pop(0) if self.failures else 200
        if status == 200:
            return answer_of(self.receiver, self.world, url, message)
        if status == 0:
            # It took the page, but its answer is lost.
            self.receiver.take(self.world.deliveries.pages(url)[-1])
            raise REFUSED
        return Answer(status=status)

    def deliver(self) -> None:
        deliver(self.world, self.subscriber)

    def record(self, types: list[ChangeType]) -> None:
        record(self.world, *types)

    def fail(self, statuses: list[int]) -> None:
        self.failures = list(statuses)

    def wait(self, seconds: int) -> None:
        self.world.clock.advance(seconds=seconds)

    def lose_the_database(self) -> None:
        self.world.store.is_available = False
        with pytest.raises(StoreUnavailable):
            self.deliver()
        self.world.store.is_available = True

    def kill(self, after: int) -> None:
        self.world.restart(lambda adapters: dying(adapters, after))
        with suppress(Killed):
            self.deliver()
        self.world.restart()


@settings(max_examples=150)
@given(steps, st.integers(1, 4), st.sampled_from([None, ("invoice.paid",), ("invoice.*", "token.*")]))
def test_whatever_fails_and_whoever_dies_the_receiver_ends_with_all_of_it_in_order(history, batch, types):
    story = Story(batch, types)
    for step, *given_ in history:
        getattr(story, step)(*given_)
    story.fail([])
    for _ in range(3):
        story.world.clock.advance(A_DAY)
        story.deliver()
    with story.world.store.reading() as work:
        log = work.changes.page(TENANT, 0, 1000)
    wanted = {None: {PAID, SENT}, ("invoice.paid",): {PAID}}.get(types, {PAID, SENT, ACT})
    assert story.receiver.held == [entry.shown() for entry in log if entry.type in wanted]
    assert now_is(story.world, story.subscriber).enabled
