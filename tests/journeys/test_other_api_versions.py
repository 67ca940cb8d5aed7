"""Events in another API version than ours, as an endpoint made by hand sends them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import stripe

from stripe_bridge.domain.access import Role
from tests.journeys.combinations import POSTGRES_REDIS, SQLITE, on
from tests.journeys.people import Erp, Json, data_of
from tests.journeys.stack import Stack
from tests.journeys.test_bad_input import signed

pytestmark = on(SQLITE, POSTGRES_REDIS)


def post(stack: Stack, event: Any) -> None:
    payload = json.dumps(event).encode()
    headers = {"Stripe-Signature": signed(payload), "Content-Type": "application/json"}
    answer = requests.post(f"{stack.url}/api/webhooks/stripe", data=payload, headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text


def test_an_invoice_paid_out_of_band_shows_what_was_paid_though_its_event_does_not(stack: Stack, erp: Erp):
    account = stack.control.create_account("Old Shop", api_version="2024-06-20")["id"]
    erp.new_order()
    invoice = erp.sent(erp.connect(account=account))
    options: Any = {"stripe_account": account}
    with stack.misbehaving({"deliveries": {"hold": True}}):
        stripe_id = invoice["stripe_invoice_id"]
        stack.platform.v1.invoices.pay(stripe_id, {"paid_out_of_band": True}, options)
        (event,) = stack.platform.v1.events.list({"type": "invoice.paid"}, options).data
        shown = event.to_dict(for_json=True)
        assert (shown["api_version"], shown["data"]["object"]["amount_paid"]) == ("2024-06-20", 0)

        post(stack, shown | {"account": account})

        erp.invoice_with(invoice, status="paid", amount_paid=12_450)
    assert erp.order()["outstanding_in_cents"] == 0


@dataclass(frozen=True)
class Shop:
    """A merchant whose only endpoint is one that they made themselves, in `version`. `stripe` is their own client."""

    stack: Stack
    erp: Erp
    version: str
    stripe: stripe.StripeClient
    invoice: Json

    @property
    def stripe_id(self) -> str:
        return str(self.invoice["stripe_invoice_id"])

    def check_read_after(self, types: list[str], already_read: int) -> None:
        """What arrived was in the endpoint's version, and the invoice was read at Stripe since."""
        events = self.erp.applied(self.invoice, *types)
        assert {self.payload(each)["api_version"] for each in events} == {self.version}
        assert self.reads() > already_read

    def payload(self, event: Json) -> Json:
        path = f"/api/stripe/webhook-events/{event['id']}?include_payload=true"
        shown: Json = data_of(self.erp.ask("GET", path, role=Role.ADMIN), 200)["payload"]
        return shown

    def reads(self) -> int:
        """How often the service has read the invoice at Stripe."""
        exchanges = map(json.loads, self.stack.emulator.emulator.wire_log.lines())
        return sum((each["method"], each["path"].partition("?")[0]) == self._read for each in exchanges)

    @property
    def _read(self) -> tuple[str, str]:
        return "GET", f"/v1/invoices/{self.stripe_id}"


@pytest.fixture(params=["2020-08-27", "2024-06-20"])
def shop(request: pytest.FixtureRequest, stack: Stack, erp: Erp) -> Iterator[Shop]:
    account = stack.control.create_account("Old Shop")
    integration = erp.connect(account=account["id"])
    http = stripe.RequestsClient(timeout=30)
    client = stripe.StripeClient(
        account["secret_key"], base_addresses=stack.emulator.base_addresses, http_client=http
    )
    url = f"{stack.url}/api/webhooks/stripe/{integration['id']}"
    endpoint = client.v1.webhook_endpoints.create(
        {"url": url, "enabled_events": ["*"], "api_version": request.param}
    )
    stack.operator.receivers.attach(integration["id"], str(endpoint.secret))
    erp.new_order()
    try:
        with without_the_platforms_endpoint(stack):
            yield Shop(stack, erp, request.param, client, erp.sent(integration))
    finally:
        client.v1.webhook_endpoints.delete(endpoint.id)
        http.close()


@contextmanager
def without_the_platforms_endpoint(stack: Stack) -> Iterator[None]:
    endpoints = stack.platform.v1.webhook_endpoints
    connect = [each for each in endpoints.list().data if each.application is not None]
    assert connect
    for each in connect:
        endpoints.update(each.id, {"disabled": True})
    try:
        yield
    finally:
        for each in connect:
            endpoints.update(each.id, {"disabled": False})


def test_what_an_endpoint_in_an_older_version_sends_is_read_at_stripe(stack: Stack, erp: Erp, shop: Shop):
    already_read = shop.reads()
    stack.control.pay(shop.stripe_id)
    erp.invoice_with(shop.invoice, status="paid", amount_paid=12_450)
    shop.check_read_after(["invoice.paid", "charge.succeeded"], already_read)

    (charge,) = [
        each
        for each in stack.control.objects("charges")
        if each["account"] == shop.invoice["stripe_account_id"]
    ]
    shop.stripe.v1.refunds.create({"charge": charge["id"], "amount": 2_450})

    erp.invoice_with(shop.invoice, amount_refunded=2_450, refund_status="partial")
    assert [one["amount"] for one in erp.refunds(shop.invoice)] == [2_450]


def test_what_was_paid_out_of_band_is_known_though_an_endpoint_in_an_older_version_shows_none_of_it(
    erp: Erp, shop: Shop
):
    already_read = shop.reads()
    shop.stripe.v1.invoices.pay(shop.stripe_id, {"paid_out_of_band": True})

    erp.invoice_with(shop.invoice, status="paid", amount_paid=12_450)
    assert erp.order()["outstanding_in_cents"] == 0
    shop.check_read_after(["invoice.paid"], already_read)
    (paid,) = [each for each in erp.activity(shop.invoice) if each["event_type"] == "invoice.paid"]
    shown = shop.payload(paid)["data"]["object"]
    assert (shown["amount_paid"], shown["paid_out_of_band"]) == (0, True)
