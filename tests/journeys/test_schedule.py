"""What a real process does on schedule while every webhook is lost."""

from tests.journeys.combinations import on
from tests.journeys.people import Erp
from tests.journeys.stack import Combination, Stack
from tests.waiting import wait_until

EAGER = Combination(database="sqlite", settings={"RECONCILE_SECONDS": "1"})
EAGER_WORKER = Combination(database="postgres", worker="flask", settings={"RECONCILE_SECONDS": "1"})

pytestmark = on(EAGER, EAGER_WORKER)


def test_reconciling_fetches_by_itself_what_no_webhook_brings(stack: Stack, erp: Erp):
    integration = erp.connect()
    erp.new_order()
    with stack.misbehaving({"deliveries": {"drop": 1.0}}):
        invoice = erp.sent(integration)
        stack.control.pay(invoice["stripe_invoice_id"])
        erp.invoice_with(invoice, status="paid")
        erp.applied(invoice, "charge.succeeded")
        stack.control.refund(erp.invoice(invoice)["stripe_charge_id"], 500)
        wait_until(lambda: erp.refunds(invoice))
