"""The clock can be moved, and what Stripe does as time passes happens then."""

import time

import pytest
import requests
import stripe

from stripe_emulator.errors import StripeError
from tests.emulator.conftest import client_of
from tests.emulator.shop import Shop
from tests.waiting import wait_until

DAY = 24 * 3600


def due_events(shop):
    return [event for event in shop.events() if event.type in ("invoice.will_be_due", "invoice.overdue")]


def test_the_clock_is_moved_and_shown_over_http(emulator):
    url = f"{emulator.url}/_emulator/clock"
    assert requests.get(url, timeout=60).json()["advanced_seconds"] == 0
    requests.post(url, json={"advance_seconds": DAY}, timeout=60)
    moved = requests.post(url, json={"advance_seconds": 60}, timeout=60).json()
    assert moved["advanced_seconds"] == DAY + 60
    assert moved["now"] - time.time() == pytest.approx(DAY + 60, abs=30)
    assert requests.get(url, timeout=60).json()["advanced_seconds"] == DAY + 60


@pytest.mark.parametrize(
    "given", [{"advance_seconds": -1}, {"advance_seconds": 1.5}, {"advance_seconds": "1"}, {}]
)
def test_the_clock_does_not_go_back_and_takes_whole_seconds(emulator, given):
    refused = requests.post(f"{emulator.url}/_emulator/clock", json=given, timeout=60)
    assert refused.status_code == 400
    assert emulator.control.clock()["advanced_seconds"] == 0


def test_what_is_made_after_the_clock_moved_is_that_much_younger(shop):
    before = shop.customer()
    shop.control.advance_clock(DAY)
    assert DAY <= shop.customer().created - before.created <= DAY + 2


def test_an_open_invoice_will_be_due_and_then_is_overdue_each_at_its_time_and_once(shop):
    invoice = shop.open(500, days_until_due=30)
    shop.control.advance_clock(26 * DAY)
    assert due_events(shop) == []
    shop.control.advance_clock(3 * DAY)
    [reminder] = due_events(shop)
    assert (reminder.type, reminder.created) == ("invoice.will_be_due", invoice.due_date - 3 * DAY)
    shop.control.advance_clock(10 * DAY)
    shop.control.advance_clock(DAY)
    [_, overdue] = due_events(shop)
    assert (overdue.type, overdue.created) == ("invoice.overdue", invoice.due_date)
    assert (overdue.data.object.id, overdue.data.object.status) == (invoice.id, "open")
    assert (overdue.request.id, overdue.request.idempotency_key) == (None, None)


def test_one_long_step_sends_the_same_events_in_the_same_order(shop):
    late, early = shop.open(500, days_until_due=20), shop.open(500, days_until_due=10)
    shop.control.advance_clock(25 * DAY)
    reported = [(event.type, event.data.object.id) for event in due_events(shop)]
    assert reported == [
        ("invoice.will_be_due", early.id),
        ("invoice.overdue", early.id),
        ("invoice.will_be_due", late.id),
        ("invoice.overdue", late.id),
    ]


def test_an_invoice_that_is_due_at_once_is_overdue_without_a_reminder(shop):
    shop.open(500, days_until_due=0)
    shop.control.advance_clock(0)
    assert [event.type for event in due_events(shop)] == ["invoice.overdue"]


def test_only_open_invoices_become_overdue(shop):
    paid, void, lost = shop.paid(500), shop.open(500), shop.open(500)
    shop.v1.invoices.void_invoice(void.id, {}, shop.options)
    shop.v1.invoices.mark_uncollectible(lost.id, {}, shop.options)
    draft = shop.draft(500)
    shop.control.advance_clock(40 * DAY)
    assert due_events(shop) == []
    statuses = [shop.read(one.id).status for one in (paid, void, lost, draft)]
    assert statuses == ["paid", "void", "uncollectible", "draft"]


def test_an_overdue_invoice_is_delivered_like_any_other_event_signed_with_the_real_time(
    platform, shop, receiver
):
    given = {"url": receiver.url, "connect": True, "enabled_events": ["invoice.overdue"]}
    endpoint = platform.v1.webhook_endpoints.create(given)
    invoice = shop.open(500)
    shop.control.advance_clock(31 * DAY)
    [event] = receiver.wait_for(1)
    assert (event["data"]["object"]["id"], event["account"]) == (invoice.id, shop.account)
    body, header = receiver.requests[0]
    signed_at = int(header.split(",")[0].removeprefix("t="))
    assert abs(signed_at - time.time()) < 60
    platform.construct_event(body, header, endpoint.secret, tolerance=300)


def test_a_retry_that_is_due_by_then_is_made(make_emulator, receiver):
    emulator = make_emulator(retry_base=3600, retry_cap=3600)
    platform = client_of(emulator, emulator.settings.secret_key)
    platform.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["customer.created"]})
    receiver.answers = [503]
    platform.v1.customers.create({})
    wait_until(lambda: len(emulator.control.objects("deliveries")[0]["attempts"]) == 1)
    emulator.control.advance_clock(3000)
    assert len(receiver.requests) == 1
    emulator.control.advance_clock(1000)
    assert len(receiver.wait_for(2)) == 2


def test_an_idempotency_key_expires_after_a_day(shop):
    first = shop.v1.customers.create({}, shop.keyed("k"))
    shop.control.advance_clock(DAY - 60)
    assert shop.v1.customers.create({}, shop.keyed("k")).id == first.id
    shop.control.advance_clock(60)
    assert shop.v1.customers.create({}, shop.keyed("k")).id != first.id


def test_events_leave_the_list_after_thirty_days(shop):
    shop.customer()
    shop.control.advance_clock(30 * DAY - 60)
    assert len(shop.events()) == 1
    shop.control.advance_clock(120)
    assert shop.events() == []


def test_an_oauth_code_expires_after_five_minutes(emulator, platform):
    address = platform.oauth.authorize_url({"scope": "read_write", "redirect_uri": "http://127.0.0.1:9/cb"})
    answer = requests.post(address, data={"decision": "approve"}, allow_redirects=False, timeout=60)
    code = answer.headers["Location"].partition("code=")[2].partition("&")[0]
    emulator.control.advance_clock(300)
    with pytest.raises(stripe.oauth_error.InvalidGrantError, match="expired"):
        platform.oauth.token({"grant_type": "authorization_code", "code": code})


def page(url, data=None):
    if data is None:
        return requests.get(url, timeout=60)
    return requests.post(url, data=data, timeout=60)


def test_a_pay_link_expires_thirty_days_after_the_due_date_and_offers_nothing_to_pay(shop):
    invoice = shop.open(500, days_until_due=30)
    shop.control.advance_clock(60 * DAY - 60)
    assert "Pay $5.00" in page(invoice.hosted_invoice_url).text
    shop.control.advance_clock(60)
    expired = page(invoice.hosted_invoice_url)
    assert expired.status_code == 410
    assert "This link has expired" in expired.text
    assert "support@shop.example" in expired.text
    assert "<form" not in expired.text
    assert page(invoice.hosted_invoice_url, {"outcome": "succeed"}).status_code == 410
    assert page(invoice.invoice_pdf).status_code == 410
    assert shop.read(invoice.id).status == "open"


def test_every_reading_brings_a_fresh_link_that_lasts_at_least_ten_days(shop):
    invoice = shop.open(500, days_until_due=30)
    shop.control.advance_clock(70 * DAY)
    for again in (shop.read(invoice.id), shop.v1.invoices.list({}, shop.options).data[0]):
        assert again.hosted_invoice_url != invoice.hosted_invoice_url
        assert "Pay $5.00" in page(again.hosted_invoice_url).text
        assert page(again.invoice_pdf).content.startswith(b"%PDF")
    expanded = shop.v1.invoice_payments.list({"expand": ["data.invoice"]}, shop.options).data[0].invoice
    assert "Pay $5.00" in page(expanded.hosted_invoice_url).text
    shown = shop.control.objects("invoices")[0]
    assert "Pay $5.00" in page(shown["hosted_invoice_url"]).text
    shop.control.advance_clock(10 * DAY - 60)
    assert page(again.hosted_invoice_url).status_code == 200
    shop.control.advance_clock(60)
    assert page(again.hosted_invoice_url).status_code == 410


def test_a_pay_link_lasts_no_longer_than_120_days_whatever_the_due_date(shop):
    invoice = shop.open(500, days_until_due=365)
    shop.control.advance_clock(120 * DAY - 60)
    assert page(invoice.hosted_invoice_url).status_code == 200
    shop.control.advance_clock(60)
    assert page(invoice.hosted_invoice_url).status_code == 410


def test_without_a_due_date_a_pay_link_expires_thirty_days_after_finalization(shop):
    invoice = shop.open(500, collection_method="charge_automatically", days_until_due=None)
    shop.control.advance_clock(30 * DAY)
    assert page(invoice.hosted_invoice_url).status_code == 410


def test_an_event_carries_a_link_made_when_it_happened(shop):
    invoice = shop.open(500, days_until_due=30)
    shop.control.advance_clock(65 * DAY)
    shop.control.pay(invoice.id)
    [paid] = shop.events(type="invoice.paid")
    assert page(paid.data.object.hosted_invoice_url).status_code == 200
    [updated] = [event for event in shop.events(type="invoice.updated") if event.created >= paid.created]
    assert "hosted_invoice_url" not in updated.data.previous_attributes


def test_a_forged_link_is_not_found(shop):
    invoice = shop.open(500)
    folder, _, last = invoice.hosted_invoice_url.rpartition("/")
    token = last.partition(".")[0]
    assert page(f"{folder}/{token}.soon").status_code == 404
    assert page(f"{folder}/nothing.{int(time.time())}").status_code == 404


def test_the_clock_and_the_reminders_sent_survive_a_restart_but_not_a_reset(make_emulator, tmp_path):
    first = make_emulator(data_dir=tmp_path)
    account = first.control.create_account("Shop", connected=True)["id"]
    shop = Shop(first.control, client_of(first, first.settings.secret_key), account)
    shop.open(500)
    first.control.advance_clock(29 * DAY)
    first.emulator.deliverer.stop()
    first.emulator.close()
    second = make_emulator(data_dir=tmp_path)
    assert second.control.clock()["advanced_seconds"] == 29 * DAY
    again = Shop(second.control, client_of(second, second.settings.secret_key), account)
    second.control.advance_clock(2 * DAY)
    assert [event.type for event in due_events(again)] == ["invoice.will_be_due", "invoice.overdue"]
    second.control.reset()
    assert second.control.clock()["advanced_seconds"] == 0


def test_events_that_became_due_while_the_emulator_was_stopped_are_sent_at_its_start(make_emulator, tmp_path):
    now = [1_800_000_000.0]
    first = make_emulator(data_dir=tmp_path, clock=lambda: now[0])
    account = first.control.create_account("Shop", connected=True)["id"]
    Shop(first.control, client_of(first, first.settings.secret_key), account).open(500)
    first.emulator.deliverer.stop()
    first.emulator.close()
    now[0] += 31 * DAY
    second = make_emulator(data_dir=tmp_path, clock=lambda: now[0])
    types = [event["type"] for event in second.control.objects("events")]
    assert types[-2:] == ["invoice.will_be_due", "invoice.overdue"]


def test_when_reminders_are_sent_can_be_set(make_emulator):
    emulator = make_emulator(will_be_due_days=7, overdue_days=2)
    account = emulator.control.create_account("Shop", connected=True)["id"]
    shop = Shop(emulator.control, client_of(emulator, emulator.settings.secret_key), account)
    invoice = shop.open(500)
    shop.control.advance_clock(33 * DAY)
    assert [event.created - invoice.due_date for event in due_events(shop)] == [-7 * DAY, 2 * DAY]


def test_the_clock_is_not_moved_by_more_than_ten_years(emulator):
    with pytest.raises(StripeError, match="must be a whole number"):
        emulator.control.advance_clock(11 * 366 * DAY)
