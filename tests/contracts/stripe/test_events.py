"""What Stripe's list of events promises, tested with the fake and with the emulator behind the real adapter."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stripe_bridge.domain.webhook_event import parse_event
from stripe_bridge.ports.stripe.errors import AccessRevoked
from tests.contracts.stripe_worlds import BY_TOKEN, EMULATED, FAKE, World

EVER = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(params=[FAKE, EMULATED, BY_TOKEN])
def world(request: pytest.FixtureRequest, wire_log: Path) -> Iterator[World]:
    with request.param(wire_log) as world:
        yield world


def updates(world: World, account: str, since: datetime = EVER) -> list[dict[str, Any]]:
    listed = [json.loads(body) for page in world.events.pages_since(account, since) for body in page]
    return [event for event in listed if event["type"] == "customer.updated"]


def test_events_are_bodies_as_webhooks_have_them_with_their_account(world: World):
    account = world.connect_account()
    world.make_events(account, 1)

    pages = list(world.events.pages_since(account, EVER))

    for body in pages[0]:
        event = parse_event(body)
        assert (event.account, event.livemode) == (account, False)


def test_all_pages_are_listed_newest_first_each_event_once(world: World):
    account = world.connect_account()
    world.make_events(account, 205)

    pages = list(world.events.pages_since(account, EVER))

    listed = updates(world, account)
    assert len(listed) == 205
    assert len({event["id"] for event in listed}) == 205
    assert [event["created"] for event in listed] == sorted(
        (event["created"] for event in listed), reverse=True
    )
    assert len(pages) == 3
    assert max(len(page) for page in pages) == 100


def test_a_page_is_asked_for_when_it_is_wanted(world: World):
    account = world.connect_account()
    world.make_events(account, 105)

    pages = world.events.pages_since(account, EVER)
    first = next(pages)
    world.make_events(account, 1)
    second = next(pages)

    assert len(first) == 100
    assert not {json.loads(body)["id"] for body in first} & {json.loads(body)["id"] for body in second}


def test_older_events_are_left_out(world: World):
    account = world.connect_account()
    world.make_events(account, 1)

    assert updates(world, account, datetime.now(UTC) - timedelta(minutes=5))
    assert not updates(world, account, datetime.now(UTC) + timedelta(minutes=5))


def test_another_accounts_events_are_not_listed(world: World):
    account, other = world.connect_account(), world.connect_account()
    world.make_events(account, 1)

    assert not updates(world, other)


def test_an_account_that_left_lists_nothing(world: World):
    account = world.connect_account()
    world.revoke(account)

    with pytest.raises(AccessRevoked):
        list(world.events.pages_since(account, EVER))
