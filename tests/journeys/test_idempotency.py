"""Requests repeated with the same key, by an ERP that never got the first answer."""

from functools import partial

from stripe_bridge.domain.access import Role
from tests.journeys.combinations import POSTGRES_MANY, SQLITE, on
from tests.journeys.people import Erp, problem
from tests.journeys.stack import Stack

pytestmark = on(SQLITE, POSTGRES_MANY)


def test_a_key_gives_the_first_answer_again_whichever_process_is_asked(stack: Stack, erp: Erp):
    erp.new_order()
    integration = erp.connect()
    body = {"integration_instance_id": integration["id"], "sales_order_id": 1001}
    post = partial(erp.ask, "POST", "/api/stripe/invoices", role=Role.MEMBER)
    first = post(body, headers={"Idempotency-Key": "send-1001"})
    assert first.status_code == 201
    for _ in range(4):
        again = post(body, headers={"Idempotency-Key": "send-1001", "Connection": "close"})
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["Idempotent-Replayed"] == "true"
    other = {**body, "amount_in_cents": 100}
    problem(post(other, headers={"Idempotency-Key": "send-1001"}), 422)
    account = integration["stripe_account_id"]
    assert [one["account"] for one in stack.control.objects("invoices")].count(account) == 1
