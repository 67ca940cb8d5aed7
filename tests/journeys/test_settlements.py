"""An event shows an invoice paid at once; whether it was, Stripe itself says soon after."""

from typing import Any

from tests.journeys.combinations import POSTGRES_REDIS, SQLITE, on
from tests.journeys.people import Erp, Json
from tests.journeys.stack import Stack
from tests.journeys.test_other_api_versions import post

pytestmark = on(SQLITE, POSTGRES_REDIS)
PAID: Json = {"status": "paid", "amount_paid": 12_450, "amount_remaining": 0}


def forge_payment(stack: Stack, invoice: Json) -> None:
    """Post an `invoice.paid` that Stripe never made, but that has a valid signature."""
    account = invoice["stripe_account_id"]
    options: Any = {"stripe_account": account}
    listed = stack.platform.v1.events.list({"type": "invoice.finalized"}, options).data
    (true,) = [
        event.to_dict(for_json=True)
        for event in listed
        if event.data.object["id"] == invoice["stripe_invoice_id"]
    ]
    false = true["data"]["object"] | PAID
    made_up = {"id": f"evt_forged_{invoice['id']}", "type": "invoice.paid", "data": {"object": false}}
    post(stack, true | made_up | {"account": account})


def test_a_payment_is_shown_at_once_and_confirmed_soon_after(stack: Stack, erp: Erp):
    integration = erp.connect()
    erp.new_order()

    invoice = erp.paid(integration)

    assert (invoice["status"], invoice["settlement"]) == ("paid", "unconfirmed")
    confirmed = erp.invoice_with(invoice, settlement="confirmed")
    assert (confirmed["status"], confirmed["amount_paid"]) == ("paid", 12_450)
    assert erp.order()["outstanding_in_cents"] == 0


def test_a_payment_that_stripe_knows_nothing_of_is_taken_back_and_can_then_be_made(stack: Stack, erp: Erp):
    integration = erp.connect()
    erp.new_order()
    invoice = erp.sent(integration)
    assert invoice["settlement"] is None

    forge_payment(stack, invoice)

    erp.invoice_with(invoice, status="paid", settlement="unconfirmed")
    assert erp.order()["outstanding_in_cents"] == 0
    erp.invoice_with(invoice, status="open", settlement=None, amount_paid=0, paid_at=None)
    order = erp.order()
    assert (order["outstanding_in_cents"], order["open_invoice"]["id"]) == (12_450, invoice["id"])
    assert any(found.subject == "settlements" for found in stack.operator.operations.diagnose())

    stack.control.pay(invoice["stripe_invoice_id"])
    erp.invoice_with(invoice, status="paid", settlement="unconfirmed")
    assert erp.order()["outstanding_in_cents"] == 0
