"""Whatever happens to an invoice at Stripe, and whichever of its events arrive, in whatever order and however often: once
it is reconciled, our state equals Stripe's.
"""

from contextlib import suppress
from itertools import count
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from stripe_bridge.domain.webhook_event import EventStatus
from stripe_emulator.errors import StripeError
from tests.builders import AMOUNT
from tests.fakes.storage.unit_of_work import FakeStore
from tests.proofs.emulated_world import EmulatedWorld, emulated
from tests.proofs.folding import assert_the_log_tells_everything
from tests.world import Event

Shown = dict[str, Any]


class History(RuleBasedStateMachine):
    """Any history of an invoice. Steps that Stripe refuses in its state are left out."""

    def __init__(self, world: EmulatedWorld) -> None:
        super().__init__()
        self.world = world
        self.world.connect()
        self.sent = self.world.sent()
        self.control = self.world.control
        self.invoice_id = str(self.sent.stripe_invoice_id)

    # At Stripe.

    @rule(amount=st.sampled_from([None, 1_000, 4_000, 2 * AMOUNT]))
    def the_customer_pays(self, amount: int | None) -> None:
        with suppress(StripeError):
            self.control.pay(self.invoice_id, amount=amount)

    @rule(outcome=st.sampled_from(["decline", "processing"]))
    def a_payment_does_not_succeed_at_once(self, outcome: str) -> None:
        with suppress(StripeError):
            self.control.pay(self.invoice_id, outcome=outcome)

    @rule(outcome=st.sampled_from(["succeed", "fail"]))
    def a_bank_decides(self, outcome: str) -> None:
        with suppress(StripeError):
            self.control.settle_processing(self.invoice_id, outcome)

    @rule()
    def the_merchant_is_paid_outside_stripe(self) -> None:
        url = f"{self.world.emulator.url}/v1/invoices/{self.invoice_id}/pay"
        headers = {
            "Authorization": f"Bearer {self.world.emulator.settings.secret_key}",
            "Stripe-Account": self.world.account_id,
        }
        requests.post(url, {"paid_out_of_band": "true"}, headers=headers, timeout=60)

    @rule(
        amount=st.sampled_from([500, 3_000]),
        back=st.sampled_from(["refund_amount", "credit_amount", "out_of_band_amount"]),
    )
    def the_merchant_writes_a_credit_note(self, amount: int, back: str) -> None:
        """First against what is still due; the rest goes back to the customer."""
        paid = amount - min(amount, self.at_stripe()["amount_remaining"])
        with suppress(StripeError):
            self.control.credit(self.invoice_id, amount, **({back: paid} if paid else {}))

    @rule()
    def the_merchant_voids_it(self) -> None:
        with suppress(StripeError):
            self.control.void(self.invoice_id)

    @rule()
    def the_merchant_gives_it_up(self) -> None:
        with suppress(StripeError):
            self.control.mark_uncollectible(self.invoice_id)

    @precondition(lambda self: self.charges())
    @rule(data=st.data(), amount=st.sampled_from([None, 500]))
    def the_merchant_refunds(self, data: st.DataObject, amount: int | None) -> None:
        with suppress(StripeError):
            self.control.refund(data.draw(st.sampled_from(self.charges())), amount)

    @precondition(lambda self: self.refunds())
    @rule(data=st.data())
    def a_refund_fails(self, data: st.DataObject) -> None:
        refund = data.draw(st.sampled_from([each["id"] for each in self.refunds()]))
        with suppress(StripeError):
            self.control.change_refund(refund, "failed")

    @precondition(lambda self: self.charges())
    @rule(data=st.data())
    def the_customer_disputes(self, data: st.DataObject) -> None:
        kind = data.draw(st.sampled_from(["inquiry", "chargeback"]))
        with suppress(StripeError):
            self.control.dispute(data.draw(st.sampled_from(self.charges())), kind)

    @precondition(lambda self: self.disputes())
    @rule(data=st.data(), status=st.sampled_from(["needs_response", "under_review", "won", "lost"]))
    def a_dispute_goes_on(self, data: st.DataObject, status: str) -> None:
        dispute = data.draw(st.sampled_from([each["id"] for each in self.disputes()]))
        with suppress(StripeError):
            self.control.change_dispute(dispute, status)

    # Here. Events that are not drawn are lost, or late.

    @rule(data=st.data())
    def events_come(self, data: st.DataObject) -> None:
        events = data.draw(st.lists(st.sampled_from(self.world.events()), min_size=1, max_size=4))
        for event in events:
            self.world.receive(event)
        self.world.work_off()

    @rule(data=st.data())
    def an_event_is_applied_again(self, data: st.DataObject) -> None:
        stored = [each.id for each in self.world.events_stored()]
        if stored:
            self.world.bridge.webhook_events.replay(self.world.tenant, data.draw(st.sampled_from(stored)))
            self.world.work_off()

    @rule()
    def a_second_goes_by(self) -> None:
        self.world.clock.advance(seconds=1)

    def teardown(self) -> None:
        report = self.world.bridge.reconciliation.reconcile(self.world.integration_id)
        self.world.work_off()
        assert report.is_complete, report.faults
        assert EventStatus.FAILED not in {event.status for event in self.world.events_stored()}
        assert self.ours() == self.theirs()
        assert_the_log_tells_everything(self.world.store, self.world.tenant)

    # Both sides, reduced to what can be compared.

    def ours(self) -> Shown:
        invoice = self.world.invoice(self.sent.id)
        with self.world.store.reading() as work:
            refunds = work.refunds.of_invoice(invoice.id)
            disputes = work.disputes.of_invoice(invoice.id)
        return {
            "status": invoice.status.value,
            "amount_paid": invoice.amount_paid,
            "amount_remaining": invoice.amount_remaining,
            "refunds": {each.stripe_refund_id: (each.amount, each.state.value) for each in refunds},
            "refunded": invoice.amount_refunded,
            "disputes": {each.stripe_id: (each.amount, each.status) for each in disputes},
            "collected": invoice.amount_collected,
            "outstanding": self.world.order().outstanding,
        }

    def theirs(self) -> Shown:
        invoice = self.at_stripe()
        going_back = [each for each in self.refunds() if each["status"] not in ("failed", "canceled")]
        lost = sum(each["amount"] for each in self.disputes() if each["status"] == "lost")
        settled = {"paid": AMOUNT, "void": 0}.get(invoice["status"], AMOUNT - invoice["amount_remaining"])
        settled -= lost + sum(each["amount"] for each in going_back)
        return {
            "status": invoice["status"],
            "amount_paid": invoice["amount_paid"],
            "amount_remaining": invoice["amount_remaining"],
            "refunds": {each["id"]: (each["amount"], each["status"]) for each in self.refunds()},
            "refunded": sum(each["amount"] for each in going_back),
            "disputes": {each["id"]: (each["amount"], each["status"]) for each in self.disputes()},
            "collected": sum(each["amount_paid"] or 0 for each in self.world._objects("invoice_payments")),
            "outstanding": AMOUNT - max(0, settled),
        }

    def at_stripe(self) -> Event:
        (invoice,) = [each for each in self.world._objects("invoices") if each["id"] == self.invoice_id]
        return invoice

    def charges(self) -> list[str]:
        return [each["id"] for each in self.world._objects("charges") if each["status"] == "succeeded"]

    def refunds(self) -> list[Event]:
        return self.world._objects("refunds")

    def disputes(self) -> list[Event]:
        return self.world._objects("disputes")


@pytest.mark.slow
def test_any_history_with_any_of_its_events_ends_as_at_stripe_once_it_is_reconciled():
    store, tenants = FakeStore(), count(1)
    with emulated() as (emulator, clock):

        class HistoryHere(History):
            def __init__(self) -> None:
                super().__init__(EmulatedWorld(emulator, clock, store, tenant=f"tenant-{next(tenants)}"))

        run_state_machine_as_test(
            HistoryHere,
            settings=settings(
                max_examples=40,
                stateful_step_count=15,
                deadline=None,
                # Replaying the same steps gives different ids, because the emulator keeps everything.
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            ),
        )
