"""Stripe is busy, broken or unreachable at every step of sending, and of disconnecting."""

import pytest

from tests.journeys.combinations import IMPATIENT, on
from tests.journeys.people import Erp, data_of
from tests.journeys.stack import Stack
from tests.waiting import wait_until

pytestmark = on(IMPATIENT)

STEPS = ("/customers$", "/invoices$", "/add_lines$", "/finalize$", "/send$")
EFFECTS = ("rate_limit", "lock_timeout", "500_before", "500_after", "cut_before", "cut_after")


@pytest.mark.slow
@pytest.mark.parametrize("effect", EFFECTS)
def test_a_send_that_fails_once_at_every_step_ends_in_one_invoice(stack: Stack, erp: Erp, effect: str):
    integration = erp.connect()
    erp.new_order()
    rules = [{"effect": effect, "method": "POST", "path": step, "next": 1} for step in STEPS]
    with stack.misbehaving({"calls": rules}):
        assert erp.send(integration).status_code in (201, 502)
        wait_until(lambda: erp.send(integration).json().get("data", {}).get("status") == "open", every=1)
        assert all(stack.control.misbehavior()["seen"])
    account = integration["stripe_account_id"]
    (invoice,) = [one for one in stack.control.objects("invoices") if one["account"] == account]
    assert (invoice["status"], invoice["total"], len(invoice["lines"]["data"])) == ("open", 12_450, 3)
    assert [one["account"] for one in stack.control.objects("customers")].count(account) == 1
    shown = data_of(erp.send(integration), 200)
    assert shown["stripe_invoice_id"] == invoice["id"]
    stack.control.pay(invoice["id"])
    erp.invoice_with(shown, status="paid")


@pytest.mark.parametrize("effect", EFFECTS)
def test_access_is_revoked_later_when_stripe_does_not_take_it_now(stack: Stack, erp: Erp, effect: str):
    integration = erp.connect()
    rule = {"effect": effect, "path": "/oauth/deauthorize$", "next": 1}
    with stack.misbehaving({"calls": [rule]}):
        assert erp.disconnect(integration["id"])["connected"] is False
        account = integration["stripe_account_id"]
        wait_until(lambda: account not in connected_accounts(stack))
        assert all(stack.control.misbehavior()["seen"])
    assert erp.connect(integration["id"], account)["connected"] is True


def connected_accounts(stack: Stack) -> list[str]:
    return [one["account"] for one in stack.control.objects("connections")]
