"""Every call that changes something at Stripe is made once, whatever happens."""

from contextlib import nullcontext
from datetime import timedelta

import pytest

from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.errors.outcomes import InvoiceNotSent
from stripe_bridge.domain.intent import IntentState, Operation
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.recovery import RecoveryHold
from stripe_bridge.domain.stripe_objects import StripeInvoiceStatus
from stripe_bridge.ports.storage.intents import Leased
from stripe_bridge.ports.stripe.errors import (
    GatewayBusy,
    GatewayError,
    GatewayMisconfigured,
    GatewayRefused,
    KeySpent,
    OutcomeUnknown,
)
from tests.builders import ACCOUNT, AMOUNT, TENANT, an_intent
from tests.proofs.boundary import Boundary
from tests.use_cases.intents.settling import Settling
from tests.use_cases.sends import LOOKS, STEPS, a_day_goes_by, not_sent
from tests.world import World


def test_each_call_has_a_key_of_its_own(world: World):
    world.sent()

    keys = [call.key for call in world.stripe.calls if call.method in STEPS]
    assert len(set(keys)) == len(keys) == len(STEPS)
    assert None not in keys


def test_no_gateway_is_called_inside_a_unit_of_work(world: World):
    inside = []
    for step in STEPS:
        world.stripe.before_next(step, lambda: inside.append(world.store.is_open_here))

    world.sent()

    assert inside == [False] * len(STEPS)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after_effect", [False, True])
def test_a_step_of_unknown_outcome_is_unknown_to_the_caller_and_finished_later(
    world: World, step: str, after_effect: bool
):
    world.put_order()
    world.fail(step, OutcomeUnknown("cut"), after_effect=after_effect)
    # Finished within the request if the effect can be found at once.
    with nullcontext() if after_effect else pytest.raises(InvoiceNotSent):
        world.send()
    world.come_to_rest()
    again = world.send()
    assert not again.created
    invoice = again.view.invoice

    assert invoice.status is InvoiceStatus.OPEN
    (theirs,) = world.at_stripe()
    assert (theirs.status, theirs.total) == (StripeInvoiceStatus.OPEN, AMOUNT)
    assert len(world.customers_at_stripe()) == 1
    assert world.mails() == [theirs.id]


@pytest.mark.parametrize("step", STEPS)
def test_what_may_have_happened_is_not_asked_for_again_within_a_minute_and_then_under_the_same_key(
    world: World, step: str
):
    world.put_order()
    world.fail(step, OutcomeUnknown("cut"))
    first_at = world.clock.now()
    not_sent(world)

    while world.clock.now() < first_at.replace(minute=first_at.minute + 1):
        assert len(world.stripe.calls_of(step)) == 1
        world.work_off()
        world.clock.advance(seconds=1)
    world.come_to_rest()

    first, second = world.stripe.calls_of(step)
    assert first == second


@pytest.mark.parametrize("step", STEPS)
def test_a_call_that_arrives_after_its_repetition_was_made_has_no_effect_of_its_own(world: World, step: str):
    """As after a slow network, or if the process was frozen just before it called."""
    world.put_order()

    def another_repeats_it() -> None:
        world.clock.advance(seconds=61)
        world.bridge.intents.settle_due()

    world.stripe.before_next(step, another_repeats_it)
    world.send()
    world.come_to_rest()

    assert len(world.customers_at_stripe()) == len(world.at_stripe()) == len(world.mails()) == 1
    assert len({call.key for call in world.stripe.calls_of(step)}) == 1


@pytest.mark.parametrize("host_ahead", [-151, 151])
def test_a_process_whose_clock_is_far_off_leaves_every_call_to_others(world: World, host_ahead: float):
    world.put_order()
    world.clock.host_ahead = host_ahead
    not_sent(world)
    for _ in range(5):
        world.clock.advance(seconds=61)
        world.work_off()

    assert {call.method for call in world.stripe.calls} & set(STEPS) == set()
    assert [each.state for each in world.unsettled()] == [IntentState.PLANNED]
    world.clock.host_ahead = 150
    world.come_to_rest()
    assert world.send().view.invoice.status is InvoiceStatus.OPEN


@pytest.mark.parametrize("step", STEPS)
def test_a_process_whose_clock_is_set_far_off_leaves_what_follows_to_others(world: World, step: str):
    world.put_order()
    world.stripe.before_next(step, lambda: setattr(world.clock, "host_ahead", 600.0))
    with nullcontext() if step == "send" else pytest.raises(InvoiceNotSent):
        world.send()
    world.clock.host_ahead = 0.0
    world.come_to_rest()

    assert world.send().view.invoice.status is InvoiceStatus.OPEN
    assert [len(world.stripe.calls_of(each)) for each in STEPS] == [1] * len(STEPS)


@pytest.mark.parametrize("step", STEPS)
def test_a_key_under_which_stripe_repeats_its_failure_is_given_up_and_stripe_checked_before_the_next(
    world: World, step: str
):
    world.put_order()
    world.fail(step, OutcomeUnknown("500"))
    world.fail(step, KeySpent("500, replayed"))
    not_sent(world)
    world.come_to_rest()

    first, second, third = world.stripe.calls_of(step)
    assert first.key == second.key != third.key
    looks = [each.method for each in world.stripe.calls]
    between = looks[looks.index(step) + 1 : len(looks) - looks[::-1].index(step) - 1]
    assert [each for each in between if each in (step, LOOKS[step])][-1] == LOOKS[step]
    assert world.send().view.invoice.status is InvoiceStatus.OPEN


@pytest.mark.parametrize("step", STEPS)
def test_a_key_that_stripe_may_have_forgotten_is_not_used_again(world: World, step: str):
    world.put_order()
    world.fail(step, OutcomeUnknown("cut"), after_effect=True)
    world.fail(LOOKS[step], OutcomeUnknown("down"), times=1_000)
    not_sent(world)
    a_day_goes_by(world)
    world.expire_idempotency_keys()
    world.stop_failing()
    world.come_to_rest()

    assert len(world.stripe.calls_of(step)) == 1
    assert len(world.customers_at_stripe()) == len(world.at_stripe()) == len(world.mails()) == 1


@pytest.mark.parametrize("step", STEPS)
def test_after_a_day_a_call_without_effect_is_made_under_a_new_key(world: World, step: str):
    world.put_order()
    world.fail(step, OutcomeUnknown("cut"))
    world.fail(LOOKS[step], OutcomeUnknown("down"), times=1_000)
    not_sent(world)
    a_day_goes_by(world)
    world.stop_failing()
    world.come_to_rest()

    first, second = world.stripe.calls_of(step)
    assert first.key != second.key
    assert first.arguments == second.arguments


def test_a_busy_stripe_does_not_make_us_forget_that_an_earlier_call_may_have_had_its_effect(world: World):
    world.put_order()
    world.fail("create_draft", OutcomeUnknown("cut"))
    world.fail("create_draft", GatewayBusy("429"))
    not_sent(world)
    first_at = world.unsettled()[0].first_sent_at
    world.clock.advance(seconds=61)
    world.bridge.intents.settle_due()

    (waiting,) = world.unsettled()
    assert (waiting.state, waiting.first_sent_at, waiting.last_error) == (
        IntentState.UNKNOWN,
        first_at,
        "429",
    )


@pytest.mark.parametrize("step", STEPS)
def test_an_effect_that_was_only_not_answered_is_found_and_not_repeated(world: World, step: str):
    world.put_order()
    world.fail(step, OutcomeUnknown("500"), after_effect=True)

    invoice = world.send().view.invoice

    assert invoice.status is InvoiceStatus.OPEN
    assert len(world.stripe.calls_of(step)) == 1


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("error", [GatewayBusy("429"), GatewayMisconfigured("wrong key")])
def test_a_call_that_stripe_did_not_accept_is_made_again_under_its_key(
    world: World, step: str, error: GatewayError
):
    world.put_order()
    world.fail(step, error)

    assert world.send().view.invoice.status is InvoiceStatus.OPEN

    first, second = world.stripe.calls_of(step)
    assert first.key == second.key


def test_with_a_wrong_key_of_our_own_a_send_waits_until_the_key_is_fixed(world: World):
    world.put_order()
    world.fail("finalize", GatewayMisconfigured("wrong key"), times=30)
    assert not not_sent(world).final
    for _ in range(10):
        world.clock.advance(seconds=61)
        world.work_off()
    assert world.order().open_invoice

    world.stop_failing()
    world.clock.advance(seconds=900)
    world.come_to_rest()

    assert world.invoice(1).status is InvoiceStatus.OPEN


def test_an_intent_leased_to_another_worker_is_left_alone_until_the_lease_ends(world: World):
    world.put_order()
    calls: list[int] = []

    def workers_come_by() -> None:
        world.clock.advance(seconds=59)
        calls.append(world.bridge.intents.settle_due())

    world.stripe.before_next("add_lines", workers_come_by)
    world.send()

    assert calls == [0]
    assert len(world.stripe.calls_of("add_lines")) == 1


@pytest.mark.parametrize("step", ["create_draft", "finalize"])
def test_a_process_that_was_held_up_for_longer_than_its_lease_calls_no_more(world: World, step: str):
    """By then, another worker has checked Stripe, found no effect, and continued."""
    world.put_order()
    earlier = STEPS[STEPS.index(step) - 1]
    commits = []

    def hold_up(crossing: int, place: str) -> None:
        if place == f"after {earlier}":
            commits.append(crossing)
        # The commit that takes the step's intent.
        if (
            place == "after commit"
            and commits
            and len(world.stripe.calls_of(step)) == 0
            and is_taken(world, step)
        ):
            commits.clear()
            world.clock.advance(seconds=61)
            assert world.bridge.intents.settle_due() == 1

    world.restart(Boundary(hold_up).around)
    world.send()

    assert len(world.stripe.calls_of(step)) == 1
    assert len(world.at_stripe()) == 1


def is_taken(world: World, step: str) -> bool:
    return any((each.operation.value, each.state.value) == (step, "sent") for each in world.unsettled())


def test_one_failing_intent_does_not_hold_up_the_others(world: World, caplog: pytest.LogCaptureFixture):
    for order_id in (501, 502):
        world.put_order(order_id)
        world.fail("create_customer" if order_id == 501 else "create_draft", GatewayBusy("busy"), times=9)
        with pytest.raises(InvoiceNotSent):
            world.send(order_id)
    world.stop_failing()
    world.stripe.before_next("create_customer", lambda: 1 / 0)
    world.clock.advance(seconds=900)

    world.bridge.intents.settle_due()
    assert "intent could not be settled" in caplog.text
    world.come_to_rest()

    assert len(world.payable_at_stripe()) == 2


def test_unsettled_work_is_seen_with_its_error(world: World):
    world.put_order()
    world.fail("finalize", OutcomeUnknown("connection reset"), times=30)
    world.fail("invoice", OutcomeUnknown("still down"), times=30)
    not_sent(world)

    (intent,) = world.unsettled()
    assert intent.operation is Operation.FINALIZE
    assert intent.last_error == "still down"
    assert intent.attempts > 1


def test_a_lookup_that_stripe_refuses_is_no_refusal_of_the_call_before_it(world: World):
    world.put_order()
    world.fail("create_draft", OutcomeUnknown("cut"), after_effect=True)
    world.fail("find_invoice", GatewayRefused("The key lacks a permission"), times=10)
    not_sent(world)
    (waiting,) = world.unsettled()
    assert waiting.last_error == "The key lacks a permission"

    world.stop_failing()
    world.come_to_rest()

    assert world.invoice(1).status is InvoiceStatus.OPEN
    assert len(world.at_stripe()) == 1


@pytest.mark.parametrize("step", STEPS)
def test_a_fault_of_ours_is_kept_with_its_place_and_tried_ever_more_rarely(
    world: World, step: str, caplog: pytest.LogCaptureFixture
):
    world.put_order()
    for _ in range(12):
        world.stripe.before_next(step, lambda: 1 / 0)
    not_sent(world)
    for _ in range(30):
        world.clock.advance(seconds=61)
        world.work_off()

    (waiting,) = world.unsettled()
    assert waiting.last_error is not None
    assert waiting.last_error.startswith("ZeroDivisionError at test_settle.py:")
    assert waiting.due_at - world.clock.now() > timedelta(minutes=1)
    assert "intent could not be settled" in caplog.text


def test_an_invoice_that_an_unanswered_call_may_have_opened_keeps_its_order_when_access_is_revoked(
    world: World,
):
    world.put_order()
    world.fail("finalize", OutcomeUnknown("500"), after_effect=True)
    world.fail("invoice", OutcomeUnknown("cut"), times=30)
    not_sent(world)
    world.stripe.revoke(world.account_id)
    world.stop_failing()
    a_day_goes_by(world)

    assert world.order().open_invoice is not None
    (waiting,) = world.unsettled()
    assert (waiting.operation, waiting.state) == (Operation.FINALIZE, IntentState.UNKNOWN)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after_effect", [False, True])
def test_a_send_whose_outcome_was_unknown_when_access_was_revoked_is_finished_by_a_reconnect(
    world: World, step: str, after_effect: bool
):
    world.put_order()
    world.fail(step, OutcomeUnknown("cut"), after_effect=after_effect)
    for look in ("find_customer", "find_invoice", "invoice", "was_sent"):
        world.fail(look, OutcomeUnknown("cut"), times=30)
    not_sent(world)
    world.stripe.revoke(world.account_id)
    world.stop_failing()
    a_day_goes_by(world)
    world.bridge.reconciliation.reconcile(world.integration_id)
    world.connect(world.account_id, into=world.integration_id)
    world.come_to_rest()

    # Undone if it could not have been paid; otherwise kept, and continued.
    view = world.order()
    assert (view.open_invoice is None) is (step in ("create_customer", "create_draft", "add_lines"))
    assert world.send().view.invoice.status is InvoiceStatus.OPEN
    assert len(world.payable_at_stripe()) == 1
    assert world.mails()


def test_intents_that_are_due_are_left_for_others(world: World):
    world.put_order()
    world.fail("create_customer", OutcomeUnknown("down"))
    with pytest.raises(BridgeError):
        world.send()
    (before,) = world.unsettled()
    world.clock.advance(seconds=3600)

    world.bridge.intents.settle_due(lambda: True)

    assert world.unsettled() == [before]


def test_each_call_is_traced_within_the_settling_of_its_intent():
    settling = Settling()
    intent = settling.plan(account_id="acct_7")

    settling.settle(intent.id)

    outer, call = settling.tracing.spans
    assert (outer.name, outer.facts, outer.parents) == ("settle intent", {"intent.id": intent.id}, ())
    assert (call.name, call.parents) == ("call create_draft", ("settle intent",))
    assert call.facts == {
        "intent.id": intent.id,
        "intent.subject": intent.subject,
        "intent.revision": 1,
        "stripe.account": "acct_7",
    }


def test_a_lookup_of_an_effect_is_traced_instead_of_a_call_if_it_finds_one():
    settling = Settling(effect="found")
    intent = settling.leased()
    settling.clock.advance(settling.leases.lease)

    settling.settle(intent.id)

    assert [span.name for span in settling.tracing.spans] == ["settle intent", "check create_draft"]
    assert settling.step.called == []
    assert settling.find(intent.id).state is IntentState.CONFIRMED


def hold_sends(settling: Settling) -> None:
    with settling.store.writing() as work:
        hold = RecoveryHold(tenant_id=TENANT, account_id=ACCOUNT, held_at=settling.clock.now())
        work.recoveries.hold(hold)
        work.commit()


def lease(settling: Settling, subject: str = "invoice:1") -> Leased:
    with settling.store.writing() as work:
        leased = settling.settle.lease(work, an_intent(due_at=settling.clock.now(), subject=subject))
        work.commit()
    return leased


def test_nothing_is_called_while_the_tenants_sends_are_held():
    settling = Settling()
    hold_sends(settling)

    settling.settle.run_leased(lease(settling))

    assert settling.step.called == []


def test_that_there_was_no_hold_counts_only_for_a_moment():
    settling = Settling()
    at_once, held_up = lease(settling, "invoice:1"), lease(settling, "invoice:2")
    settling.settle.run_leased(at_once)
    assert settling.step.called == [at_once.intent.id]
    hold_sends(settling)
    settling.clock.advance(timedelta(seconds=1))

    settling.settle.run_leased(held_up)

    assert settling.step.called == [at_once.intent.id]


def test_an_intent_that_is_leased_when_it_is_planned_is_run_by_that_request_alone():
    settling = Settling()
    with settling.store.writing() as work:
        leased = settling.settle.lease(work, an_intent(due_at=settling.clock.now()))
        work.commit()

    settling.settle(leased.intent.id)
    assert settling.step.called == [], "It is leased: another worker leaves it alone."
    settling.settle.run_leased(leased)

    assert settling.step.called == [leased.intent.id]
    assert settling.step.checked == [], "It was never called before, so there is no effect to look for."
    assert settling.find(leased.intent.id).state is IntentState.CONFIRMED
