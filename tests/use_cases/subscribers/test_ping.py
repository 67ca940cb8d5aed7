"""Trying a subscriber out."""

import pytest

from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.subscriber import DeliveryType
from stripe_bridge.ports.deliveries import Answer, Message
from tests.builders import TENANT
from tests.fakes.deliveries import REFUSED
from tests.use_cases.subscribers.subscribed import URL, now_is, record, subscribe
from tests.world import World


def test_a_ping_has_no_data_and_moves_no_cursor():
    world = World()
    record(world, ChangeType.INVOICE_PAID)
    subscriber = subscribe(world, enabled=False)
    delivery = world.bridge.subscribers.ping(TENANT, subscriber.id)
    [page] = world.deliveries.pages(URL)
    assert (page["type"], page["data"]) == ("ping", [])
    assert set(page) == {"type", "timestamp", "data"}
    assert (delivery.type, delivery.status, delivery.error) == (DeliveryType.PING, 200, None)
    assert now_is(world, subscriber) == subscriber
    [kept] = world.bridge.subscribers.list_deliveries(TENANT, subscriber.id)
    assert kept.message_id == delivery.message_id


@pytest.mark.parametrize("answer", [409, 410, 500, REFUSED])
def test_a_ping_that_fails_says_why_and_changes_nothing(answer: int | Exception):
    world = World()
    subscriber = subscribe(world)
    world.deliveries.answers = [answer]
    delivery = world.bridge.subscribers.ping(TENANT, subscriber.id)
    assert delivery.error
    assert now_is(world, subscriber) == subscriber


def test_one_that_is_deleted_meanwhile_is_pinged_all_the_same():
    world = World()
    subscriber = subscribe(world)

    def meanwhile(_url: str, _message: Message) -> Answer:
        world.bridge.subscribers.delete(TENANT, subscriber.id)
        return Answer(status=200)

    world.deliveries.answering = meanwhile
    assert world.bridge.subscribers.ping(TENANT, subscriber.id).status == 200
