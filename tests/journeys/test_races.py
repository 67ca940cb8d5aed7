"""Many requests at the same moment."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import TypeVar

import requests

from stripe_bridge.domain.access import Role
from tests.journeys.combinations import POSTGRES_MANY, SQLITE, on
from tests.journeys.people import Erp, Json, browser, data_of
from tests.journeys.stack import Stack
from tests.waiting import wait_until

pytestmark = on(SQLITE, POSTGRES_MANY)
T = TypeVar("T")
FIFTY = 50


def at_once(actions: Sequence[Callable[[], T]]) -> list[T]:
    """Run each in its own thread; none begins before all are ready."""
    together = Barrier(len(actions))

    def act(action: Callable[[], T]) -> T:
        together.wait(60)
        return action()

    with ThreadPoolExecutor(len(actions)) as threads:
        return list(threads.map(act, actions))


def post(erp: Erp, path: str, body: Json | None, token: str) -> requests.Response:
    """Post on a new connection."""
    headers = {"Authorization": f"Bearer {token}"}
    with browser() as http:
        return http.post(f"{erp.stack.url}{path}", json=body, headers=headers, timeout=60)


def of_account(stack: Stack, kind: str, account: str) -> list[Json]:
    return [one for one in stack.control.objects(kind) if one["account"] == account]


def test_fifty_simultaneous_sends_of_an_order_make_one_invoice_that_all_answers_name(stack: Stack, erp: Erp):
    integration = erp.connect()
    erp.new_order()
    # A token may send only thirty invoices a minute.
    tokens = [erp.new_token(Role.MEMBER) for _ in range(2)]
    body = {"integration_instance_id": integration["id"], "sales_order_id": 1001}
    path = "/api/stripe/invoices"
    answers = at_once([partial(post, erp, path, body, tokens[n % 2]) for n in range(FIFTY)])
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: FIFTY - 1}
    account = integration["stripe_account_id"]
    at_stripe = [one["id"] for one in of_account(stack, "invoices", account)]
    assert len(at_stripe) == 1
    assert {answer.json()["data"]["stripe_invoice_id"] for answer in answers} == set(at_stripe)
    assert {answer.json()["data"]["status"] for answer in answers} == {"open"}
    assert len(of_account(stack, "customers", account)) == 1
    sent = [one for one in of_account(stack, "events", account) if one["type"] == "invoice.sent"]
    assert len(sent) == 1


def test_invoices_for_several_orders_of_a_new_customer_make_one_customer(stack: Stack, erp: Erp):
    integration = erp.connect()
    orders = range(1, 9)
    for order_id in orders:
        erp.simple_order(order_id, "usd", 1_000 + order_id)
    token = erp.token(Role.MEMBER)
    bodies = [{"integration_instance_id": integration["id"], "sales_order_id": each} for each in orders]
    answers = at_once([partial(post, erp, "/api/stripe/invoices", body, token) for body in bodies])
    invoices = [data_of(answer, 201) for answer in answers]
    account = integration["stripe_account_id"]
    assert len(of_account(stack, "customers", account)) == 1
    at_stripe = {one["id"]: one["total"] for one in of_account(stack, "invoices", account)}
    assert at_stripe == {one["stripe_invoice_id"]: one["amount"] for one in invoices}


def test_of_several_refunds_of_everything_one_is_issued(stack: Stack, erp: Erp):
    erp.new_order()
    invoice = erp.paid(erp.connect())
    path = f"/api/stripe/invoices/{invoice['id']}/refunds"
    answers = at_once([partial(post, erp, path, {}, erp.token()) for _ in range(8)])
    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: 7}
    assert [one["amount"] for one in of_account(stack, "refunds", invoice["stripe_account_id"])] == [12_450]
    erp.invoice_with(invoice, amount_refunded=12_450, refund_status="full")


def test_a_customer_may_pay_before_the_send_has_answered(stack: Stack, erp: Erp):
    integration = erp.connect()
    erp.new_order()
    account = integration["stripe_account_id"]

    def open_ones() -> list[Json]:
        return [one for one in of_account(stack, "invoices", account) if one["status"] == "open"]

    def pay_when_open() -> None:
        stack.control.pay(wait_until(open_ones)[0]["id"])

    slow = {"effect": "delay", "path": "/send$", "ms": 1_000}
    with stack.misbehaving({"calls": [slow]}), ThreadPoolExecutor(1) as customer:
        paying = customer.submit(pay_when_open)
        invoice = data_of(erp.send(integration), 201)
        paying.result(60)
    erp.invoice_with(invoice, status="paid", amount_paid=12_450)
    erp.applied(invoice, "invoice.paid", "charge.succeeded", "invoice_payment.paid")
    assert erp.order()["outstanding_in_cents"] == 0
    assert erp.invoice(invoice)["stripe_charge_id"]


def test_a_disconnect_during_a_send_leaves_either_an_open_invoice_or_nothing(stack: Stack, erp: Erp):
    integration = erp.connect()
    erp.new_order()
    account = integration["stripe_account_id"]
    slow = {"effect": "delay", "method": "POST", "path": "/add_lines$", "ms": 700}
    with stack.misbehaving({"calls": [slow]}), ThreadPoolExecutor(1) as sender:
        sending = sender.submit(erp.send, integration)
        wait_until(lambda: of_account(stack, "invoices", account))
        with browser() as http:
            path = f"{stack.url}/api/stripe/integrations/{integration['id']}/disconnect"
            headers = {"Authorization": f"Bearer {erp.token()}"}
            assert http.post(path, headers=headers, timeout=60).json()["data"]["connected"] is False
        answer = sending.result(60)
    left = [one["status"] for one in of_account(stack, "invoices", account)]
    assert (answer.status_code, left) in [(201, ["open"]), (422, [])]
    assert (erp.order()["open_invoice"] is None) == (left == [])
    wait_until(lambda: not of_account(stack, "connections", account))


def test_a_callback_opened_several_times_at_once_connects_once_and_revokes_nothing(stack: Stack, erp: Erp):
    integration = erp.create_integration()
    callback = erp.approve(erp.authorize(integration["id"]))

    def open_callback() -> int:
        with browser() as http:
            return http.get(callback, timeout=60).status_code

    # Those that come after the first is done are answered like it.
    assert 200 in at_once([open_callback] * 4)
    assert open_callback() == 200
    account = erp.integration(integration["id"])["stripe_account_id"]
    assert len(of_account(stack, "connections", account)) == 1


def test_a_confirmation_sent_several_times_at_once_redeems_once(stack: Stack, erp: Erp):
    integration_id = erp.create_integration()["id"]
    body = {"confirmation": erp.to_confirm(integration_id)}
    headers = {"Authorization": f"Bearer {erp.token()}"}

    def confirm() -> int:
        with browser() as http:
            url = f"{stack.url}/api/stripe/integrations/{integration_id}/confirm"
            return http.post(url, json=body, headers=headers, timeout=60).status_code

    assert Counter(at_once([confirm] * 4)) == {200: 1, 422: 3}
    # Redeeming the code twice would have revoked everything.
    account = erp.integration(integration_id)["stripe_account_id"]
    assert len(of_account(stack, "connections", account)) == 1


def test_an_invoice_voided_and_paid_at_once_ends_as_stripe_has_it(stack: Stack, erp: Erp):
    integration = erp.connect()
    erp.new_order()
    invoice = erp.sent(integration)

    def pay() -> int:
        path = f"{stack.emulator.url}/_emulator/invoices/{invoice['stripe_invoice_id']}/pay"
        with browser() as http:
            return http.post(path, timeout=60).status_code

    def void() -> int:
        path = f"/api/stripe/invoices/{invoice['id']}/void"
        return post(erp, path, None, erp.token()).status_code

    outcome = tuple(at_once([pay, void]))
    assert outcome in [(200, 422), (400, 200)]
    status = "paid" if outcome[0] == 200 else "void"
    (at_stripe,) = of_account(stack, "invoices", integration["stripe_account_id"])
    assert at_stripe["status"] == status
    erp.invoice_with(invoice, status=status)
    assert erp.order()["outstanding_in_cents"] == (0 if status == "paid" else 12_450)
