"""What an ERP learns by asking: who it is, which invoices there are, and who did what to them."""

import pytest

from stripe_bridge.domain.access import Role
from stripe_bridge.domain.origin import Actor, ActorType, Origin
from stripe_bridge.domain.refund import RefundSource
from stripe_bridge.ports.origin import acting_as
from stripe_bridge.use_cases.refunds.issue import IssueRefundCommand
from tests.journeys.combinations import POSTGRES_REDIS, SQLITE, on
from tests.journeys.people import Erp, data_of
from tests.journeys.stack import Stack
from tests.waiting import wait_until

pytestmark = on(SQLITE, POSTGRES_REDIS)


def test_an_erp_that_polls_for_updates_finds_each_invoice_that_was_paid(stack: Stack, erp: Erp):
    integrations = [erp.connect(), erp.connect()]
    sent = []
    for number in range(1, 5):
        erp.new_order(number)
        sent.append(erp.sent(integrations[number % 2], number))
    assert [each["id"] for each in erp.listed()] == [each["id"] for each in sent[::-1]]
    for invoice in sent:
        erp.applied(invoice, "invoice.finalized", "invoice.sent")
    polled = max(erp.invoice(each)["updated_at"] for each in sent)
    for invoice in (sent[2], sent[0]):
        stack.control.pay(invoice["stripe_invoice_id"])
        erp.applied(invoice, "invoice.paid", "charge.succeeded", "invoice_payment.paid")

    updated = erp.listed(updated_since=polled, status="paid")

    assert [each["id"] for each in updated] == [sent[2]["id"], sent[0]["id"]]
    assert {each["integration_instance"]["name"] for each in updated} == {"Rosen Furniture"}
    assert erp.listed(updated_since=updated[-1]["updated_at"], status="paid") == updated[-1:]
    for name in ("stripe_invoice_id", "stripe_charge_id"):
        assert erp.listed(**{name: updated[0][name]}) == updated[:1]
    assert updated[0] in erp.listed(number=updated[0]["number"])


def test_refunds_say_whether_the_erp_an_operator_or_the_dashboard_made_them(stack: Stack, erp: Erp):
    erp.new_order()
    invoice = erp.paid(erp.connect())
    data_of(erp.refund(invoice, amount_in_cents=1_000), 201)
    stack.operator.refunds.issue(
        IssueRefundCommand(
            tenant_id=erp.tenant,
            user_id=None,
            invoice_id=invoice["id"],
            amount=2_000,
            source=RefundSource.CLI,
        )
    )
    stack.control.refund(invoice["stripe_charge_id"], 3_000)
    wait_until(lambda: len(erp.refunds(invoice)) == 3)

    made = {each["amount"]: (each["source"], each["user_id"]) for each in erp.refunds(invoice)}

    assert made == {1_000: ("api", 17), 2_000: ("cli", None), 3_000: ("dashboard", None)}
    assert erp.invoice(invoice)["refundable_in_cents"] == 12_450 - 6_000


@pytest.mark.parametrize("by", ["the ERP", "an operator", "the merchant"])
def test_a_void_says_who_asked_for_it(stack: Stack, erp: Erp, by: str):
    erp.new_order()
    invoice = erp.sent(erp.connect())
    if by == "the ERP":
        data_of(erp.void(invoice), 200)
        wanted = {"type": "token", "user_id": 17}
    elif by == "an operator":
        operator = Actor(type=ActorType.OPERATOR, id="alice")
        with acting_as(Origin(actor=operator)):
            stack.operator.invoices.void(erp.tenant, invoice["id"])
        wanted = {"type": "operator", "id": "alice", "user_id": None}
    else:
        stack.control.void(invoice["stripe_invoice_id"])
        wanted = {}
    void = erp.invoice_with(invoice, status="void")
    assert (void["voided_by"] or {}) | wanted == (void["voided_by"] or {})
    assert bool(void["voided_by"]) == bool(wanted)
    assert void["amount_remaining"] == 0


@pytest.mark.parametrize("role", [Role.VIEWER, Role.POWER_USER])
def test_a_front_end_learns_what_to_offer(erp: Erp, role: Role):
    me = data_of(erp.ask("GET", "/api/me", role=role), 200)
    assert (me["tenant"], me["role"], me["user_id"]) == (erp.tenant, role.value, 17)
    assert ("refund_invoices" in me["permissions"]) == (role is Role.POWER_USER)
