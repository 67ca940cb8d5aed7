"""The emulator held against recordings of the real Stripe: recorded.toml says what was seen, and where."""

import pathlib
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.emulator.conftest import client_of, error_code
from tests.emulator.shop import Shop

RECORDED = tomllib.loads(pathlib.Path(__file__).with_name("recorded.toml").read_text())
SHAPES = RECORDED["shapes"]


def _two_cursors(shop: Shop, first: str | None = None) -> object:
    older, newer = shop.customer().id, shop.customer().id
    return shop.v1.customers.list({"starting_after": first or newer, "ending_before": older}, shop.options)


def _pending(shop: Shop) -> str:
    invoice = shop.open(500).id
    shop.control.pay(invoice, outcome="processing")
    return invoice


def _finalized_update(shop: Shop) -> object:
    return shop.v1.invoices.update(shop.open().id, {"description": "x"}, shop.options)


def _twice(act: Callable[..., object], *arguments: Any) -> object:
    act(*arguments)
    return act(*arguments)


def _uncollectible_twice(shop: Shop) -> object:
    return _twice(shop.v1.invoices.mark_uncollectible, shop.open().id, {}, shop.options)


def _void_and_pay(shop: Shop) -> object:
    void = shop.v1.invoices.void_invoice(shop.open().id, {}, shop.options)
    return shop.v1.invoices.pay(void.id, {"paid_out_of_band": True}, shop.options)


def _closed_twice(shop: Shop) -> object:
    dispute = shop.control.dispute(shop.charge_of(shop.paid().id).id)["id"]
    return _twice(shop.v1.disputes.close, dispute, {}, shop.options)


def _nothing_back(shop: Shop) -> object:
    given: Any = {"payment_intent": shop.charge_of(shop.paid().id).payment_intent, "amount": 0}
    return shop.v1.refunds.create(given, shop.options)


REFUSED: dict[str, Callable[[Shop], object]] = {
    "both_cursors": _two_cursors,
    "a_bad_cursor_before_both_cursors": lambda shop: _two_cursors(shop, "cus_nobody"),
    "expanding_without_data": lambda shop: shop.v1.invoices.list({"expand": ["customer"]}, shop.options),
    "no_due_date": lambda shop: shop.draft(days_until_due=None),
    "a_due_date_without_sending": lambda shop: shop.draft(collection_method="charge_automatically"),
    "no_email": lambda shop: shop.draft(customer=shop.customer(email=None).id),
    "sending_a_paid_invoice": lambda shop: shop.send(shop.paid().id),
    "changing_a_finalized_invoice": _finalized_update,
    "adding_lines_to_a_finalized_invoice": lambda shop: shop.add_lines(shop.open().id, 5),
    "marking_uncollectible_twice": _uncollectible_twice,
    "voiding_a_paid_invoice": lambda shop: shop.v1.invoices.void_invoice(shop.paid().id, {}, shop.options),
    "paying_a_void_invoice": _void_and_pay,
    "a_pending_payment": lambda shop: shop.v1.invoices.void_invoice(_pending(shop), {}, shop.options),
    "refunding_nothing": _nothing_back,
    "closing_a_closed_dispute": _closed_twice,
    "an_account_without_access": lambda shop: shop.v1.accounts.retrieve("acct_fake_account"),
    "endpoints_of_a_connected_account": lambda shop: shop.v1.webhook_endpoints.list({}, shop.options),
}


def test_every_recorded_refusal_is_tried():
    assert set(REFUSED) == set(RECORDED["refusals"])


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_has_the_recorded_words(shop, name):
    with pytest.raises(stripe.StripeError) as refusal:
        REFUSED[name](shop)
    recorded: dict[str, Any] = {**RECORDED["refusals"][name]}
    del recorded["source"]
    body: Any = refusal.value.json_body
    error = body["error"]
    shown = {key: error.get(key) for key in ("type", "code", "message", "param") if key in error}
    shown["message"] = shown["message"].replace(shop.account, "acct_shop")
    assert {"status": refusal.value.http_status, **shown} == recorded


def _without_links(invoice: stripe.Invoice) -> dict[str, Any]:
    """They are made anew whenever the invoice is read, and say when."""
    links = {"hosted_invoice_url", "invoice_pdf"}
    return {name: value for name, value in invoice.to_dict().items() if name not in links}


@pytest.mark.parametrize("act", ["pay", "mark_uncollectible", "void_invoice"])
def test_while_a_payment_is_pending_an_invoice_is_neither_paid_nor_written_off_nor_voided(shop, act):
    invoice = _pending(shop)
    before = _without_links(shop.read(invoice))
    given: Any = {"paid_out_of_band": True} if act == "pay" else {}
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        getattr(shop.v1.invoices, act)(invoice, given, shop.options)
    assert refusal.value.user_message == RECORDED["refusals"]["a_pending_payment"]["message"]
    assert _without_links(shop.read(invoice)) == before
    shop.control.settle_processing(invoice, "fail")
    getattr(shop.v1.invoices, act)(invoice, given, shop.options)


def test_lists_inside_objects_have_a_total_and_pages_do_not(shop):
    draft = shop.draft(*range(100, 112))
    assert list(draft.lines.to_dict()) == SHAPES["nested_list"]
    assert (len(draft.lines.data), draft.lines.has_more, draft.lines["total_count"]) == (10, True, 12)
    assert shop.draft().lines["total_count"] == 0
    invoice = shop.finalize(draft.id)
    shop.control.pay(invoice.id)
    read = shop.read(invoice.id, "payments")
    assert (read.lines["total_count"], read.payments["total_count"]) == (12, 1)
    charge = shop.v1.charges.retrieve(shop.charge_of(invoice.id).id, {"expand": ["refunds"]}, shop.options)
    assert list(charge.refunds.to_dict()) == SHAPES["nested_list"]
    for page in (
        shop.v1.invoices.list({}, shop.options),
        shop.v1.invoices.line_items.list(invoice.id, {}, shop.options),
    ):
        assert list(page.to_dict()) == SHAPES["page"]


def test_both_cursors_are_refused_for_an_invoices_lines_too(shop):
    invoice = shop.draft(100, 200)
    first, last = (line.id for line in invoice.lines.data)
    given: Any = {"starting_after": first, "ending_before": last}
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        shop.v1.invoices.line_items.list(invoice.id, given, shop.options)
    assert refusal.value.user_message == RECORDED["refusals"]["both_cursors"]["message"]


def test_a_line_shows_what_was_prorated(shop):
    [line] = shop.draft(100).lines.data
    details = line.parent.invoice_item_details.proration_details.to_dict()
    assert {key: "null" if value is None else value for key, value in details.items()} == SHAPES[
        "proration_details"
    ]


def test_a_decline_shows_the_whole_payment_method(shop):
    invoice = shop.open(500)
    shop.control.pay(invoice.id, outcome="decline")
    [payment] = shop.payments(invoice.id, expand=["data.payment.payment_intent"])
    intent: Any = payment.payment.payment_intent
    error = intent.last_payment_error.to_dict()
    assert sorted(error) == sorted(SHAPES["last_payment_error"])
    assert error["doc_url"] == "https://stripe.com/docs/error-codes/card-declined"
    assert sorted(error["payment_method"]) == sorted(SHAPES["payment_method"])
    assert sorted(error["payment_method"]["card"]) == sorted(SHAPES["card"])
    assert intent.payment_method is None
    attempt = shop.charge_of(invoice.id)
    assert error["payment_method"]["id"] == attempt.payment_method
    assert error["payment_method"]["billing_details"]["email"] == invoice.customer_email


def test_a_failed_bank_debit_shows_the_whole_bank_account(shop):
    invoice = _pending(shop)
    shop.control.settle_processing(invoice, "fail")
    [payment] = shop.payments(invoice, expand=["data.payment.payment_intent"])
    error: Any = payment.payment.payment_intent.last_payment_error
    assert error.doc_url == "https://stripe.com/docs/error-codes/insufficient-funds"
    assert (error.payment_method.type, error.payment_method.us_bank_account.last4) == (
        "us_bank_account",
        "6789",
    )


def test_a_refund_does_not_show_what_does_not_apply_to_it(emulator, shop):
    made = shop.v1.refunds.create({"charge": shop.charge_of(shop.paid().id).id}, shop.options)
    assert sorted(made.to_dict()) == sorted(SHAPES["succeeded_refund"])
    assert "reference" not in made.destination_details.card
    emulator.control.misbehave({"refunds": {"status": "pending"}})
    pending = shop.v1.refunds.create({"charge": shop.charge_of(shop.paid().id).id}, shop.options)
    assert pending.pending_reason == "processing"
    failed = shop.control.change_refund(pending.id, "failed", "declined")
    assert (failed["failure_reason"], "pending_reason" in failed) == ("declined", False)


def test_new_metadata_of_a_refund_emits_both_events(shop):
    made = shop.v1.refunds.create({"charge": shop.charge_of(shop.paid().id).id}, shop.options)
    count = len(shop.events())
    shop.v1.refunds.update(made.id, {"metadata": {"k": "v"}}, shop.options)
    shown = shop.events()[count:]
    assert [event.type for event in shown] == ["refund.updated", "charge.refund.updated"]
    for event in shown:
        assert event.data.object["metadata"].to_dict() == {"k": "v"}
        assert event.data.previous_attributes.to_dict() == {"metadata": {"k": None}}
    shop.v1.refunds.update(made.id, {"metadata": {"k": "v"}}, shop.options)
    assert len(shop.events()) == count + 2


def test_a_test_mode_signature_has_a_v0_that_cannot_be_verified(platform, shop, receiver):
    endpoint: Any = {"url": receiver.url, "connect": True, "enabled_events": ["customer.created"]}
    secret = platform.v1.webhook_endpoints.create(endpoint).secret
    shop.customer()
    receiver.wait_for(1)
    body, signature = receiver.requests[0]
    schemes = dict(part.split("=") for part in signature.split(","))
    assert list(schemes) == RECORDED["signatures"]["schemes"]
    assert len(schemes["v0"]) == len(schemes["v1"])
    assert schemes["v0"] != schemes["v1"]
    assert platform.construct_event(body, signature, secret).type == "customer.created"
    with pytest.raises(stripe.SignatureVerificationError):
        platform.construct_event(body, f"t={schemes['t']},v0={schemes['v1']}", secret)


@pytest.mark.parametrize("act", ["list", "retrieve", "update", "delete"])
def test_a_platform_sees_none_of_its_connected_accounts_endpoints(emulator, shop, receiver, act):
    [key] = [a["secret_key"] for a in emulator.control.objects("accounts") if a["id"] == shop.account]
    merchant = client_of(emulator, key)
    given: Any = {"url": receiver.url, "enabled_events": ["*"]}
    own = merchant.v1.webhook_endpoints.create(given)
    ids = [] if act == "list" else [own.id]
    with pytest.raises(stripe.PermissionError) as refusal:
        getattr(shop.v1.webhook_endpoints, act)(*ids, {}, shop.options)
    recorded = RECORDED["refusals"]["endpoints_of_a_connected_account"]
    assert (refusal.value.http_status, error_code(refusal.value)) == (recorded["status"], recorded["code"])
    assert [each.id for each in merchant.v1.webhook_endpoints.list().data] == [own.id]
