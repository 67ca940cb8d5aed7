"""Sending, paying, voiding, refunding and workers get in each other's way: in any order, no money moves twice.

All in one thread, so that a failure can be replayed: while a call is at Stripe, somebody else acts, and while that one's
call is at Stripe, yet another.
"""

from collections.abc import Callable
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.invoice import PAYABLE, InvoiceStatus
from stripe_bridge.domain.stripe_objects import StripeInvoiceStatus
from stripe_bridge.ports.stripe.errors import GatewayBusy, OutcomeUnknown
from tests.builders import TENANT
from tests.proofs.boundary import Boundary
from tests.proofs.folding import assert_the_log_tells_everything
from tests.world import World

FAULTS = (None, OutcomeUnknown("cut"), GatewayBusy("busy"))
METHODS = (
    "create_customer",
    "create_draft",
    "add_lines",
    "finalize",
    "send",
    "void",
    "create_refund",
    "invoice",
)


def act(world: World, what: str) -> None:
    """Do it. It may be refused, according to the rules."""
    with suppress(BridgeError):
        ACTS[what](world)


def pay(world: World, amount: int | None = None) -> None:
    for invoice in world.payable_at_stripe():
        world.stripe.pay(world.account_id, invoice.id, amount)


def give_up(world: World) -> None:
    for invoice in world.payable_at_stripe():
        world.stripe.mark_uncollectible(world.account_id, invoice.id)


def refund_in_the_dashboard(world: World) -> None:
    for charge in list(world.stripe.accounts[world.account_id].charges.charges):
        world.stripe.refund(world.account_id, charge, 300)


def deliver(world: World) -> None:
    for event in world.events():
        world.receive(event)
    world.bridge.webhook_events.apply()


def wait(world: World) -> None:
    world.clock.advance(seconds=201)
    world.bridge.intents.settle_due()


def newest_invoice(world: World) -> int:
    return max(world.store.committed.invoices.rows, default=0)


ACTS: dict[str, Callable[[World], object]] = {
    "send": lambda world: world.send(),
    "pay": pay,
    "pay a part": lambda world: pay(world, 1_000),
    "void": lambda world: world.bridge.invoices.void(TENANT, newest_invoice(world)),
    "refund": lambda world: world.refund(newest_invoice(world)),
    "refund a part": lambda world: world.refund(newest_invoice(world), 700),
    "give up": give_up,
    "dashboard": refund_in_the_dashboard,
    "deliver": deliver,
    "wait": wait,
}


def meddle(world: World, acts: list[str], at: list[int]) -> None:
    """At each of these crossings of the boundary, if outside a transaction, the next act happens in between."""

    def come_between(crossing: int, place: str) -> None:
        assert_nothing_happened_twice(world)
        # No time passes during a call: leases assume that no call takes longer than its lease.
        is_in_call = place.startswith("before") and acts[:1] == ["wait"]
        if crossing in at and acts and not is_in_call and not world.store.is_open_here:
            act(world, acts.pop(0))

    world.restart(Boundary(come_between).around)


def assert_nothing_happened_twice(world: World) -> None:
    theirs = world.at_stripe()
    assert len([each for each in theirs if each.status is StripeInvoiceStatus.OPEN]) <= 1
    ours = world.store.committed.invoices.rows.values()
    assert len([each for each in ours if each.status in PAYABLE]) <= 1
    charges = world.stripe.accounts[world.account_id].charges
    assert all(charges.left_of(charge) >= 0 for charge in charges.charges.values())
    refunded = sum(each.amount for each in charges.refunds.values())
    assert refunded <= sum(charge.amount for charge in charges.charges.values())


def assert_it_is_as_stripe_says(world: World) -> None:
    stripe = world.stripe.accounts[world.account_id]
    for invoice in world.store.committed.invoices.rows.values():
        if invoice.status in (InvoiceStatus.ABANDONED, InvoiceStatus.RESERVED):
            continue
        theirs = stripe.invoices.get(str(invoice.stripe_invoice_id))
        status = InvoiceStatus.VOID if theirs is None else InvoiceStatus(theirs.status.value)
        assert invoice.status is status
        if theirs is not None:
            assert invoice.amount_paid == theirs.amount_paid
            charges = {each.charge_id for each in stripe.payments_of(theirs.id) if each.charge_id}
            refunds = [each for each in stripe.charges.refunds.values() if each.charge_id in charges]
            assert invoice.amount_refunded == sum(each.amount for each in refunds)
    assert len(world.customers_at_stripe()) <= 1


@settings(max_examples=300)
@given(
    begin=st.lists(st.sampled_from(list(ACTS)), min_size=1, max_size=6),
    between=st.lists(st.sampled_from(list(ACTS)), max_size=8),
    at=st.lists(st.integers(1, 40), max_size=8, unique=True),
    faults=st.lists(st.tuples(st.sampled_from(METHODS), st.sampled_from(FAULTS), st.booleans()), max_size=3),
)
def test_whoever_comes_between_there_is_one_payable_invoice_and_no_more_refunded_than_collected(
    begin, between, at, faults
):
    # Longer than all the acts in between could wait for each other.
    world = World(INTENT_LEASE_SECONDS="200", INTENT_SETTLE_SECONDS="200")
    world.stripe.voids_uncollectible = True
    world.connect()
    world.put_order()
    for method, error, after_effect in faults:
        if error is not None:
            # A call that Stripe did not take had no effect.
            world.fail(method, error, after_effect=after_effect and isinstance(error, OutcomeUnknown))
    meddle(world, list(between), at)
    for what in begin:
        act(world, what)
        assert_nothing_happened_twice(world)

    world.restart()
    world.stop_failing()
    world.come_to_rest()
    world.deliver()
    world.come_to_rest()
    assert_nothing_happened_twice(world)
    assert_it_is_as_stripe_says(world)
    assert_the_log_tells_everything(world.store, world.tenant)
