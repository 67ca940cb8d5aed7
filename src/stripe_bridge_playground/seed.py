"""What a newcomer finds: a connected account, an order that is paid, and one to send an invoice for."""

from stripe_bridge_playground.client import Erp, Json, StripeSide, wait_for
from stripe_bridge_playground.story import ORDER, ORDER_ID, updated_now

UNBILLED_ID = 1002
ORDERS: dict[int, Json] = {
    ORDER_ID: ORDER,
    UNBILLED_ID: {
        "number": "SO-1002",
        "currency": "eur",
        "total_in_cents": 48_000,
        "customer": {"id": 78, "name": "Café Lindner", "email": "einkauf@example.com"},
        "lines": [
            {"description": "Walnut bar stool", "quantity": "6", "amount_in_cents": 45_000},
            {"description": "Delivery", "quantity": "1", "amount_in_cents": 3_000},
        ],
    },
}


def seed(erp: Erp, stripe: StripeSide) -> None:
    """Connect an account, submit the orders, and have the first one paid."""
    path = "/api/stripe/integrations"
    integration = erp.call("POST", path, {"name": "Rosen Furniture"}, expected=201)["data"]
    started = erp.call("POST", f"{path}/{integration['id']}/authorize", expected=200)["data"]
    stripe.approve(started["authorize_url"])
    for order_id, order in ORDERS.items():
        erp.call("PUT", f"/api/sales-orders/{order_id}", updated_now(order), expected=201)
    body = {"integration_instance_id": integration["id"], "sales_order_id": ORDER_ID}
    invoice = erp.call("POST", "/api/stripe/invoices", body, expected=201)["data"]
    stripe.pay(invoice["stripe_invoice_id"])
    wait_for(
        "the first order is paid",
        lambda: erp.call("GET", f"/api/stripe/invoices/{invoice['id']}", expected=200)["data"],
        lambda seen: seen["status"] == "paid",
    )
