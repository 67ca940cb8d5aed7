"""New secrets, and what signs meanwhile."""

from dataclasses import replace
from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.ports.vault import WrongEncryptionKey
from stripe_bridge.use_cases.subscribers.manage import NewSubscriber
from tests.builders import TENANT
from tests.fakes.vault import FakeVault
from tests.use_cases.subscribers.subscribed import URL, now_is, record, subscribe
from tests.world import World


def signing_now(world: World) -> list[str]:
    record(world, ChangeType.INVOICE_PAID)
    [subscriber] = world.bridge.subscribers.list(TENANT)
    world.bridge.subscribers.deliver(subscriber.subscriber.id)
    _, secrets = world.deliveries.posted[URL][-1]
    return list(secrets)


def test_both_secrets_sign_for_a_day_and_the_new_one_alone_afterwards():
    world = World()
    view, first = world.bridge.subscribers.create(TENANT, NewSubscriber(url=URL))
    assert signing_now(world) == [first]
    _, second = world.bridge.subscribers.rotate_secret(TENANT, view.subscriber.id)
    assert len({first, second}) == 2
    assert signing_now(world) == [second, first]
    world.clock.advance(timedelta(hours=24))
    assert signing_now(world) == [second]


def test_a_secret_is_one_that_the_library_takes():
    _, secret = World().bridge.subscribers.create(TENANT, NewSubscriber(url=URL))
    assert len(Webhook(secret)._whsecret) == 32


def test_a_former_secret_that_no_key_opens_is_left_out():
    world = World()
    subscriber = subscribe(world)
    _, second = world.bridge.subscribers.rotate_secret(TENANT, subscriber.id)
    with world.store.writing() as work:
        found = work.subscribers.get(TENANT, subscriber.id, lock=True)
        work.subscribers.save(replace(found, sealed_former_secret="sealed(another):x"))
        work.commit()
    assert signing_now(world) == [second]


def test_a_process_with_another_key_makes_no_secret():
    world = World()
    subscriber = subscribe(world)
    world.restart(lambda adapters: replace(adapters, vault=FakeVault("another")))
    for attempt in (
        lambda: world.bridge.subscribers.rotate_secret(TENANT, subscriber.id),
        lambda: world.bridge.subscribers.create(TENANT, NewSubscriber(url=URL)),
    ):
        with pytest.raises(WrongEncryptionKey):
            attempt()
    assert now_is(world, subscriber) == subscriber
