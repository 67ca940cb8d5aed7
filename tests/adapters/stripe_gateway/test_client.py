"""How a call reaches Stripe: for which account, in which version, how often."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest
import stripe

from stripe_bridge.adapters.stripe_gateway import snapshots
from stripe_bridge.adapters.stripe_gateway.connect import StripeConnectGateway
from stripe_bridge.adapters.stripe_gateway.invoices import StripeInvoiceGateway
from stripe_bridge.adapters.stripe_gateway.receivers import StripeReceiverGateway
from stripe_bridge.adapters.stripe_gateway.refunds import StripeRefundGateway
from stripe_bridge.domain.sales_order import InvoiceLine
from stripe_bridge.ports.stripe.errors import GatewayMisconfigured, OutcomeUnknown
from stripe_bridge.ports.stripe.invoices import InvoiceDraft
from stripe_bridge.ports.stripe.refunds import RefundDraft
from stripe_bridge.ports.vault import SealBroken
from tests.adapters.stripe_gateway.scripted_stripe import INVOICE, SECRET_KEY, Answer, Cut, ScriptedStripe

REFUND = {
    "id": "re_1",
    "object": "refund",
    "status": "succeeded",
    "amount": 5,
    "currency": "eur",
    "created": 1,
}
SINCE = datetime(2026, 11, 23, 12, tzinfo=UTC)
ENDPOINT = {
    "id": "we_1",
    "object": "webhook_endpoint",
    "url": "https://bridge.test/hooks",
    "status": "enabled",
    "livemode": False,
    "enabled_events": ["*"],
}


def test_a_call_for_an_account_is_the_platforms_in_that_accounts_name(stripe_says: ScriptedStripe):
    stripe_says.will(Answer(body=INVOICE))

    StripeInvoiceGateway(stripe_says.access()).void("acct_1", "in_1", "key-1")

    (request,) = stripe_says.requests
    assert request.headers["Authorization"] == f"Bearer {SECRET_KEY}"
    assert request.headers["Stripe-Account"] == "acct_1"
    assert request.headers["Idempotency-Key"] == "key-1"


def test_an_accounts_token_stands_in_for_the_platforms_key(stripe_says: ScriptedStripe):
    stripe_says.will(Answer(body=INVOICE), Answer(body=INVOICE))
    tokens = {"acct_1": "sk_test_token"}
    gateway = StripeInvoiceGateway(stripe_says.access(), tokens.get)

    gateway.void("acct_1", "in_1", "key")
    gateway.void("acct_without_token", "in_1", "key")

    with_token, without = stripe_says.requests
    assert with_token.headers["Authorization"] == "Bearer sk_test_token"
    assert "Stripe-Account" not in with_token.headers
    assert without.headers["Authorization"] == f"Bearer {SECRET_KEY}"
    assert without.headers["Stripe-Account"] == "acct_without_token"


def test_every_page_of_a_list_is_asked_for_with_the_same_token(stripe_says: ScriptedStripe):
    page = {"object": "list", "url": "/v1/invoice_payments", "has_more": True, "data": [payment("inpay_1")]}
    last = page | {"has_more": False, "data": [payment("inpay_2")]}
    stripe_says.will(Answer(body=page), Answer(body=last))

    found = StripeInvoiceGateway(stripe_says.access(), lambda _: "sk_test_token").payments_of(
        "acct_1", "in_1"
    )

    assert [each.id for each in found] == ["inpay_1", "inpay_2"]
    assert {request.headers["Authorization"] for request in stripe_says.requests} == {"Bearer sk_test_token"}
    assert "expand" in stripe_says.requests[1].path
    assert "starting_after=inpay_1" in stripe_says.requests[1].path


LOOKUPS: dict[str, tuple[Callable[[StripeInvoiceGateway], object], dict[str, object], object]] = {
    "find_customer": (
        lambda gateway: gateway.find_customer("acct_1", "a@b.test", "r-1"),
        {"id": "cus_9", "object": "customer", "metadata": {"bridge_intent": "r-1"}},
        "cus_9",
    ),
    "was_sent": (
        lambda gateway: gateway.was_sent("acct_1", "in_9", SINCE),
        {"id": "evt_9", "object": "event", "data": {"object": {"id": "in_9"}}},
        True,
    ),
    "find_invoice": (
        lambda gateway: gateway.find_invoice("acct_1", "cus_1", "r-1", SINCE),
        INVOICE | {"metadata": {"bridge_intent": "r-1"}},
        snapshots.invoice(
            stripe.Invoice.construct_from(INVOICE | {"metadata": {"bridge_intent": "r-1"}}, "key")
        ),
    ),
}


@pytest.mark.parametrize(("look", "wanted", "found"), LOOKUPS.values(), ids=LOOKUPS)
def test_what_stands_on_a_later_page_is_found(
    stripe_says: ScriptedStripe,
    look: Callable[[StripeInvoiceGateway], object],
    wanted: dict[str, object],
    found: object,
):
    other = wanted | {"id": "other", "metadata": {}, "data": {"object": {"id": "in_other"}}}
    page = {"object": "list", "url": "/v1/things", "has_more": True, "data": [other]}
    stripe_says.will(Answer(body=page), Answer(body=page | {"has_more": False, "data": [wanted]}))

    assert look(StripeInvoiceGateway(stripe_says.access())) == found
    assert all(request.headers["Stripe-Account"] == "acct_1" for request in stripe_says.requests)


@pytest.mark.parametrize("name", ["was_sent", "find_invoice"])
def test_looking_back_allows_for_a_clock_of_stripes_that_lags(stripe_says: ScriptedStripe, name: str):
    look, _, _ = LOOKUPS[name]
    stripe_says.will(Answer(body={"object": "list", "url": "/", "has_more": False, "data": []}))

    assert not look(StripeInvoiceGateway(stripe_says.access()))

    assert parse_qs(stripe_says.requests[0].path)["created[gte]"] == [str(int(SINCE.timestamp()) - 60)]


def payment(payment_id: str) -> dict[str, object]:
    made_by = {"type": "payment_intent", "payment_intent": "pi_1"}
    return {
        "id": payment_id,
        "object": "invoice_payment",
        "invoice": "in_1",
        "status": "open",
        "payment": made_by,
    }


@pytest.mark.parametrize("failure", [Cut(), Answer(500), Answer(409)])
def test_a_change_is_tried_once(stripe_says: ScriptedStripe, failure: Answer | Cut):
    stripe_says.will(failure)

    with pytest.raises(OutcomeUnknown):
        StripeInvoiceGateway(stripe_says.access(max_network_retries=2)).void("acct_1", "in_1", "key")

    assert len(stripe_says.requests) == 1


def test_redeeming_is_tried_once_in_the_platforms_own_name(stripe_says: ScriptedStripe):
    stripe_says.will(Cut())

    with pytest.raises(OutcomeUnknown):
        StripeConnectGateway(stripe_says.access(max_network_retries=2)).redeem("ac_1")

    (request,) = stripe_says.requests
    assert request.headers["Authorization"] == f"Bearer {SECRET_KEY}"
    assert "Stripe-Account" not in request.headers


def test_a_lookup_is_retried(stripe_says: ScriptedStripe):
    stripe_says.will(Cut(), Answer(body=INVOICE))

    found = StripeInvoiceGateway(stripe_says.access(max_network_retries=1)).invoice("acct_1", "in_1")

    assert found.id == "in_1"
    assert len(stripe_says.requests) == 2


def test_requests_and_endpoints_are_pinned_to_one_version(stripe_says: ScriptedStripe):
    stripe_says.will(Answer(body=ENDPOINT))
    gateway = StripeReceiverGateway(stripe_says.access())

    gateway.create_endpoint(
        account_id=None,
        url="https://bridge.test/hooks",
        connect=True,
        events=frozenset({"invoice.sent", "invoice.paid"}),
        metadata={},
        key="key",
    )

    (request,) = stripe_says.requests
    assert request.headers["Stripe-Version"] == request.form["api_version"] == gateway.api_version
    assert (request.form["enabled_events[0]"], request.form["connect"]) == ("invoice.paid", "true")


def test_no_telemetry_about_this_machine_is_sent(stripe_says: ScriptedStripe):
    stripe_says.will(Answer(body=INVOICE), Answer(body=INVOICE))
    gateway = StripeInvoiceGateway(stripe_says.access())

    gateway.invoice("acct_1", "in_1")
    gateway.invoice("acct_1", "in_1")

    for request in stripe_says.requests:
        shown = json.loads(request.headers["X-Stripe-Client-User-Agent"])
        assert not {"telemetry_id", "platform"} & shown.keys()
        assert "X-Stripe-Client-Telemetry" not in request.headers


def test_a_trailing_slash_in_an_address_does_no_harm(stripe_says: ScriptedStripe):
    slashed = stripe_says.url + "/"
    access = stripe_says.access(api_base=slashed, connect_base=slashed)
    stripe_says.will(Answer(body=INVOICE))

    StripeInvoiceGateway(access).invoice("acct_1", "in_1")
    url = StripeConnectGateway(access).authorize_url(state="s", redirect_uri="https://bridge.test/back")

    assert stripe_says.requests[0].path.startswith("/v1/invoices/in_1")
    assert url.startswith(f"{stripe_says.url}/oauth/authorize?")


def test_the_secret_key_does_not_show(stripe_says: ScriptedStripe):
    assert SECRET_KEY not in repr(stripe_says.access())


def test_a_draft_waits_for_us_and_takes_nothing_else_in(stripe_says: ScriptedStripe):
    stripe_says.will(Answer(body=INVOICE | {"status": "draft"}), Answer(body=INVOICE), Answer(body=INVOICE))
    gateway = StripeInvoiceGateway(stripe_says.access())
    draft = InvoiceDraft(
        customer_id="cus_1",
        currency="EUR",
        days_until_due=14,
        order_number="SO-7",
        metadata={"bridge_intent": "r-1"},
    )

    gateway.create_draft("acct_1", draft, "key-1")
    gateway.add_lines("acct_1", "in_1", [InvoiceLine(description="2 × Chair", amount=-5)], "key-2")
    gateway.finalize("acct_1", "in_1", "key-3")

    created, lines, finalized = stripe_says.requests
    assert created.form == {
        "customer": "cus_1",
        "currency": "eur",
        "collection_method": "send_invoice",
        "days_until_due": "14",
        "auto_advance": "false",
        "pending_invoice_items_behavior": "exclude",
        "custom_fields[0][name]": "Sales order",
        "custom_fields[0][value]": "SO-7",
        "metadata[bridge_intent]": "r-1",
    }
    assert lines.form == {"lines[0][amount]": "-5", "lines[0][description]": "2 × Chair"}
    assert finalized.form == {"auto_advance": "false", "expand[0]": "payments"}


def test_a_refund_names_its_payment_once_and_a_reason_only_where_there_is_one(stripe_says: ScriptedStripe):
    stripe_says.will(Answer(body=REFUND), Answer(body=REFUND))
    gateway = StripeRefundGateway(stripe_says.access())
    draft = RefundDraft(payment_intent_id="pi_1", charge_id="ch_1", amount=5, reason=None)
    by_charge = RefundDraft(
        payment_intent_id=None,
        charge_id="ch_1",
        amount=5,
        reason="requested_by_customer",
        metadata={"bridge_intent": "r-1"},
    )

    gateway.create_refund("acct_1", draft, "key-1")
    gateway.create_refund("acct_1", by_charge, "key-2")

    assert [request.form for request in stripe_says.requests] == [
        {"payment_intent": "pi_1", "amount": "5"},
        {
            "charge": "ch_1",
            "amount": "5",
            "reason": "requested_by_customer",
            "metadata[bridge_intent]": "r-1",
        },
    ]


def test_a_payment_that_stripe_does_not_find_has_no_refunds(stripe_says: ScriptedStripe):
    missing = {"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "No such"}}
    stripe_says.will(Answer(status=404, body=missing))

    found = StripeRefundGateway(stripe_says.access()).refunds_of(
        "acct_1", payment_intent_id="pi_gone", charge_id=None
    )

    assert found == []


def test_a_refund_in_a_state_that_we_do_not_know_proves_nothing(stripe_says: ScriptedStripe):
    stripe_says.will(Answer(body=REFUND | {"status": "new_to_us"}))

    with pytest.raises(OutcomeUnknown):
        StripeRefundGateway(stripe_says.access()).refund("acct_1", "re_1")


def test_a_token_whose_key_was_lost_is_a_mistake_of_ours_and_makes_no_request(stripe_says: ScriptedStripe):
    def token_for(_account_id: str) -> str:
        raise SealBroken

    gateway = StripeInvoiceGateway(stripe_says.access(), token_for)

    for ask in (lambda: gateway.invoice("acct_1", "in_1"), lambda: gateway.void("acct_1", "in_1", "key-1")):
        with pytest.raises(GatewayMisconfigured) as error:
            ask()
        assert "ENCRYPTION_KEYS" in error.value.reason
    assert not stripe_says.requests
