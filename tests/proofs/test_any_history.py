"""Whatever happens to an invoice at Stripe, and whichever of its events come, in whatever order and number: once it is
reconciled, ours is as theirs.
"""

from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from stripe_bridge.domain.webhook_event import EventStatus
from stripe_emulator.errors import StripeError
from tests.fakes.store import FakeStore
from tests.proofs.emulated_world import EmulatedWorld, emulated
from tests.world import Event

Shown = dict[str, Any]


class History(RuleBasedStateMachine):
    """What Stripe forbids in the state that the invoice is in does not happen."""

    def __init__(self, world: EmulatedWorld) -> None:
        super().__init__()
        self.world = world
        self.world.connect()
        self.sent = self.world.sent()
        self.control = self.world.control
        self.invoice_id = str(self.sent.stripe_invoice_id)

    # At Stripe.

    @rule(amount=st.sampled_from([None, 1_000, 4_000]))
    def the_customer_pays(self, amount: int | None) -> None:
        with suppress(StripeError):
            self.control.pay(self.invoice_id, amount=amount)

    @rule()
    def a_payment_is_declined(self) -> None:
        with suppress(StripeError):
            self.control.pay(self.invoice_id, outcome="decline")

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
        with suppress(StripeError):
            self.control.dispute(data.draw(st.sampled_from(self.charges())))

    @precondition(lambda self: self.disputes())
    @rule(data=st.data(), status=st.sampled_from(["under_review", "won", "lost"]))
    def a_dispute_goes_on(self, data: st.DataObject, status: str) -> None:
        dispute = data.draw(st.sampled_from([each["id"] for each in self.disputes()]))
        with suppress(StripeError):
            self.control.change_dispute(dispute, status)

    # Here. Whatever is not drawn is lost, or late.

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
            self.world.bridge.replay_webhook_event(self.world.tenant, data.draw(st.sampled_from(stored)))
            self.world.work_off()

    @rule()
    def a_second_goes_by(self) -> None:
        self.world.clock.advance(seconds=1)

    def teardown(self) -> None:
        report = self.world.bridge.reconcile_integration(self.world.integration_id)
        self.world.work_off()
        assert report.is_complete, report.faults
        assert EventStatus.FAILED not in {event.status for event in self.world.events_stored()}
        assert self.ours() == self.theirs()

    # Both sides, as far as both tell the same.

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
        }

    def theirs(self) -> Shown:
        (invoice,) = [each for each in self.world._objects("invoices") if each["id"] == self.invoice_id]
        going_back = [each for each in self.refunds() if each["status"] not in ("failed", "canceled")]
        return {
            "status": invoice["status"],
            "amount_paid": invoice["amount_paid"],
            "amount_remaining": invoice["amount_remaining"],
            "refunds": {each["id"]: (each["amount"], each["status"]) for each in self.refunds()},
            "refunded": sum(each["amount"] for each in going_back),
            "disputes": {each["id"]: (each["amount"], each["status"]) for each in self.disputes()},
        }

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
                # The emulator remembers all that was: the same steps again take other ids.
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            ),
        )
