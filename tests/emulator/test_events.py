"""Events: what they contain, and how to find them."""

import pytest
import stripe

from stripe_emulator.snapshots import difference


def test_an_event_names_its_version_and_the_request_that_caused_it(shop):
    customer = shop.v1.customers.create({"name": "A"}, shop.keyed("my-key"))
    [event] = shop.events()
    assert (event.type, event.api_version) == ("customer.created", stripe.api_version)
    assert event.request.id == customer.last_response.request_id
    assert event.request.idempotency_key == "my-key"
    assert event.data.object.id == customer.id
    assert event.livemode is False


def test_a_key_that_the_sdk_made_up_is_echoed_and_a_deletion_has_none(shop):
    draft = shop.draft(100)
    shop.v1.invoices.delete(draft.id, {}, shop.options)
    events = {event.type: event for event in shop.events()}
    assert events["invoice.created"].request.idempotency_key
    assert events["invoice.deleted"].request.idempotency_key is None
    assert events["invoice.deleted"].request.id


def test_an_account_does_not_hear_that_its_events_are_its_own(shop):
    shop.customer()
    [event] = shop.events()
    assert "account" not in event
    assert "account" not in shop.v1.events.retrieve(event.id, {}, shop.options)
    assert shop.control.objects("events")[-1]["account"] == shop.account


def test_the_platforms_own_events_carry_no_account(platform):
    platform.v1.customers.create({"name": "A"})
    [event] = platform.v1.events.list().data
    assert "account" not in event


def test_previous_attributes_hold_exactly_what_changed(shop):
    customer = shop.customer(name="Old", metadata={"a": "1", "b": "2"})
    shop.v1.customers.update(customer.id, {"name": "New", "metadata": {"b": "3"}}, shop.options)
    shop.v1.customers.update(customer.id, {"name": "New"}, shop.options)
    [event] = shop.events(type="customer.updated")
    assert event.data.previous_attributes.to_dict() == {"name": "Old", "metadata": {"b": "2"}}


def test_a_difference_goes_into_hashes_and_takes_lists_whole():
    before = {"same": 1, "gone": 2, "hash": {"x": 1, "y": 1}, "list": [1]}
    after = {"same": 1, "hash": {"x": 1, "y": 2}, "list": [1, 2], "new": 3}
    assert difference(before, after) == {"gone": 2, "hash": {"y": 1}, "list": [1], "new": None}


def test_an_events_snapshot_never_changes(shop):
    customer = shop.customer(name="Old")
    shop.v1.customers.update(customer.id, {"name": "New"}, shop.options)
    assert shop.events(type="customer.created")[0].data.object.name == "Old"


def test_the_events_of_an_invoices_life_come_in_order(shop):
    invoice = shop.send(shop.open(500, customer=shop.customer().id).id)
    types = [event.type for event in shop.events() if event.type.startswith(("invoice", "payment_intent"))]
    assert types == [
        "invoice.created",
        "invoice.updated",
        "payment_intent.created",
        "invoice.finalized",
        "invoice.updated",
        "invoice.sent",
    ]
    shop.v1.invoices.void_invoice(invoice.id, {}, shop.options)
    assert shop.event_types()[-3:] == ["payment_intent.canceled", "invoice.voided", "invoice.updated"]


def test_events_are_listed_by_type_and_by_types(shop):
    shop.paid(500)
    assert [event.type for event in shop.events(type="invoice.paid")] == ["invoice.paid"]
    several = shop.events(types=["invoice.paid", "charge.succeeded"])
    assert [event.type for event in several] == ["charge.succeeded", "invoice.paid"]
    with pytest.raises(stripe.InvalidRequestError):
        shop.events(types=["invoice.paid"] * 21)


def test_a_changed_account_emits_an_event(emulator, shop):
    emulator.control.change_account(shop.account, {"charges_enabled": False})
    [event] = shop.events(type="account.updated")
    assert event.data.object.id == shop.account
    assert event.data.previous_attributes.to_dict() == {"charges_enabled": True}


def test_events_are_listed_for_thirty_days(make_emulator):
    now = [1_800_000_000.0]
    emulator = make_emulator(clock=lambda: now[0])
    platform = stripe.StripeClient(emulator.settings.secret_key, base_addresses=emulator.base_addresses)
    platform.v1.customers.create({})
    now[0] += 30 * 24 * 3600
    assert len(platform.v1.events.list().data) == 1
    now[0] += 1
    assert platform.v1.events.list().data == []
