"""To whom invoices are sent."""

import stripe

from tests.journeys.combinations import ACCOUNT_TOKENS, POSTGRES_REDIS, SQLITE, on
from tests.journeys.people import ORDER, Erp, Json, problem
from tests.journeys.stack import Stack

pytestmark = on(SQLITE, POSTGRES_REDIS, ACCOUNT_TOKENS)


def customers_of(stack: Stack, integration: Json) -> list[Json]:
    account = integration["stripe_account_id"]
    return [one for one in stack.control.objects("customers") if one["account"] == account]


def acting_for(integration: Json) -> stripe.RequestOptions:
    return {"stripe_account": integration["stripe_account_id"]}


def test_another_email_is_another_customer_and_edits_none(stack: Stack, erp: Erp):
    integration = erp.connect()
    for order_id in (1, 2, 3):
        erp.simple_order(order_id, "usd", 1_000)
    first = erp.sent(integration, 1)
    again = erp.sent(integration, 2, customer_email="JENNY@example.com")
    other = erp.sent(integration, 3, customer_email="accounts@example.com")
    assert first["stripe_customer_id"] == again["stripe_customer_id"] != other["stripe_customer_id"]
    assert other["customer_email"] == "accounts@example.com"
    emails = [customer["email"] for customer in customers_of(stack, integration)]
    assert emails == ["jenny@example.com", "accounts@example.com"]


def test_an_order_without_an_email_goes_to_the_one_given(stack: Stack, erp: Erp):
    integration = erp.connect()
    erp.new_order(customer={**ORDER["customer"], "email": None})
    assert problem(erp.send(integration), 422)["errors"].keys() == {"customer_email"}
    assert erp.sent(integration, customer_email="jo@example.com")["customer_email"] == "jo@example.com"


def test_a_customer_deleted_at_stripe_is_made_anew(stack: Stack, erp: Erp):
    integration = erp.connect()
    erp.simple_order(1, "usd", 1_000)
    erp.simple_order(2, "usd", 2_000)
    first = erp.paid(integration, 1)
    stack.platform.v1.customers.delete(first["stripe_customer_id"], {}, acting_for(integration))
    second = erp.paid(integration, 2)
    assert second["stripe_customer_id"] != first["stripe_customer_id"]
    assert erp.invoice(first)["status"] == "paid"


def test_a_balance_at_stripe_that_would_move_the_amount_stops_the_send_and_leaves_nothing(
    stack: Stack, erp: Erp
):
    integration = erp.connect()
    erp.simple_order(1, "usd", 1_000)
    erp.simple_order(2, "usd", 2_000)
    customer = erp.paid(integration, 1)["stripe_customer_id"]
    stack.platform.v1.customers.update(customer, {"balance": -500}, acting_for(integration))
    for _ in range(2):
        refused = problem(erp.send(integration, 2), 422)
        assert refused["type"] == "urn:stripe-bridge:problem:CustomerHasBalance"
        assert refused["message"] == (
            "The customer has a credit balance of 500 at Stripe, so 1500 would be due instead of 2000 (minor units "
            "of USD). Set the balance to 0 in Stripe, then send again."
        )
    account = integration["stripe_account_id"]
    left = [one for one in stack.control.objects("invoices") if one["account"] == account]
    assert [one["status"] for one in left] == ["paid"]
    order = erp.order(2)
    assert (order["outstanding_in_cents"], order["open_invoice"]) == (2_000, None)

    stack.platform.v1.customers.update(customer, {"balance": 0}, acting_for(integration))
    assert erp.sent(integration, 2)["amount"] == 2_000
