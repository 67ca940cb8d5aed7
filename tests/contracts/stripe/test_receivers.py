from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stripe_bridge.domain.stripe_objects import WebhookEndpoint
from stripe_bridge.ports.stripe.errors import AccessRevoked, GatewayRefused, ObjectMissing, OutcomeUnknown
from stripe_bridge.ports.stripe.receivers import ReceiverGateway
from tests.contracts.stripe_worlds import BY_TOKEN, EMULATED, FAKE, World

URL = "https://bridge.test/api/webhooks/stripe"
EVENTS = frozenset({"invoice.paid", "invoice.sent"})


@pytest.fixture(params=[FAKE, EMULATED, BY_TOKEN])
def world(request: pytest.FixtureRequest, wire_log: Path) -> Iterator[World]:
    with request.param(wire_log) as world:
        yield world


@pytest.fixture
def gateway(world: World) -> ReceiverGateway:
    return world.receivers


def create(gateway: ReceiverGateway, **changes: Any) -> WebhookEndpoint:
    given: dict[str, Any] = {"account_id": None, "url": URL, "connect": True, "events": EVENTS}
    given |= {"metadata": {"bridge_intent": "r-1"}, "key": "key"}
    return gateway.create_endpoint(**(given | changes))


def test_an_endpoint_shows_its_secret_once(gateway: ReceiverGateway):
    made = create(gateway)

    (listed,) = gateway.endpoints(None)

    assert made.secret
    assert made.secret not in repr(made)
    assert listed.secret is None
    assert listed.id == made.id


def test_an_endpoint_is_as_asked_for(gateway: ReceiverGateway):
    made = create(gateway)

    assert (made.url, made.enabled_events, made.enabled) == (URL, EVENTS, True)
    assert made.api_version == gateway.api_version
    assert dict(made.metadata) == {"bridge_intent": "r-1"}
    assert not made.livemode


def test_the_same_key_makes_one_endpoint(gateway: ReceiverGateway):
    assert create(gateway) == create(gateway)

    assert len(gateway.endpoints(None)) == 1


def test_an_endpoint_whose_answer_was_lost_is_found_again(world: World, gateway: ReceiverGateway):
    world.lose_the_answer_of_the_next("create_endpoint")

    with pytest.raises(OutcomeUnknown):
        create(gateway)

    assert [dict(each.metadata) for each in gateway.endpoints(None)] == [{"bridge_intent": "r-1"}]


def test_repairing_points_an_endpoint_anew_and_enables_it(world: World, gateway: ReceiverGateway):
    made = create(gateway)
    world.disable(made.id)
    assert [each.enabled for each in gateway.endpoints(None)] == [False]

    repaired = gateway.repair_endpoint(
        account_id=None, endpoint_id=made.id, url=URL + "/new", events=frozenset({"invoice.voided"})
    )

    assert (repaired.id, repaired.url, repaired.enabled) == (made.id, URL + "/new", True)
    assert repaired.enabled_events == {"invoice.voided"}
    assert list(gateway.endpoints(None)) == [repaired]


def test_what_is_gone_cannot_be_repaired(gateway: ReceiverGateway):
    with pytest.raises(ObjectMissing):
        gateway.repair_endpoint(account_id=None, endpoint_id="we_gone", url=URL, events=EVENTS)


def test_deleting_an_endpoint_that_is_gone_is_success(gateway: ReceiverGateway):
    made = create(gateway)

    for _ in range(2):
        gateway.delete_endpoint(account_id=None, endpoint_id=made.id)

    assert list(gateway.endpoints(None)) == []


def test_there_is_room_for_sixteen(gateway: ReceiverGateway):
    for number in range(16):
        create(gateway, key=f"key-{number}")

    with pytest.raises(GatewayRefused):
        create(gateway, key="one-too-many")

    assert len(gateway.endpoints(None)) == 16


def test_a_connected_account_takes_no_endpoint_of_the_platforms(world: World, gateway: ReceiverGateway):
    account = world.connect_account()

    with pytest.raises(GatewayRefused) as caught:
        create(gateway, account_id=account, connect=False)

    assert type(caught.value) is GatewayRefused


def test_a_connected_account_does_not_show_the_platform_its_endpoints(world: World, gateway: ReceiverGateway):
    account = world.connect_account()

    for refused in (
        lambda: gateway.endpoints(account),
        lambda: gateway.delete_endpoint(account_id=account, endpoint_id="we_1"),
        lambda: gateway.repair_endpoint(account_id=account, endpoint_id="we_1", url=URL, events=EVENTS),
    ):
        with pytest.raises(GatewayRefused) as caught:
            refused()
        assert type(caught.value) is GatewayRefused


def test_a_revoked_account_shows_no_endpoints(world: World, gateway: ReceiverGateway):
    account = world.connect_account()
    world.revoke(account)

    with pytest.raises(AccessRevoked):
        gateway.endpoints(account)
