"""Merchants connect, disconnect and connect again, and are kept apart."""

import json
from collections.abc import Callable

from tests.journeys.combinations import POSTGRES_REDIS, SQLITE, on
from tests.journeys.people import Erp, problem
from tests.journeys.stack import Stack
from tests.waiting import wait_until

pytestmark = on(SQLITE, POSTGRES_REDIS)


def test_a_merchant_who_denies_may_agree_later(stack: Stack, erp: Erp):
    integration = erp.create_integration()
    page = erp.come_back(erp.deny(erp.authorize(integration["id"])))
    assert page.status_code == 200
    assert "not connected" in page.text
    shown = erp.integration(integration["id"])
    assert (shown["connected"], shown["sync_status"]) == (False, "pending")
    assert erp.connect(integration["id"])["sync_status"] == "active"


def test_an_invoice_open_over_a_disconnect_is_paid_and_known_after_the_reconnect(stack: Stack, erp: Erp):
    integration = erp.connect()
    account = integration["stripe_account_id"]
    erp.new_order()
    invoice = erp.sent(integration)
    gone = erp.disconnect(integration["id"])
    assert (gone["connected"], gone["stripe_account_id"]) == (False, None)
    assert (gone["sync_status"], gone["country"]) == ("disconnected", "US")
    assert gone["disconnected_at"]
    assert not _is_let_in(stack, account)
    assert erp.disconnect(integration["id"]) == gone
    erp.simple_order(2, "usd", 900)
    message = problem(erp.send(integration, 2), 422)["message"]
    assert message == "Stripe integration is not connected."

    back = erp.connect(integration["id"], account)
    assert (back["stripe_account_id"], back["disconnected_at"]) == (account, None)
    stack.control.pay(invoice["stripe_invoice_id"])
    erp.invoice_with(invoice, status="paid")
    erp.paid(back, 2)


def test_an_account_with_invoices_elsewhere_cannot_take_the_integration_over(stack: Stack, erp: Erp):
    integration = erp.connect()
    erp.new_order()
    erp.sent(integration)
    erp.disconnect(integration["id"])
    page = erp.come_back(erp.approve(erp.authorize(integration["id"])))
    assert (page.status_code, "other_account" in page.text) == (400, True)
    assert erp.integration(integration["id"])["connected"] is False
    # The access that was just granted is given up again.
    newest = stack.control.objects("accounts")[-1]
    assert newest["id"] != integration["stripe_account_id"]
    wait_until(lambda: not _is_let_in(stack, newest["id"]))


def test_a_merchant_who_shows_us_out_at_stripe_is_disconnected_here(stack: Stack, erp: Erp):
    integration = erp.connect()
    stack.control.revoke(integration["stripe_account_id"])
    wait_until(lambda: not erp.integration(integration["id"])["connected"])
    erp.new_order()
    problem(erp.send(integration), 422)
    returned = erp.connect(integration["id"], integration["stripe_account_id"])
    assert returned["stripe_account_id"] == integration["stripe_account_id"]
    erp.paid(returned)


def test_a_restricted_account_sends_nothing_until_stripe_enables_it(stack: Stack, erp: Erp):
    integration = erp.connect()
    account = integration["stripe_account_id"]
    erp.new_order()
    stack.control.change_account(account, {"charges_enabled": False})
    wait_until(lambda: erp.integration(integration["id"])["sync_status"] == "restricted")
    message = problem(erp.send(integration), 422)["message"]
    assert message == "Stripe integration cannot accept payments yet."
    stack.control.change_account(account, {"charges_enabled": True})
    wait_until(lambda: erp.integration(integration["id"])["sync_status"] == "active")
    assert erp.sent(integration)["status"] == "open"


def test_an_account_is_live_in_one_integration_over_all_tenants(
    stack: Stack, erp: Erp, new_erp: Callable[[], Erp]
):
    taken = erp.connect()
    other = new_erp()
    theirs = other.create_integration()
    page = other.come_back(other.approve(other.authorize(theirs["id"]), taken["stripe_account_id"]))
    assert (page.status_code, "account_in_use" in page.text) == (400, True)
    assert other.integration(theirs["id"])["connected"] is False
    # The account is not deauthorized for that: the integration that has it goes on.
    erp.new_order()
    erp.paid(taken)


def test_merchants_of_two_tenants_are_never_mixed(stack: Stack, erp: Erp, new_erp: Callable[[], Erp]):
    other = new_erp()
    shops = [(erp, erp.connect()), (erp, erp.connect()), (other, other.connect())]
    invoices = []
    for number, (owner, integration) in enumerate(shops, 1):
        # The same customer everywhere; the same order number in both tenants.
        order_id = 2000 + number % 3
        owner.simple_order(order_id, "usd", 1_000 * number)
        invoices.append(owner.paid(integration, order_id))
    at_stripe = {one["id"]: one for one in stack.control.objects("invoices")}
    for (_, integration), invoice in zip(shops, invoices, strict=True):
        assert invoice["stripe_account_id"] == integration["stripe_account_id"]
        assert at_stripe[invoice["stripe_invoice_id"]]["account"] == integration["stripe_account_id"]
    assert len({invoice["stripe_customer_id"] for invoice in invoices}) == 3
    owner_of = {one["id"]: one["account"] for one in stack.control.objects("customers")}
    for invoice in invoices:
        assert owner_of[invoice["stripe_customer_id"]] == invoice["stripe_account_id"]
    for invoice in invoices[:2]:
        assert problem(other.ask("GET", f"/api/stripe/invoices/{invoice['id']}"), 404)
    _assert_each_call_named_its_own_account(stack)


def _assert_each_call_named_its_own_account(stack: Stack) -> None:
    """Everything in an answer belongs to the account that the call's header named."""
    owner_of = {
        one["id"]: one["account"] for kind in ("customers", "invoices") for one in stack.control.objects(kind)
    }
    seen = 0
    for line in stack.emulator.emulator.wire_log.lines():
        exchange = json.loads(line)
        headers = {name.lower(): value for name, value in exchange["headers"].items()}
        for object_id, account in owner_of.items():
            if f"/{object_id}" in exchange["path"]:
                assert headers["stripe-account"] == account, exchange
                seen += 1
    assert seen


def _is_let_in(stack: Stack, account: str) -> bool:
    return account in [one["account"] for one in stack.control.objects("connections")]
