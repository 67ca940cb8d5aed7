"""The pages by which people do what merchants, customers and banks do."""

import html
import re

import pytest
import requests

from stripe_emulator.dashboard_pages import ACTIONS, FAULTS

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def get(emulator, path):
    return requests.get(f"{emulator.url}{path}", headers=BROWSER, timeout=5)


def page_of(emulator, invoice):
    return get(emulator, f"/dashboard/invoices/{invoice}").text


def forms_in(page):
    """The fields of each form."""
    return [
        dict(re.findall(r'name="([^"]*)" value="([^"]*)"', form))
        for form in re.findall(r"<form.*?</form>", page, flags=re.DOTALL)
    ]


def press(emulator, invoice, **fields):
    return requests.post(f"{emulator.url}/dashboard/invoices/{invoice}", data=fields, timeout=5).text


def opened(shop):
    return shop.open(5_000).id


def processing(shop):
    invoice = shop.open(5_000).id
    shop.control.pay(invoice, "processing")
    return invoice


def paid(shop):
    return shop.paid(5_000).id


def refunded_in_part(shop):
    invoice = shop.paid(5_000).id
    shop.control.refund(shop.charge_of(invoice).id, 1_000)
    return invoice


def refund_pending(shop):
    shop.control.misbehave({"refunds": {"status": "pending"}})
    return refunded_in_part(shop)


def charged_back(shop):
    invoice = shop.paid(5_000).id
    shop.control.dispute(shop.charge_of(invoice).id)
    return invoice


def asked_about(shop):
    invoice = shop.paid(5_000).id
    shop.control.dispute(shop.charge_of(invoice).id, "inquiry")
    return invoice


def uncollectible(shop):
    invoice = shop.open(5_000).id
    shop.control.mark_uncollectible(invoice)
    return invoice


STATES = (
    opened,
    processing,
    paid,
    refunded_in_part,
    refund_pending,
    charged_back,
    asked_about,
    uncollectible,
)


@pytest.mark.parametrize("make", STATES)
def test_every_button_that_an_invoice_offers_does_something(emulator, shop, make):
    offered = len(forms_in(page_of(emulator, make(shop))))
    assert offered >= 1
    for number in range(offered):
        invoice = make(shop)
        fields = forms_in(page_of(emulator, invoice))[number]
        before = len(emulator.control.objects("events"))
        press(emulator, invoice, **fields)
        assert len(emulator.control.objects("events")) > before, fields


def test_together_the_states_offer_every_action(emulator, shop):
    offered = {form["action"] for make in STATES for form in forms_in(page_of(emulator, make(shop)))}
    assert offered == set(ACTIONS)


def test_nothing_asks_to_pay_or_void_an_invoice_while_a_bank_decides(emulator, shop):
    invoice = processing(shop)
    assert {form["action"] for form in forms_in(page_of(emulator, invoice))} == {"settle"}
    start = get(emulator, "/").text
    assert f"/dashboard/invoices/{invoice}" in start
    assert "processing" in start
    assert '<input type="hidden" name="action" value="pay">' not in start
    assert (
        "Pay $50.00" not in get(emulator, f"/{shop.read(invoice).hosted_invoice_url.split('/', 3)[3]}").text
    )


def test_an_open_invoice_is_paid_from_the_start_page(emulator, shop):
    invoice = opened(shop)
    assert '<input type="hidden" name="action" value="pay">' in get(emulator, "/").text
    press(emulator, invoice, action="pay")
    assert shop.read(invoice).status == "paid"


def test_an_amount_can_be_refunded_and_a_refusal_is_shown_in_stripes_words(emulator, shop):
    invoice = paid(shop)
    charge = shop.charge_of(invoice).id
    assert "is succeeded" in press(emulator, invoice, action="refund", charge=charge, amount="1200")
    assert shop.charge_of(invoice).amount_refunded == 1_200
    refused = press(emulator, invoice, action="refund", charge=charge, amount="4000")
    assert "is greater than unrefunded amount on charge ($38.00)" in refused
    assert "whole number" in press(emulator, invoice, action="refund", charge=charge, amount="12.50")
    assert shop.charge_of(invoice).amount_refunded == 1_200


def test_what_is_not_an_action_is_refused(emulator, shop):
    assert "must be one of pay, settle" in press(emulator, opened(shop), action="invent")


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_started_and_ended_by_a_button(emulator, name):
    assert html.escape(FAULTS[name].label) in get(emulator, "/").text
    requests.post(f"{emulator.url}/dashboard/misbehavior", data={"fault": name}, timeout=5)
    assert emulator.control.misbehavior()["setting"] == FAULTS[name].setting
    assert "End it" in get(emulator, "/").text
    requests.post(f"{emulator.url}/dashboard/misbehavior", timeout=5)
    assert emulator.control.misbehavior()["setting"] == {}
    assert "End it" not in get(emulator, "/").text


def test_held_events_are_released_by_a_button(emulator, platform, shop, receiver):
    platform.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"], "connect": True})
    emulator.control.misbehave({"deliveries": {"hold": True}})
    opened(shop)
    assert "held event" in get(emulator, "/").text
    released = requests.post(f"{emulator.url}/dashboard/deliveries/release", timeout=5)
    assert "Events sent" in released.text
    assert "held event" not in get(emulator, "/").text
    assert "invoice.finalized" in receiver.types


@pytest.mark.parametrize("path", ["/nowhere", "/i/acct_1/x", "/dashboard/invoices/in_1", "/receipts/ch_1"])
def test_an_unknown_page_says_where_one_is(emulator, path):
    for_people = get(emulator, path)
    assert for_people.status_code == 404
    assert '<a href="/">start page</a>' in for_people.text
    for_programs = requests.get(f"{emulator.url}{path}", timeout=5)
    assert for_programs.status_code == 404
    assert f"{emulator.url}/" in for_programs.json()["error"]["message"]


def test_every_page_has_an_icon_and_what_it_shows_is_escaped(emulator, shop):
    message = "?message=<script>alert(1)</script>"
    for path in ("/", f"/dashboard/invoices/{opened(shop)}"):
        page = get(emulator, path + message).text
        assert "<script>" not in page
        (icon,) = re.findall(r'rel="icon" href="([^"]+)"', page)
        assert get(emulator, icon).headers["Content-Type"].startswith("image/svg+xml")
    assert get(emulator, "/favicon.ico").headers["Content-Type"].startswith("image/svg+xml")
