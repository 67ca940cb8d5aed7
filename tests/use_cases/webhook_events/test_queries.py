"""Stored events, as callers and operators see them."""

import pytest

from stripe_bridge.domain.errors.base import WebhookEventNotFound
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.ports.storage.inbox import EventFilter
from tests.builders import TENANT, an_event_payload
from tests.world import World


@pytest.fixture
def event_id(world: World) -> int:
    """The id of an event that was applied."""
    world.paid()
    found: int = world.events_stored()[-1].id
    return found


def test_a_payload_is_shown_when_asked_for(world: World, event_id: int):
    assert world.bridge.webhook_events.show(TENANT, event_id, with_payload=False).payload is None
    assert world.bridge.webhook_events.show(TENANT, event_id, with_payload=True).payload


def test_another_tenants_event_is_not_shown(world: World, event_id: int):
    with pytest.raises(WebhookEventNotFound):
        world.bridge.webhook_events.show("other", event_id, with_payload=False)
    assert world.bridge.webhook_events.list("other", EventFilter(), PageRequest()).items == []


def test_events_are_listed_newest_first_without_their_payloads(world: World):
    sent = [world.receive(an_event_payload(id_=f"evt_{n}", account=world.account_id)) for n in range(3)]

    page = world.bridge.webhook_events.list(TENANT, EventFilter(), PageRequest())

    assert sent == [True, True, True]
    assert [event.stripe_event_id for event in page.items] == ["evt_2", "evt_1", "evt_0"]
    assert {event.payload for event in page.items} == {None}


def test_an_event_that_belongs_to_no_integration_is_in_operators_lists_only(world: World):
    world.receive(an_event_payload(id_="evt_1", account="acct_unknown"))

    of_tenant = world.bridge.webhook_events.list(TENANT, EventFilter(), PageRequest())
    of_all = world.bridge.webhook_events.list(None, EventFilter(), PageRequest())

    assert of_tenant.items == []
    assert [event.stripe_event_id for event in of_all.items] == ["evt_1"]
    assert world.bridge.webhook_events.show(None, of_all.items[0].id, with_payload=True).payload
