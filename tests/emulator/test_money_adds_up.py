"""Whatever happens to an invoice, its amounts add up."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from stripe_emulator.errors import StripeError
from stripe_emulator.server import EmulatorServer
from tests.emulator.conftest import client_of
from tests.emulator.shop import Shop


class Money(RuleBasedStateMachine):
    """One invoice under payments, refunds, failures, disputes and credit notes in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.server = EmulatorServer().start()
        control = self.server.control
        account = control.create_account("Shop", connected=True)["id"]
        self.control = control
        self.invoice = (
            Shop(control, client_of(self.server, self.server.settings.secret_key), account).open(1000).id
        )

    def teardown(self) -> None:
        self.server.stop()

    def one(self, kind):
        return self.control.objects(kind)

    def attempt(self, action, *arguments, **keywords) -> None:
        """A refusal is fine; if it left something changed, the invariants would find it."""
        try:
            action(*arguments, **keywords)
        except StripeError:
            return

    @rule(
        amount=st.one_of(st.none(), st.integers(1, 1200)),
        outcome=st.sampled_from(["succeed", "decline", "processing"]),
    )
    def pay(self, amount, outcome):
        self.attempt(self.control.pay, self.invoice, outcome, amount)

    @rule(outcome=st.sampled_from(["succeed", "fail"]))
    def settle(self, outcome):
        self.attempt(self.control.settle_processing, self.invoice, outcome)

    @rule(amount=st.integers(1, 600), give_back=st.booleans())
    def credit(self, amount, give_back):
        invoice = self.one("invoices")[0]
        after = max(0, amount - invoice["amount_remaining"])
        how = {"refund_amount" if give_back else "credit_amount": after} if after else {}
        self.attempt(self.control.credit, self.invoice, amount, **how)

    @precondition(lambda self: self.one("charges"))
    @rule(data=st.data(), amount=st.one_of(st.none(), st.integers(1, 1200)))
    def refund(self, data, amount):
        charge = data.draw(st.sampled_from(self.one("charges")))
        self.attempt(self.control.refund, charge["id"], amount)

    @precondition(lambda self: self.one("refunds"))
    @rule(data=st.data(), status=st.sampled_from(["failed", "canceled", "succeeded"]))
    def change_refund(self, data, status):
        refund = data.draw(st.sampled_from(self.one("refunds")))
        self.attempt(self.control.change_refund, refund["id"], status)

    @rule(status=st.sampled_from(["succeeded", "pending", "requires_action", "failed"]))
    def decide_refunds(self, status):
        self.control.misbehave({"refunds": {"status": status}})

    @rule(action=st.sampled_from(["void", "mark_uncollectible"]))
    def give_up(self, action):
        self.attempt(getattr(self.control, action), self.invoice)

    @invariant()
    def the_invoice_adds_up(self):
        [invoice] = self.one("invoices")
        paid = [payment for payment in self.one("invoice_payments") if payment["status"] == "paid"]
        assert invoice["amount_paid"] == sum(payment["amount_paid"] for payment in paid)
        assert invoice["amount_remaining"] == invoice["amount_due"] - invoice["amount_paid"] >= 0
        assert invoice["amount_due"] == invoice["total"] - invoice["pre_payment_credit_notes_amount"]
        assert (invoice["status"] == "paid") == (invoice["amount_remaining"] == 0)
        assert not (invoice["status"] == "void" and paid)

    @invariant()
    def every_charge_adds_up(self):
        live = [refund for refund in self.one("refunds") if refund["status"] not in ("failed", "canceled")]
        for charge in self.one("charges"):
            refunded = sum(refund["amount"] for refund in live if refund["charge"] == charge["id"])
            assert charge["amount_refunded"] == refunded <= charge["amount"]
            assert charge["refunded"] == (refunded == charge["amount"])

    @invariant()
    def what_was_charged_is_what_was_paid(self):
        [invoice] = self.one("invoices")
        charged = sum(charge["amount"] for charge in self.one("charges") if charge["paid"])
        assert charged == invoice["amount_paid"] + invoice["amount_overpaid"]

    @invariant()
    def the_balance_is_what_was_overpaid_or_credited(self):
        [invoice] = self.one("invoices")
        [customer] = self.one("customers")
        booked = self.one("customer_balance_transactions")
        assert customer["balance"] == sum(one["amount"] for one in booked)
        overpaid = [one for one in booked if one["type"] == "invoice_overpaid"]
        assert invoice["amount_overpaid"] == -sum(one["amount"] for one in overpaid)

    @invariant()
    def the_default_payment_asks_for_what_remains(self):
        [invoice] = self.one("invoices")
        intents = {intent["id"]: intent for intent in self.one("payment_intents")}
        for payment in self.one("invoice_payments"):
            if payment["is_default"] and payment["status"] == "open":
                assert payment["amount_requested"] == invoice["amount_remaining"]
                assert intents[payment["payment"]["payment_intent"]]["amount"] == invoice["amount_remaining"]


Money.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
TestMoneyAddsUp = pytest.mark.filterwarnings("error")(Money.TestCase)
