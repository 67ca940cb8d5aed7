"""Webhook endpoints, and the deliveries to them."""

import json
import socket
import time
from typing import Any

import pytest
import stripe

from tests.emulator.conftest import client_of
from tests.waiting import wait_until


def endpoint(client, receiver, **params):
    given = {"url": receiver.url, "enabled_events": ["*"], "api_version": stripe.api_version, **params}
    return client.v1.webhook_endpoints.create(given)


@pytest.fixture
def connected(platform, receiver):
    """A Connect endpoint at the receiver."""
    return endpoint(platform, receiver, connect=True)


def deliveries(emulator):
    return emulator.control.objects("deliveries")


def test_a_delivery_verifies_with_the_secret_that_only_the_creation_showed(
    platform, shop, receiver, connected
):
    shop.customer()
    receiver.wait_for(1)
    body, header = receiver.requests[0]
    event = platform.construct_event(body, header, connected.secret)
    assert (event.type, event.account) == ("customer.created", shop.account)
    assert "secret" not in platform.v1.webhook_endpoints.retrieve(connected.id)
    with pytest.raises(stripe.SignatureVerificationError):
        platform.construct_event(body, header, "whsec_other")


def test_platform_and_connect_endpoints_hear_of_different_accounts(platform, shop, receiver):
    with type(receiver)() as own:
        endpoint(platform, receiver, connect=True)
        endpoint(platform, own)
        shop.customer(name="Theirs")
        platform.v1.customers.create({"name": "Mine"})
        assert [event["data"]["object"]["name"] for event in receiver.wait_for(1)] == ["Theirs"]
        assert [event["data"]["object"]["name"] for event in own.wait_for(1)] == ["Mine"]
        assert "account" not in own.events[0]


def test_an_account_that_is_not_connected_is_not_heard(emulator, shop, receiver, connected):
    account = emulator.control.create_account("Stranger")
    client_of(emulator, account["secret_key"]).v1.customers.create({})
    shop.customer()
    receiver.wait_for(1)
    assert [event["account"] for event in receiver.events] == [shop.account]


def test_only_the_enabled_events_are_sent(platform, shop, receiver):
    endpoint(platform, receiver, connect=True, enabled_events=["invoice.paid", "charge.succeeded"])
    shop.paid(500)
    receiver.wait_for(2)
    assert sorted(receiver.types) == ["charge.succeeded", "invoice.paid"]


@pytest.mark.parametrize("status", [301, 302, 400, 500])
def test_anything_but_a_2xx_is_tried_again_with_a_fresh_signature(
    emulator, shop, receiver, connected, status
):
    receiver.answers = [status]
    shop.customer()
    receiver.wait_for(2)
    [delivery] = wait_until(lambda: [d for d in deliveries(emulator) if d["status"] == "delivered"])
    assert [attempt["status"] for attempt in delivery["attempts"]] == [status, 200]
    first, second = receiver.requests
    assert first[0] == second[0] or json.loads(first[0]) == json.loads(second[0])


def test_after_the_last_try_a_delivery_has_failed(emulator, shop, receiver, connected):
    receiver.answers = [500] * 4
    shop.customer()
    [delivery] = wait_until(lambda: [d for d in deliveries(emulator) if d["status"] == "failed"])
    assert len(delivery["attempts"]) == 4
    assert shop.events(delivery_success=False)
    assert not shop.events(delivery_success=True)


def test_a_receiver_that_is_not_there_is_noted_as_an_error(emulator, platform, shop):
    params = {"url": "http://127.0.0.1:9/", "enabled_events": ["*"], "connect": True}
    platform.v1.webhook_endpoints.create(params)
    shop.customer()
    [delivery] = wait_until(lambda: [d for d in deliveries(emulator) if d["attempts"]])
    assert delivery["attempts"][0] == {**delivery["attempts"][0], "status": None, "error": "ConnectionError"}


def test_pending_webhooks_count_down(emulator, shop, receiver, connected):
    receiver.answers = [500]
    shop.customer()
    receiver.wait_for(2)
    assert receiver.events[0]["pending_webhooks"] == 1
    wait_until(lambda: shop.events()[0].pending_webhooks == 0)


def test_a_disabled_or_deleted_endpoint_gets_nothing_more(emulator, platform, shop, receiver, connected):
    platform.v1.webhook_endpoints.update(connected.id, {"disabled": True})
    shop.customer()
    platform.v1.webhook_endpoints.update(connected.id, {"disabled": False})
    shop.customer(name="Heard")
    receiver.wait_for(1)
    platform.v1.webhook_endpoints.delete(connected.id)
    shop.customer()
    assert [delivery["status"] for delivery in deliveries(emulator)] in (["delivered"], ["pending"])
    assert [event["data"]["object"]["name"] for event in receiver.events] == ["Heard"]


def test_endpoints_on_connected_accounts_are_refused_in_stripes_words(emulator, platform, shop, receiver):
    params = {"url": receiver.url, "enabled_events": ["*"]}
    with pytest.raises(
        stripe.InvalidRequestError, match="You are not permitted to configure webhook endpoints"
    ):
        platform.v1.webhook_endpoints.create(params, shop.options)


def test_endpoints_on_connected_accounts_can_be_switched_on(make_emulator, receiver):
    emulator = make_emulator(allow_account_endpoints=True)
    platform = client_of(emulator, emulator.settings.secret_key)
    account = emulator.control.create_account("Shop", connected=True)["id"]
    params: Any = {"url": receiver.url, "enabled_events": ["*"]}
    platform.v1.webhook_endpoints.create(params, {"stripe_account": account})
    platform.v1.customers.create({}, {"stripe_account": account})
    assert "account" not in receiver.wait_for(1)[0]


def test_a_merchant_may_make_endpoints_with_its_own_key(emulator, receiver):
    account = emulator.control.create_account("Shop")
    merchant = client_of(emulator, account["secret_key"])
    endpoint(merchant, receiver)
    merchant.v1.customers.create({})
    assert receiver.wait_for(1)[0]["type"] == "customer.created"


def test_at_most_sixteen_endpoints(platform, receiver):
    for _ in range(16):
        endpoint(platform, receiver)
    with pytest.raises(stripe.InvalidRequestError, match="maximum of 16"):
        endpoint(platform, receiver)


def test_endpoints_refuse_what_is_no_url(platform, receiver):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        endpoint(platform, receiver, url="nowhere")
    assert refusal.value.param == "url"


def test_an_event_can_be_sent_again(emulator, shop, receiver, connected):
    shop.customer()
    [event] = receiver.wait_for(1)
    emulator.control.redeliver(event["id"])
    assert [again["id"] for again in receiver.wait_for(2)] == [event["id"]] * 2


def test_held_deliveries_go_out_in_the_order_that_is_asked_for(emulator, shop, receiver, connected):
    emulator.control.misbehave({"deliveries": {"hold": True}})
    shop.paid(500)
    events = {event.type: event.id for event in shop.events()}
    order = [events["invoice.paid"], events["charge.succeeded"], events["invoice.created"]]
    released = emulator.control.release(order)
    assert [event["id"] for event in receiver.events] == order
    assert [delivery["status"] for delivery in released] == ["delivered"] * 3
    emulator.control.release()
    assert len(receiver.requests) == len(shop.events())


def test_deliveries_can_be_duplicated_dropped_and_share_a_second(emulator, shop, receiver, connected):
    emulator.control.misbehave({"deliveries": {"duplicate": 1, "same_second": 1}})
    shop.paid(500)
    count = len(shop.events())
    receiver.wait_for(2 * count)
    assert len({event.created for event in shop.events()}) == 1
    emulator.control.misbehave({"deliveries": {"drop": 1}})
    shop.customer()
    assert deliveries(emulator)[-1]["status"] == "dropped"
    assert len(shop.events()) == count + 1
    assert len(receiver.requests) == 2 * count


def test_deliveries_can_overtake_one_another(emulator, shop, receiver, connected):
    emulator.control.misbehave({"seed": 1, "deliveries": {"reorder": 1, "reorder_ms": 300}})
    for number in range(8):
        shop.customer(name=str(number))
    receiver.wait_for(8)
    names = [event["data"]["object"]["name"] for event in receiver.events]
    assert sorted(names) == list("01234567")
    assert names != sorted(names)


def test_a_receiver_that_never_answers_does_not_keep_the_emulator_from_stopping(make_emulator):
    emulator = make_emulator(delivery_timeout=60)
    platform = client_of(emulator, emulator.settings.secret_key)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        platform.v1.webhook_endpoints.create({"url": url, "enabled_events": ["*"]})
        platform.v1.customers.create({})
        connection, _ = silent.accept()
        started = time.monotonic()
        emulator.emulator.close()
        assert time.monotonic() - started < 10
        connection.close()


def test_once_waited_for_every_delivery_has_arrived_after_however_many_tries(
    emulator, shop, receiver, connected
):
    receiver.answers = [500, 302]
    shop.customer()

    waited = emulator.control.wait_for_deliveries()

    assert [one["status"] for one in waited] == ["delivered"]
    assert len(receiver.requests) == len(waited[0]["attempts"]) == 3


def test_what_was_given_up_is_not_waited_for(emulator, shop, platform):
    platform.v1.webhook_endpoints.create(
        {"url": "http://127.0.0.1:1/", "enabled_events": ["*"], "connect": True}
    )
    shop.customer()

    assert [one["status"] for one in emulator.control.wait_for_deliveries()] == ["failed"]


def test_what_is_not_delivered_in_time_is_named(make_emulator, receiver):
    emulator = make_emulator(retry_base=60, retry_cap=60)
    client = client_of(emulator, emulator.settings.secret_key)
    endpoint(client, receiver)
    receiver.answers = [500]
    client.v1.customers.create({})

    with pytest.raises(TimeoutError, match=f"customer.created to {receiver.url}"):
        emulator.control.wait_for_deliveries(timeout=0.1)


def test_a_delivery_that_is_held_is_not_waited_for_until_it_is_released(emulator, shop, receiver, connected):
    emulator.control.misbehave({"deliveries": {"hold": True}})
    shop.customer()

    assert [one["status"] for one in emulator.control.wait_for_deliveries()] == ["held"]
    emulator.control.release()
    assert [one["status"] for one in emulator.control.wait_for_deliveries()] == ["delivered"]
