"""Events in another API version than ours, as an endpoint made by hand sends them."""

import json
from typing import Any

import requests

from tests.journeys.combinations import POSTGRES_REDIS, SQLITE, on
from tests.journeys.people import Erp
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
