"""API versions: accounts and endpoints have their own, and events are rendered in the one in force."""

import re
from typing import Any

import pytest
import requests
import stripe

from stripe_emulator.snapshots import difference
from stripe_emulator.versions import CHANGES, CURRENT, KNOWN, OLDEST, rendered
from tests.emulator.conftest import client_of
from tests.emulator.shop import Shop
from tests.waiting import wait_until

NO_PAYMENT = {
    "amount_paid_off_stripe": 0,
    "application_fee_amount": None,
    "charge": None,
    "payment_intent": None,
}


@pytest.fixture
def old_shop(emulator, platform):
    """A connected merchant whose account has the oldest version as its default."""
    account = emulator.control.create_account("Old Shop", connected=True, api_version=OLDEST)
    return Shop(emulator.control, platform, account["id"])


def listen(platform, receiver, version, *types, connect=True):
    given = {"url": receiver.url, "connect": connect, "enabled_events": list(types)}
    return platform.v1.webhook_endpoints.create(
        given if version is None else {**given, "api_version": version}
    )


def out_of_band(shop):
    invoice = shop.open(500)
    shop.v1.invoices.pay(invoice.id, {"paid_out_of_band": True}, shop.options)
    return invoice


def paid_amounts(invoice):
    return {
        name: invoice.get(name) for name in ("paid", "paid_out_of_band", "amount_paid", "amount_remaining")
    }


def the_object(event):
    """The object of a listed event, as plain data."""
    return event.data.object.to_dict()


def test_an_invoice_paid_out_of_band_looked_unpaid_before_basil_and_has_the_amount_now(
    platform, shop, receiver
):
    listen(platform, receiver, "2024-06-20", "invoice.paid")
    listen(platform, receiver, CURRENT, "invoice.paid")
    out_of_band(shop)
    found = {event["api_version"]: event["data"]["object"] for event in receiver.wait_for(2)}
    assert paid_amounts(found["2024-06-20"]) == {
        "paid": True,
        "paid_out_of_band": True,
        "amount_paid": 0,
        "amount_remaining": 500,
    }
    assert paid_amounts(found[CURRENT]) == {
        "paid": None,
        "paid_out_of_band": None,
        "amount_paid": 500,
        "amount_remaining": 0,
    }
    assert "paid" not in found[CURRENT]
    assert found["2024-06-20"]["status"] == found[CURRENT]["status"] == "paid"


def test_a_list_of_events_answers_in_the_accounts_version_whatever_the_caller_asks_for(emulator, old_shop):
    out_of_band(old_shop)
    answer = requests.get(
        f"{emulator.url}/v1/events?type=invoice.paid",
        headers={
            "Authorization": f"Bearer {emulator.settings.secret_key}",
            "Stripe-Account": old_shop.account,
            "Stripe-Version": stripe.api_version,
        },
        timeout=60,
    ).json()
    [event] = answer["data"]
    assert event["api_version"] == OLDEST
    assert paid_amounts(event["data"]["object"])["paid_out_of_band"] is True
    [same] = old_shop.events(type="invoice.paid")
    assert old_shop.v1.events.retrieve(same.id, {}, old_shop.options).api_version == OLDEST
    assert old_shop.read(event["data"]["object"]["id"]).amount_paid == 500


def test_an_upgrade_changes_only_the_events_after_it(emulator, old_shop):
    out_of_band(old_shop)
    changed = requests.post(
        f"{emulator.url}/_emulator/accounts/{old_shop.account}/api-version",
        json={"api_version": CURRENT},
        timeout=60,
    )
    assert changed.json()["api_version"] == CURRENT
    out_of_band(old_shop)
    before, after = old_shop.events(type="invoice.paid")
    assert (before.api_version, after.api_version) == (OLDEST, CURRENT)
    assert (before.data.object.amount_paid, after.data.object.amount_paid) == (0, 500)


def test_an_account_shows_its_version_which_is_the_current_one_unless_chosen(emulator):
    old = emulator.control.create_account("Old", api_version="2022-11-15")["id"]
    new = emulator.control.create_account("New")["id"]
    versions = {account["id"]: account["api_version"] for account in emulator.control.objects("accounts")}
    assert (versions[old], versions[new]) == ("2022-11-15", CURRENT)


def test_an_endpoint_without_a_version_gets_what_its_accounts_default_is(emulator, platform, shop, receiver):
    platform_account = emulator.control.objects("accounts")[0]["id"]
    emulator.control.set_api_version(platform_account, "2022-11-15")
    created = listen(platform, receiver, None, "invoice.paid")
    assert created.api_version is None
    out_of_band(shop)
    [event] = receiver.wait_for(1)
    assert (event["api_version"], event["account"]) == ("2022-11-15", shop.account)
    assert paid_amounts(event["data"]["object"])["amount_paid"] == 0
    [listed] = shop.events(type="invoice.paid")
    assert listed.api_version == CURRENT
    emulator.control.set_api_version(platform_account, CURRENT)
    out_of_band(shop)
    assert [event["api_version"] for event in receiver.wait_for(2)] == ["2022-11-15", CURRENT]


def test_an_accounts_own_endpoint_follows_the_accounts_version(make_emulator, receiver):
    emulator = make_emulator(allow_account_endpoints=True)
    account = emulator.control.create_account("Old Shop", connected=True, api_version="2024-06-20")
    shop = Shop(emulator.control, client_of(emulator, emulator.settings.secret_key), account["id"])
    given: Any = {"url": receiver.url, "enabled_events": ["invoice.paid"]}
    shop.v1.webhook_endpoints.create(given, shop.options)
    out_of_band(shop)
    [event] = receiver.wait_for(1)
    assert event["api_version"] == "2024-06-20"
    assert "account" not in event


@pytest.mark.parametrize("version", ["2024-06-21", "2025-03-31", "2019-12-03", "latest", ""])
def test_unknown_versions_and_those_before_the_table_are_refused(emulator, platform, shop, receiver, version):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        listen(platform, receiver, version, "invoice.paid")
    assert refusal.value.param == "api_version"
    for url in ("accounts", f"accounts/{shop.account}/api-version"):
        answer = requests.post(f"{emulator.url}/_emulator/{url}", json={"api_version": version}, timeout=60)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "api_version")


def test_every_version_since_the_oldest_is_known_up_to_the_packages_own():
    assert KNOWN[-1] == CURRENT == stripe.api_version
    assert {OLDEST, "2022-11-15", "2024-06-20", "2025-03-31.basil"} <= set(KNOWN)
    assert list(KNOWN) == sorted(KNOWN)


def test_every_change_names_a_version_and_a_public_source_and_the_newest_comes_first():
    assert {change.version for change in CHANGES} <= set(KNOWN)
    assert all(re.match("https://(docs.stripe.com|github.com/stripe)/", change.source) for change in CHANGES)
    versions = [change.version for change in CHANGES]
    assert versions == sorted(versions, reverse=True)


def test_the_current_version_shows_an_object_as_it_is_and_rendering_changes_nothing_given(shop):
    body = shop.read(shop.paid(500).id).to_dict()
    before = repr(body)
    assert rendered(body, NO_PAYMENT, CURRENT) == body
    assert rendered(body, NO_PAYMENT, OLDEST) != body
    assert repr(body) == before


def test_what_was_only_added_stays_in_every_version(shop):
    body = shop.read(shop.paid(500).id).to_dict()
    for version in KNOWN[KNOWN.index(OLDEST) :]:
        assert set(body) <= set(rendered(body, NO_PAYMENT, version)), version


def test_before_basil_an_invoice_named_its_payment_and_the_payment_its_invoice(old_shop):
    invoice = old_shop.paid(500)
    [payment] = old_shop.payments(invoice.id)
    intent, charge = payment.payment.payment_intent, old_shop.charge_of(invoice.id).id
    seen = {event.type: the_object(event) for event in old_shop.events()}
    assert seen["invoice.created"]["payment_intent"] is None
    assert seen["payment_intent.created"]["invoice"] == invoice.id
    assert (seen["invoice.finalized"]["payment_intent"], seen["invoice.finalized"]["charge"]) == (
        intent,
        None,
    )
    paid = seen["invoice.paid"]
    assert (paid["payment_intent"], paid["charge"], paid["paid"], paid["paid_out_of_band"]) == (
        intent,
        charge,
        True,
        False,
    )
    assert (paid["amount_paid"], paid["amount_remaining"]) == (500, 0)
    assert seen["charge.succeeded"]["invoice"] == seen["payment_intent.succeeded"]["invoice"] == invoice.id
    assert {"subscription", "quote", "tax", "discount", "transfer_data", "application_fee_amount"} <= set(
        paid
    )


def test_before_basil_lines_had_a_price_and_taxes_were_tax_amounts(old_shop):
    draft = old_shop.draft()
    rate = {"display_name": "VAT", "percentage": "20", "inclusive": False}
    tax = {"amount": 100, "taxable_amount": 500, "tax_rate_data": rate}
    lines: Any = [{"amount": 500, "description": "Chair", "tax_amounts": [tax]}]
    old_shop.v1.invoices.add_lines(draft.id, {"lines": lines}, old_shop.options)
    invoice = old_shop.finalize(draft.id)
    [event] = old_shop.events(type="invoice.finalized")
    seen, current = the_object(event), invoice.lines.data[0]
    assert (seen["tax"], seen["total"]) == (100, 600)
    [amount] = seen["total_tax_amounts"]
    assert (amount["amount"], amount["inclusive"], amount["taxable_amount"]) == (100, False, 500)
    [shown] = seen["lines"]["data"]
    assert (shown["price"]["id"], shown["price"]["unit_amount"]) == (current.pricing.price_details.price, 500)
    assert (shown["type"], shown["proration"], shown["plan"]) == ("invoiceitem", False, None)
    assert shown["invoice_item"] == current.parent.invoice_item_details.invoice_item
    assert shown["tax_amounts"] == seen["total_tax_amounts"]
    assert (shown["amount_excluding_tax"], shown["unit_amount_excluding_tax"]) == (500, "500")


@pytest.mark.parametrize(("version", "has_refunds"), [("2022-08-01", True), ("2022-11-15", False)])
def test_charges_contained_their_refunds_and_intents_their_charges_before_2022_11_15(
    emulator, platform, version, has_refunds
):
    account = emulator.control.create_account("Shop", connected=True, api_version=version)["id"]
    shop = Shop(emulator.control, platform, account)
    invoice = shop.paid(500)
    refund = shop.control.refund(shop.charge_of(invoice.id).id, 100)
    shop.control.refund(shop.charge_of(invoice.id).id, 50)
    charges = [the_object(event) for event in shop.events(type="charge.refunded")]
    [intent] = [the_object(event) for event in shop.events(type="payment_intent.succeeded")]
    assert ["refunds" in charge for charge in charges] == [has_refunds] * 2
    assert ("charges" in intent) == has_refunds
    if has_refunds:
        assert [len(charge["refunds"]["data"]) for charge in charges] == [1, 2]
        assert charges[0]["refunds"]["data"][0]["id"] == refund["id"]
        [inside] = intent["charges"]["data"]
        assert (inside["id"], inside["invoice"], inside["refunds"]["data"]) == (
            intent["latest_charge"],
            invoice.id,
            [],
        )


def test_before_basil_a_credit_note_named_one_refund(old_shop):
    invoice = old_shop.paid(500)
    note = old_shop.control.credit(invoice.id, 100, refund_amount=100)
    [event] = old_shop.events(type="credit_note.created")
    seen = the_object(event)
    assert seen["refund"] == note["refunds"][0]["refund"]
    assert seen["tax_amounts"] == []


def test_a_checkout_session_showed_its_shipping_elsewhere(old_shop):
    old_shop.control.finish_checkout(invoice=old_shop.open(500).id)
    [event] = old_shop.events(type="checkout.session.completed")
    seen = the_object(event)
    assert (seen["shipping"], seen["shipping_details"], seen["shipping_rate"]) == (None, None, None)


def test_the_modes_of_a_checkout_session_had_other_names_before_dahlia():
    session = {"object": "checkout.session", "ui_mode": "hosted_page"}
    assert rendered(session, {}, "2026-02-25.clover")["ui_mode"] == "hosted"
    assert rendered(session, {}, "2026-03-25.dahlia")["ui_mode"] == "hosted_page"


def test_previous_attributes_speak_the_events_version_too(old_shop):
    invoice = out_of_band(old_shop)
    event = old_shop.events(type="invoice.updated")[-1]
    previous = event.data.previous_attributes.to_dict()
    assert (previous["paid"], previous["paid_out_of_band"], previous["status"]) == (False, False, "open")
    assert "amount_paid" not in previous
    assert event.data.object.id == invoice.id


def test_previous_attributes_name_what_an_object_only_then_named(old_shop):
    invoice = old_shop.open(500)
    old_shop.control.pay(invoice.id)
    charge = old_shop.charge_of(invoice.id)
    for amount in (100, 50):
        old_shop.control.refund(charge.id, amount)
    finalized, paid = [
        event.data.previous_attributes.to_dict() for event in old_shop.events(type="invoice.updated")[-2:]
    ]
    refunds = [
        event.data.previous_attributes.to_dict()["refunds"]
        for event in old_shop.events(type="charge.refunded")
    ]
    assert (finalized["payment_intent"], "charge" in finalized) == (None, False)
    assert (paid["charge"], paid["amount_paid"], "payment_intent" in paid) == (None, 0, False)
    assert [before["total_count"] for before in refunds] == [0, 1]


def test_no_event_shows_the_amount_paid_off_stripe(shop, old_shop):
    for merchant in (shop, old_shop):
        invoice = out_of_band(merchant)
        assert merchant.read(invoice.id).amount_paid_off_stripe == 500
        for event in merchant.events():
            assert "amount_paid_off_stripe" not in event.data.object
            previous = getattr(event.data, "previous_attributes", None)
            assert previous is None or "amount_paid_off_stripe" not in previous


@pytest.mark.parametrize("default", [CURRENT, OLDEST])
def test_an_event_is_sent_again_in_the_version_of_an_endpoint_that_is_younger_than_it(
    emulator, platform, receiver, default
):
    account = emulator.control.create_account("Shop", connected=True, api_version=default)["id"]
    shop = Shop(emulator.control, platform, account)
    out_of_band(shop)
    [event] = shop.events(type="invoice.paid")
    for version in ("2024-06-20", CURRENT):
        listen(platform, receiver, version, "invoice.paid")
    emulator.control.redeliver(event.id)
    found = {one["api_version"]: one["data"]["object"]["amount_paid"] for one in receiver.wait_for(2)}
    assert found == {"2024-06-20": 0, CURRENT: 500}


def test_a_snapshot_in_another_version_never_changes(emulator, platform, shop, receiver):
    emulator.control.misbehave({"deliveries": {"hold": True}})
    listen(platform, receiver, OLDEST, "charge.succeeded")
    invoice = shop.paid(500)
    shop.control.refund(shop.charge_of(invoice.id).id, 100)
    emulator.control.misbehave({})
    emulator.control.release()
    [event] = receiver.wait_for(1)
    assert event["data"]["object"]["refunds"]["data"] == []


def test_a_delivery_shows_its_version_and_state_keeps_all_of_it(make_emulator, receiver, tmp_path):
    first = make_emulator(data_dir=tmp_path)
    platform = client_of(first, first.settings.secret_key)
    account = first.control.create_account("Shop", connected=True, api_version="2024-06-20")["id"]
    shop = Shop(first.control, platform, account)
    listen(platform, receiver, OLDEST, "invoice.paid")
    first.control.misbehave({"deliveries": {"hold": True}})
    out_of_band(shop)
    [delivery] = first.control.objects("deliveries")
    assert delivery["api_version"] == OLDEST
    first.emulator.deliverer.stop()
    first.emulator.close()
    second = make_emulator(data_dir=tmp_path)
    again = Shop(second.control, client_of(second, second.settings.secret_key), account)
    assert [event.api_version for event in again.events(type="invoice.paid")] == ["2024-06-20"]
    second.control.release()
    [event] = receiver.wait_for(1)
    assert (event["api_version"], event["data"]["object"]["paid_out_of_band"]) == (OLDEST, True)
    wait_until(lambda: second.control.objects("deliveries")[0]["status"] == "delivered")
    out_of_band(again)
    assert again.events(type="invoice.paid")[-1].api_version == "2024-06-20"


def test_a_version_changes_nothing_about_accounts_disputes_and_refunds(shop):
    invoice = shop.paid(500)
    refund = shop.control.refund(shop.charge_of(invoice.id).id, 100)
    dispute = shop.control.dispute(shop.charge_of(shop.paid(500).id).id)
    for body in (refund, dispute, shop.control.objects("accounts")[-1]):
        assert difference(body, rendered(body, {}, OLDEST)) == {}
