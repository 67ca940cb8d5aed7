"""Everything that can happen to an invoice's money, in any order, and what must be true always and in the end.

The ERP, the merchant in Stripe's dashboard, customers and banks act. Stripe's events come late, twice, in any order or not
at all. Stripe misbehaves, and processes die or are overtaken by what others do.
"""

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from stripe_bridge.domain.dispute import LOST
from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.errors.conflicts import EventBeingProcessed
from stripe_bridge.domain.errors.rules import AmountOverRefundable, NothingCollected, RefundBlockedByDispute
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.receiver import SUBSCRIBED_EVENTS
from stripe_bridge.domain.refund import Refund, RefundReason, RefundState
from stripe_bridge.domain.stripe_objects import METADATA_REFERENCE
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_emulator.resources.disputes import NEXT as NEXT_OF_DISPUTE
from stripe_emulator.resources.refunds import FAILED_OR_CANCELED
from stripe_emulator.resources.refunds import NEXT as NEXT_OF_REFUND
from tests.proofs.boundary import Boundary, Crash
from tests.proofs.emulated_world import EmulatedWorld
from tests.world import Event

TOTAL = 10_000
Json = dict[str, Any]

# Mostly small, so that something is left for the next refund. None means all that is left.
_AMOUNTS = st.sampled_from([100, 250, 500, 1_000, 1_000, 2_500, TOTAL, None])
# Drawing only a seed keeps examples small, however much is shuffled with it.
_CHANCES = st.builds(Random, st.integers(0, 2**16))
_TROUBLES = st.fixed_dictionaries(
    {
        "effect": st.sampled_from(
            ["rate_limit", "lock_timeout", "500_before", "500_after", "cut_before", "cut_after"]
        ),
        "method": st.sampled_from(["POST", "POST", "GET"]),
        "next": st.integers(1, 2),
        "stored": st.booleans(),
    }
)
# For the call that creates a refund: mostly faults after which it is unknown whether it did.
_REFUND_TROUBLES = st.fixed_dictionaries(
    {
        "effect": st.sampled_from(["cut_after", "500_after", "500_after", "cut_before", "rate_limit"]),
        "method": st.just("POST"),
        "next": st.integers(1, 2),
        "stored": st.booleans(),
    }
)
_BEGINNINGS = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["pending", "pending", "requires_action", "failed"]),
        "next": st.integers(1, 3),
    }
)


@dataclass(frozen=True)
class Interruption:
    """At this crossing of the boundary, the process dies, or others act before it continues."""

    crossing: int
    what: str


_INTERRUPTIONS = st.builds(
    Interruption,
    crossing=st.integers(1, 10),
    what=st.sampled_from(
        ["crash", "dashboard", "events", "erp", "bank", "bank and events", "customer and events"]
    ),
)


class MoneyBack(RuleBasedStateMachine):
    """A sent invoice, in a world of its own, which `open_world` opens."""

    def __init__(self, open_world: Callable[[], AbstractContextManager[EmulatedWorld]]) -> None:
        super().__init__()
        self._at_the_end = ExitStack()
        self.world = self._at_the_end.enter_context(open_world())
        self.control = self.world.control
        self._heard = 0
        # Stripe's events: those still to be delivered, those delivered, and those whose delivery failed for good.
        self.coming: list[Event] = []
        self.came: list[Event] = []
        self.lost: list[Event] = []
        self._came_at_rest = 0
        self._by_others: set[str] = set()
        self._trouble: list[Json] = []
        self._begins_as: Json = {}
        self.world.connect()
        self.world.sent(total=TOTAL)
        # Stripe also forgets its events some day, after which lost ones could not be recovered.
        self._keys_expire_at = self.world.clock.now() + timedelta(days=20)

    def teardown(self) -> None:
        with self._at_the_end:
            # If the test has already failed, report only that, not what would follow from it.
            if sys.exc_info()[0] is None:
                self.come_to_rest(Random(self._heard))

    # What is at Stripe.

    def objects(self, kind: str) -> list[Json]:
        return [each for each in self.control.objects(kind) if each["account"] == self.world.account_id]

    def charges(self) -> list[Json]:
        return [each for each in self.objects("charges") if each["status"] == "succeeded"]

    def refunds(self, *, counted: bool = False) -> list[Json]:
        return [
            each for each in self.objects("refunds") if not (counted and each["status"] in FAILED_OR_CANCELED)
        ]

    def references(self) -> list[str]:
        """The references of the refunds that were made through us."""
        found = [each["metadata"].get(METADATA_REFERENCE) for each in self.refunds()]
        return [reference for reference in found if reference is not None]

    def invoice_at_stripe(self) -> Json:
        (found,) = self.objects("invoices")
        return found

    def refundable_at_stripe(self) -> int:
        forbidden = {each["charge"] for each in self.objects("disputes") if not each["is_charge_refundable"]}
        return sum(c["amount"] - c["amount_refunded"] for c in self.charges() if c["id"] not in forbidden)

    def _movable(self, kind: str, moves: dict[str, tuple[str, ...]]) -> list[Json]:
        return [each for each in self.objects(kind) if moves.get(each["status"])]

    # What is stored here.

    def ledger(self) -> list[Refund]:
        with self.world.store.reading() as work:
            return list(work.refunds.of_invoice(self.world.invoice_id))

    # What others do at Stripe.

    @initialize(
        parts=st.sampled_from([[TOTAL], [5_000, 5_000], [2_500], [2_500, 5_000, 2_500]]),
        is_delivered=st.sampled_from([True, True, True, False]),
        chance=_CHANCES,
    )
    def something_is_paid(self, parts: list[int], is_delivered: bool, chance: Random) -> None:
        for part in parts:
            self.the_customer_pays(part)
        if is_delivered:
            self._deliver(chance, 100)

    @precondition(lambda self: self.invoice_at_stripe()["status"] == "open")
    @rule(amount=st.sampled_from([2_500, TOTAL]))
    def the_customer_pays(self, amount: int) -> None:
        invoice = self.invoice_at_stripe()
        self.control.pay(invoice["id"], amount=min(amount, invoice["amount_remaining"]))
        self.time_passes(1)

    @precondition(lambda self: self.refundable_at_stripe())
    @rule(which=st.integers(0, 9), amount=_AMOUNTS)
    def the_merchant_refunds_in_the_dashboard(self, which: int, amount: int | None) -> None:
        forbidden = {each["charge"] for each in self.objects("disputes") if not each["is_charge_refundable"]}
        left = {
            each["id"]: each["amount"] - each["amount_refunded"]
            for each in self.charges()
            if each["id"] not in forbidden and each["amount"] > each["amount_refunded"]
        }
        charge = list(left)[which % len(left)]
        self.control.refund(charge, None if amount is None else min(amount, left[charge]))

    @precondition(lambda self: self._movable("refunds", NEXT_OF_REFUND))
    @rule(which=st.integers(0, 9), where=st.integers(0, 9))
    def the_bank_moves_a_refund(self, which: int, where: int) -> None:
        movable = self._movable("refunds", NEXT_OF_REFUND)
        refund = movable[which % len(movable)]
        # Without a status, only the bank's reference arrives.
        statuses = [*NEXT_OF_REFUND[refund["status"]], None]
        self.control.change_refund(refund["id"], statuses[where % len(statuses)])

    def _wait_for_customers(self) -> None:
        """Make every pending refund wait for the customer's bank details."""
        for refund in self.refunds():
            if refund["status"] == "pending":
                self.control.change_refund(refund["id"], "requires_action")

    @precondition(lambda self: self._undisputed() and len(self.objects("disputes")) < 2)
    @rule(which=st.integers(0, 9), kind=st.sampled_from(["inquiry", "chargeback"]))
    def the_customer_disputes(self, which: int, kind: str) -> None:
        self.control.dispute(self._undisputed()[which % len(self._undisputed())], kind)
        self.time_passes(1)

    def _undisputed(self) -> list[str]:
        """Charges without an undecided or lost dispute."""
        over = ("won", "warning_closed")
        disputed = {each["charge"] for each in self.objects("disputes") if each["status"] not in over}
        return [each["id"] for each in self.charges() if each["id"] not in disputed]

    @precondition(lambda self: self._movable("disputes", NEXT_OF_DISPUTE))
    @rule(which=st.integers(0, 9), where=st.integers(0, 9))
    def the_bank_moves_a_dispute(self, which: int, where: int) -> None:
        movable = self._movable("disputes", NEXT_OF_DISPUTE)
        dispute = movable[which % len(movable)]
        statuses = NEXT_OF_DISPUTE[dispute["status"]]
        self.control.change_dispute(dispute["id"], statuses[where % len(statuses)])

    @rule(troubles=st.lists(_TROUBLES, max_size=2), begins_as=st.just({}) | _BEGINNINGS)
    def stripe_behaves_otherwise(self, troubles: list[Json], begins_as: Json) -> None:
        """The next calls fail, and the next refunds do not succeed at once."""
        self._trouble, self._begins_as = troubles, begins_as
        self._misbehave()

    def _misbehave(self) -> None:
        self.control.misbehave(
            {"deliveries": {"hold": True}, "calls": self._trouble, "refunds": self._begins_as}
        )

    # What happens here.

    @rule(
        amount=_AMOUNTS,
        reason=st.none() | st.sampled_from(RefundReason),
        trouble=st.none() | _REFUND_TROUBLES,
        begins_as=st.just({}) | _BEGINNINGS,
    )
    def the_erp_refunds(
        self, amount: int | None, reason: RefundReason | None, trouble: Json | None, begins_as: Json
    ) -> None:
        self.stripe_behaves_otherwise([] if trouble is None else [trouble], begins_as)
        self._refund(amount, reason)

    @rule(amount=_AMOUNTS, begins_as=st.just({}) | _BEGINNINGS, during=_INTERRUPTIONS, chance=_CHANCES)
    def the_erp_refunds_and_is_interrupted(
        self, amount: int | None, begins_as: Json, during: Interruption, chance: Random
    ) -> None:
        self.stripe_behaves_otherwise([], begins_as)
        self._do(lambda: self._refund(amount, None), during, chance)

    @rule(seconds=st.sampled_from([1, 61]), during=st.none() | _INTERRUPTIONS, chance=_CHANCES)
    def workers_work_after(self, seconds: int, during: Interruption | None, chance: Random) -> None:
        """After a second, or after a lease has ended."""
        self.time_passes(seconds)
        self._do(self.world.work_off, during, chance)

    @rule(count=st.integers(1, 12), during=st.none() | _INTERRUPTIONS, chance=_CHANCES)
    def stripe_delivers(self, count: int, during: Interruption | None, chance: Random) -> None:
        self._do(lambda: self._deliver(chance, count), during, chance)

    @rule(chance=_CHANCES)
    def an_event_is_lost(self, chance: Random) -> None:
        self._hear()
        if self.coming:
            self.lost.append(self.coming.pop(chance.randrange(len(self.coming))))

    @precondition(lambda self: self.came)
    @rule(chance=_CHANCES)
    def an_operator_replays_an_event(self, chance: Random) -> None:
        stored = self.world.events_stored()
        # A process that died while applying it still has its lease.
        with suppress(EventBeingProcessed):
            self.world.bridge.webhook_events.replay(self.world.tenant, chance.choice(stored).id)

    @precondition(lambda self: self.world.clock.now() < self._keys_expire_at)
    @rule()
    def stripe_expires_every_idempotency_key(self) -> None:
        self.time_passes(25 * 3600)

    def time_passes(self, seconds: int) -> None:
        self.world.clock.advance(seconds=seconds)

    @precondition(lambda self: len(self.came) - self._came_at_rest > 10)
    @rule(chance=_CHANCES)
    def all_comes_to_rest(self, chance: Random) -> None:
        self.come_to_rest(chance)

    def _do(self, act: Callable[[], object], during: Interruption | None, chance: Random) -> None:
        interrupted = Boundary(self._at(during, chance))
        self.world.restart(interrupted.around)
        try:
            act()
        except Crash:
            pass
        finally:
            self.world.restart()

    def _at(self, during: Interruption | None, chance: Random) -> Callable[[int, str], None]:
        waiting = [] if during is None else [during]

        def on_crossing(crossing: int, place: str) -> None:
            # Only a crash can come between a transaction's writes and its commit.
            if not waiting or crossing < waiting[0].crossing:
                return
            if waiting[0].what == "crash":
                raise Crash(place)
            if place != "before commit":
                self._meanwhile(waiting.pop().what, chance)

        return on_crossing

    def _meanwhile(self, what: str, chance: Random) -> None:
        """Others act: another process, without what was put around this one, or somebody at Stripe."""
        here = self.world.bridge
        self.world.restart()
        if what == "dashboard" and self.refundable_at_stripe():
            self.the_merchant_refunds_in_the_dashboard(chance.randrange(9), chance.choice([None, 2_500]))
        if what == "erp":
            before = set(self.references())
            self._refund(chance.choice([None, 2_500]), None)
            self._by_others |= set(self.references()) - before
        if what.startswith("bank") and self._movable("refunds", NEXT_OF_REFUND):
            self.the_bank_moves_a_refund(chance.randrange(9), chance.randrange(9))
        if what.startswith("customer"):
            self._wait_for_customers()
        if what.endswith("events"):
            self._deliver(chance, 12)
        self.world.bridge = here

    def _refund(self, amount: int | None, reason: RefundReason | None) -> None:
        """The answer is true: nothing was made if it says refused, and never more than was asked for."""
        before = set(self.references())
        made, refusal = self._ask_for_refund(amount, reason)
        if refusal is not None:
            assert set(self.references()) - before <= self._by_others, refusal
            assert not isinstance(refusal, AmountOverRefundable) or refusal.refundable >= 0
            return
        assert all(refund.state is not RefundState.REFUSED for refund in made)
        assert amount is None or sum(refund.amount for refund in made) <= amount
        shown = {each["id"] for each in self.refunds()}
        assert {each.stripe_refund_id for each in made if each.state is not RefundState.RESERVED} <= shown

    def _ask_for_refund(
        self, amount: int | None, reason: RefundReason | None = None
    ) -> tuple[Sequence[Refund], BridgeError | None]:
        try:
            return self.world.refund(self.world.invoice_id, amount, reason=reason), None
        except BridgeError as error:
            return (), error

    def _hear(self) -> None:
        events = self.world.events()
        self.coming += [event for event in events[self._heard :] if event["type"] in SUBSCRIBED_EVENTS]
        self._heard = len(events)

    def _deliver(self, chance: Random, count: int) -> None:
        """Deliver some of the coming events, in any order, and some again; those not acknowledged come again."""
        self._hear()
        chance.shuffle(self.coming)
        for event in self.coming[:count] + chance.sample(self.came, min(2, len(self.came))):
            self.world.receive(event)
            if event in self.coming:
                self.coming.remove(event)
                self.came.append(event)
        while self.world.bridge.webhook_events.apply():
            pass

    # What must be true.

    @invariant()
    def no_refund_is_made_twice(self) -> None:
        references = self.references()
        assert len(references) == len(set(references))

    @invariant()
    def every_refund_made_through_us_is_in_the_ledger(self) -> None:
        ours = {refund.reference: refund for refund in self.ledger()}
        for theirs in self.refunds():
            if METADATA_REFERENCE in theirs["metadata"]:
                refund = ours[theirs["metadata"][METADATA_REFERENCE]]
                assert refund.state is not RefundState.REFUSED
                assert refund.amount == theirs["amount"]
                assert refund.payment_intent_id == theirs["payment_intent"]

    @invariant()
    def never_more_is_given_back_than_was_collected(self) -> None:
        for charge in self.charges():
            total_returned = sum(
                each["amount"] for each in self.refunds(counted=True) if each["charge"] == charge["id"]
            )
            assert total_returned == charge["amount_refunded"] <= charge["amount"]

    def come_to_rest(self, chance: Random) -> None:
        """End all trouble, recover what was lost, and let time pass until nothing is left to do."""
        self._trouble, self._begins_as = [], {}
        self._misbehave()
        self._hear()
        if chance.random() < 0.5:
            self.coming += self.lost
        self._deliver(chance, len(self.coming))
        if self.lost:
            report = self.world.bridge.reconciliation.reconcile(self.world.integration_id)
            assert report.is_complete, report
        self.lost = []
        self._came_at_rest = len(self.came)
        for _ in range(60):
            self.world.clock.advance(seconds=3601)
            self.world.work_off()
            if not (self._waiting(EventStatus.RECEIVED) or self._waiting(EventStatus.PROCESSING)):
                break
        self.world.come_to_rest()
        assert not self.coming
        assert not self._waiting(EventStatus.FAILED)
        self._check_ledger()
        self._check_invoice()
        self._check_refundable_amounts()

    def _waiting(self, status: EventStatus) -> int:
        page = self.world.bridge.webhook_events.list(
            self.world.tenant, EventFilter(status=status), PageRequest(per_page=1)
        )
        return len(page.items)

    def _check_ledger(self) -> None:
        ours = {
            refund.stripe_refund_id: (
                refund.amount,
                refund.state.value,
                refund.payment_intent_id,
                refund.charge_id,
                refund.reason,
                refund.failure_reason,
                refund.reference,
            )
            for refund in self.ledger()
            if refund.state is not RefundState.REFUSED
        }
        assert ours == {
            each["id"]: (
                each["amount"],
                each["status"],
                each["payment_intent"],
                each["charge"],
                each["reason"],
                each.get("failure_reason"),
                each["metadata"].get(METADATA_REFERENCE),
            )
            for each in self.refunds()
        }

    def _check_invoice(self) -> None:
        ours, theirs = self.world.invoice(self.world.invoice_id), self.invoice_at_stripe()
        refunded = sum(each["amount"] for each in self.refunds(counted=True))
        collected = sum(each["amount"] for each in self.charges())
        disputes = sorted(self.objects("disputes"), key=lambda each: int(each["created"]))
        lost = sum(each["amount"] for each in disputes if each["status"] == LOST)
        assert (ours.status.value, ours.amount_paid) == (theirs["status"], theirs["amount_paid"])
        assert (ours.amount_collected, ours.amount_refunded) == (collected, refunded)
        expected = "none" if refunded == 0 else "full" if refunded == collected else "partial"
        assert ours.refund_status.value == expected
        assert ours.dispute_status == (disputes[-1]["status"] if disputes else None)
        assert ours.amount_lost == lost
        assert self.world.order().outstanding == TOTAL - max(0, theirs["amount_paid"] - refunded - lost)

    def _check_refundable_amounts(self) -> None:
        """A request for more than was ever collected is answered with what may be refunded."""
        _, refusal = self._ask_for_refund(2 * TOTAL)
        left = self.refundable_at_stripe()
        if not self.charges():
            assert isinstance(refusal, NothingCollected)
        elif isinstance(refusal, RefundBlockedByDispute):
            assert left == 0
        else:
            assert isinstance(refusal, AmountOverRefundable)
            assert refusal.refundable == left
