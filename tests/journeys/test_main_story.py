"""A sales order becomes a paid invoice, whatever the service runs on."""

from tests.journeys.combinations import ALL, on
from tests.journeys.people import ORDER, Erp, data_of
from tests.journeys.stack import Stack

SENT_BY_STRIPE = {
    "charge.succeeded",
    "invoice.finalized",
    "invoice.paid",
    "invoice.sent",
    "invoice_payment.paid",
}


@on(*ALL)
def test_a_sales_order_becomes_a_paid_invoice(stack: Stack, erp: Erp):
    integration = erp.connect()
    assert integration["sync_status"] == "active"
    assert integration["webhook_registered"] is True
    order = erp.new_order()
    assert order["outstanding_in_cents"] == 12_450

    invoice = erp.sent(integration)
    assert invoice["status"] == "open"
    assert (invoice["amount"], invoice["amount_paid"], invoice["currency"]) == (12_450, 0, "USD")
    assert invoice["customer_email"] == "jenny@example.com"
    assert erp.order()["open_invoice"] == {"id": invoice["id"], "amount": 12_450}
    assert data_of(erp.send(integration), 200)["id"] == invoice["id"]

    at_stripe = [
        each for each in stack.control.objects("invoices") if each["id"] == invoice["stripe_invoice_id"]
    ]
    assert [each["account"] for each in at_stripe] == [integration["stripe_account_id"]]
    assert at_stripe[0]["custom_fields"][0]["value"] == "SO-1001"
    assert sorted(line["amount"] for line in at_stripe[0]["lines"]["data"]) == sorted(
        line["amount_in_cents"] for line in ORDER["lines"]
    )

    stack.control.pay(invoice["stripe_invoice_id"])
    erp.invoice_with(invoice, status="paid")
    events = erp.applied(invoice, *SENT_BY_STRIPE)
    assert {event["status"] for event in events} == {"processed"}
    assert {event["integration_instance_id"] for event in events} == {integration["id"]}
    paid = erp.invoice(invoice)
    assert (paid["amount_paid"], paid["amount_refunded"], paid["refund_status"]) == (12_450, 0, "none")
    assert paid["stripe_payment_intent_id"].startswith("pi_")
    assert paid["stripe_charge_id"].startswith("ch_")
    assert paid["paid_at"]
    order = erp.order()
    assert (order["outstanding_in_cents"], order["settled_in_cents"]) == (0, 12_450)
    assert (order["overpaid_in_cents"], order["open_invoice"]) == (0, None)
