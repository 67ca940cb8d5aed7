"""Registering, changing and removing subscribers, and what the log keeps of it."""

from dataclasses import replace
from typing import Any

import pytest

from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.errors.base import SubscriberNotFound
from stripe_bridge.domain.errors.rules import TooManySubscribers
from stripe_bridge.domain.errors.values import (
    ChangeTypeUnknown,
    CursorBeyondLatest,
    CursorPurged,
    UrlNotAllowed,
)
from stripe_bridge.domain.subscriber import MAX_SUBSCRIBERS, DisabledReason
from stripe_bridge.use_cases.subscribers.manage import NewSubscriber
from tests.builders import TENANT
from tests.use_cases.subscribers.subscribed import URL, latest, now_is, record, subscribe
from tests.world import World

PAID = ChangeType.INVOICE_PAID


def last_act(world: World) -> dict[str, Any]:
    with world.store.reading() as work:
        entry = work.changes.find(TENANT, latest(world))
    assert entry is not None
    return entry.shown()


def purge(world: World, oldest: int) -> None:
    heads = world.store.committed.change_heads.rows
    heads[TENANT] = replace(heads[TENANT], oldest=oldest)


def test_a_subscriber_begins_at_the_newest_change_or_where_it_asks():
    world = World()
    record(world, PAID, PAID, PAID)
    with world.store.reading() as work:
        hashes = {each.sequence: each.hash for each in work.changes.page(TENANT, 0, 10)}
    newest = subscribe(world, after=None)
    assert (newest.after, newest.after_hash, newest.examined) == (3, hashes[3], 3)
    chosen = subscribe(world, after=1)
    assert (chosen.after, chosen.after_hash, chosen.examined) == (1, hashes[1], 1)
    [first, second] = world.bridge.subscribers.list(TENANT)
    assert (first.behind, second.behind) == (2, 4)


def test_its_secret_is_told_once_and_sealed_at_rest():
    world = World()
    given = NewSubscriber(url=URL)
    view, secret = world.bridge.subscribers.create(TENANT, given)
    _, other = world.bridge.subscribers.create(TENANT, given)
    assert secret.startswith("whsec_")
    assert secret != other
    assert secret not in repr(now_is(world, view.subscriber))
    assert world.adapters.vault.open(view.subscriber.sealed_secret) == secret


def test_a_sixth_is_refused_and_nothing_is_resolved_for_it():
    world = World()
    for _ in range(MAX_SUBSCRIBERS):
        subscribe(world)
    with pytest.raises(TooManySubscribers):
        subscribe(world, url="http://never-looked-at.example/")
    subscribe(world, "another")


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"url": "http://erp.example/"}, UrlNotAllowed),
        ({"types": ("invoice.payed",)}, ChangeTypeUnknown),
        ({"types": ("invoice.*", "orders.*")}, ChangeTypeUnknown),
        ({"types": ("",)}, ChangeTypeUnknown),
        ({"after": 4}, CursorBeyondLatest),
        ({"after": 0}, CursorPurged),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_changed(given: dict[str, Any], error: type[Exception]):
    world = World()
    record(world, PAID, PAID, PAID)
    purge(world, 3)
    with pytest.raises(error):
        subscribe(world, **{"after": 2} | given)
    assert world.bridge.subscribers.list(TENANT) == []
    assert latest(world) == 3


def test_a_purged_cursor_is_refused_with_the_oldest_that_is_kept():
    world = World()
    record(world, PAID, PAID, PAID)
    subscriber = subscribe(world, after=0, enabled=False)
    purge(world, 3)
    for attempt in (
        lambda: world.bridge.subscribers.resume(TENANT, subscriber.id, 1),
        lambda: world.bridge.subscribers.update(TENANT, subscriber.id, {"enabled": True}),
    ):
        with pytest.raises(CursorPurged) as caught:
            attempt()
        assert caught.value.oldest == 3
        assert "3" in caught.value.message
    assert world.bridge.subscribers.resume(TENANT, subscriber.id, 2).subscriber.enabled


def test_every_step_is_an_act_without_a_secret():
    world = World()
    subscribers = world.bridge.subscribers
    secret_url = f"{URL}?key=s3cret"
    view, secret = subscribers.create(TENANT, NewSubscriber(url=secret_url, description="ERP"))
    id_ = view.subscriber.id
    steps = [
        (lambda: None, "subscriber.created"),
        (lambda: subscribers.update(TENANT, id_, {"max_batch": 7}), "subscriber.updated"),
        (lambda: subscribers.update(TENANT, id_, {"enabled": False}), "subscriber.disabled"),
        (lambda: subscribers.update(TENANT, id_, {"enabled": True}), "subscriber.updated"),
        (lambda: subscribers.rotate_secret(TENANT, id_), "subscriber.secret_rotated"),
        (lambda: subscribers.resume(TENANT, id_, 1), "subscriber.updated"),
        (lambda: subscribers.delete(TENANT, id_), "subscriber.deleted"),
    ]
    for step, type_ in steps:
        before = latest(world)
        step()
        act = last_act(world)
        assert act["type"] == type_
        assert act["subject"] == {"type": "subscriber", "id": id_}
        assert latest(world) == (before if type_ == "subscriber.created" else before + 1)
        for hidden in ("s3cret", secret, "sealed"):
            assert hidden not in str(act)


def test_an_update_says_what_it_changed_and_records_nothing_if_nothing():
    world = World()
    subscriber = subscribe(world)
    given = {"types": ("invoice.*",), "max_batch": 7, "description": "x", "url": f"{URL}/2"}
    view = world.bridge.subscribers.update(TENANT, subscriber.id, given)
    assert view.subscriber == now_is(world, subscriber)
    assert {name: getattr(view.subscriber, name) for name in given} == given
    assert last_act(world)["changed"] == {
        "types": [None, ["invoice.*"]],
        "max_batch": [100, 7],
        "description": ["", "x"],
        "url": [URL, f"{URL}/2"],
    }
    before = latest(world)
    world.bridge.subscribers.update(TENANT, subscriber.id, {**given, "enabled": True})
    assert latest(world) == before


def test_a_refused_update_changes_nothing():
    world = World()
    subscriber = subscribe(world)
    for given, error in (
        ({"url": "http://erp.example/", "max_batch": 7}, UrlNotAllowed),
        ({"types": ("nothing",), "max_batch": 7}, ChangeTypeUnknown),
    ):
        with pytest.raises(error):
            world.bridge.subscribers.update(TENANT, subscriber.id, given)
    assert now_is(world, subscriber) == subscriber


def test_one_may_begin_disabled():
    subscriber = subscribe(World(), enabled=False)
    assert (subscriber.enabled, subscriber.disabled_reason) == (False, DisabledReason.REQUESTED)


def test_another_tenants_is_not_found():
    world = World()
    subscriber = subscribe(world)
    subscribers = world.bridge.subscribers
    for attempt in (
        lambda: subscribers.show("another", subscriber.id),
        lambda: subscribers.update("another", subscriber.id, {"url": "https://x.example/"}),
        lambda: subscribers.update("another", subscriber.id, {"enabled": False}),
        lambda: subscribers.resume("another", subscriber.id, 0),
        lambda: subscribers.rotate_secret("another", subscriber.id),
        lambda: subscribers.ping("another", subscriber.id),
        lambda: subscribers.list_deliveries("another", subscriber.id),
        lambda: subscribers.delete("another", subscriber.id),
    ):
        with pytest.raises(SubscriberNotFound):
            attempt()
    assert now_is(world, subscriber) == subscriber
