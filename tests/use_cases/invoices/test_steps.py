"""The steps of a send, and what undoes one: drafting, sending, and the settling that drives them."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.domain.errors.outcomes import InvoiceNotSent
from stripe_bridge.domain.intent import IntentState, Operation
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.stripe_objects import StripeInvoiceStatus
from stripe_bridge.ports.stripe.errors import (
    AccessRevoked,
    GatewayBusy,
    GatewayError,
    GatewayMisconfigured,
    GatewayRefused,
    OutcomeUnknown,
)
from tests.builders import AMOUNT, TENANT
from tests.proofs.boundary import Boundary
from tests.world import World

STEPS = ("create_customer", "create_draft", "add_lines", "finalize", "send")


def not_sent(world: World, order_id: int = 501) -> InvoiceNotSent:
    with pytest.raises(InvoiceNotSent) as caught:
        world.send(order_id)
    return caught.value


def assert_the_order_is_free(world: World) -> None:
    """Its order is free, and can be invoiced once."""
    assert world.order().open_invoice is None
    assert not world.unsettled()
    assert not world.payable_at_stripe()
    # A void invoice that had a number stays visible.
    assert {each.status for each in world.bridge.invoices.list_for_order(TENANT, 501)} <= {InvoiceStatus.VOID}
    world.stripe.accounts[world.account_id].customers.clear()
    assert world.send().view.invoice.status is InvoiceStatus.OPEN
    assert len(world.payable_at_stripe()) == 1


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


def test_metadata_finds_order_and_intent_again(world: World):
    world.sent()

    (theirs,) = world.at_stripe()
    assert theirs.metadata["tenant"] == TENANT
    assert theirs.metadata["sales_order_number"] == "SO-501"
    references = {each.reference for each in world.store.committed.intents.rows.values()}
    assert theirs.metadata["bridge_intent"] in references


def test_the_invoices_id_is_stored_before_anything_can_be_paid(world: World):
    known = []

    def look() -> None:
        (draft,) = world.at_stripe()
        known.append((draft.status, world.invoice(1).stripe_invoice_id == draft.id))

    world.stripe.before_next("finalize", look)
    world.sent()

    assert known == [(StripeInvoiceStatus.DRAFT, True)]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_stripe_refuses_is_final_and_leaves_nothing_payable(world: World, step: str):
    world.put_order()
    world.fail(step, GatewayRefused("no"))

    error = not_sent(world)

    assert (error.final, error.reason) == (True, "no")
    assert_the_order_is_free(world)


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
def test_what_may_have_happened_is_not_asked_for_again_within_a_minute_and_then_under_a_new_key(
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
    assert first.key != second.key
    assert first.arguments == second.arguments or step == "create_draft"


@pytest.mark.parametrize("step", STEPS)
def test_an_effect_that_was_only_not_answered_is_found_and_not_repeated(world: World, step: str):
    world.put_order()
    world.fail(step, OutcomeUnknown("500"), after_effect=True)

    invoice = world.send().view.invoice

    assert invoice.status is InvoiceStatus.OPEN
    assert len(world.stripe.calls_of(step)) == 1


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("error", [GatewayBusy("429"), GatewayMisconfigured("wrong key")])
def test_a_call_that_stripe_did_not_take_is_made_again_under_its_key(
    world: World, step: str, error: GatewayError
):
    world.put_order()
    world.fail(step, error)

    assert world.send().view.invoice.status is InvoiceStatus.OPEN

    first, second = world.stripe.calls_of(step)
    assert first.key == second.key


def test_with_a_wrong_key_of_our_own_a_send_waits_until_it_is_mended(world: World):
    world.put_order()
    world.fail("finalize", GatewayMisconfigured("wrong key"), times=30)
    assert not not_sent(world).final
    for _ in range(10):
        world.clock.advance(seconds=61)
        world.work_off()
    assert world.order().open_invoice

    world.mend()
    world.clock.advance(seconds=900)
    world.come_to_rest()

    assert world.invoice(1).status is InvoiceStatus.OPEN


def test_a_customer_that_stripe_no_longer_has_is_made_anew(world: World):
    first = world.sent(501)
    world.stripe.delete_customer(world.account_id, first.stripe_customer_id)

    second = world.sent(502)

    assert second.status is InvoiceStatus.OPEN
    assert second.stripe_customer_id != first.stripe_customer_id
    third = world.sent(503)
    assert third.stripe_customer_id == second.stripe_customer_id


@pytest.mark.parametrize("balance", [500, -500, -AMOUNT, -2 * AMOUNT])
def test_an_invoice_whose_amount_a_balance_moved_is_undone_and_never_mailed(world: World, balance: int):
    first = world.sent(500)
    world.stripe.set_balance(world.account_id, first.stripe_customer_id, balance)
    world.put_order(501)

    if balance > -AMOUNT:
        assert not_sent(world).final
        assert world.order().open_invoice is None
    else:
        # Nothing was left to pay, because Stripe used the customer's credit.
        assert world.send().view.invoice.status is InvoiceStatus.PAID
        assert world.order().outstanding == 0
    assert world.mails() == [first.stripe_invoice_id]
    assert [each.id for each in world.payable_at_stripe()] == [first.stripe_invoice_id]


def test_a_draft_that_would_ask_for_another_amount_is_deleted_before_it_is_finalized(world: World):
    world.put_order()

    def add_something() -> None:
        # What the merchant's other apps may do to a draft.
        account = world.stripe.accounts[world.account_id]
        (draft,) = account.invoices.values()
        account.invoices[draft.id] = replace(draft, total=100, amount_due=100)

    world.stripe.before_next("add_lines", add_something)

    assert not_sent(world).final
    assert world.at_stripe() == []
    assert "finalize" not in world.calls()
    assert_the_order_is_free(world)


def test_a_draft_that_was_finalized_before_it_could_be_deleted_is_voided(world: World):
    world.put_order()

    def finalize_it() -> None:
        (draft,) = world.at_stripe()
        world.adapters.invoice_gateway.finalize(world.account_id, draft.id, "the-merchants-own")

    world.fail("finalize", GatewayRefused("no"))
    world.stripe.before_next("delete_draft", finalize_it)

    assert not_sent(world).final
    assert [each.status for each in world.at_stripe()] == [StripeInvoiceStatus.VOID]
    assert world.order().open_invoice is None


def test_a_draft_that_the_merchant_deleted_frees_the_order(world: World):
    world.put_order()

    def delete_it() -> None:
        (draft,) = world.at_stripe()
        world.adapters.invoice_gateway.delete_draft(world.account_id, draft.id)

    world.stripe.before_next("finalize", delete_it)

    assert not_sent(world).final
    assert_the_order_is_free(world)


def test_an_answer_that_is_older_than_what_a_webhook_brought_meanwhile_changes_nothing(world: World):
    world.put_order()
    credited = AMOUNT - 500

    def credit(_crossing: int, place: str) -> None:
        if place != "after send":
            return
        invoices = world.stripe.accounts[world.account_id].invoices
        (shown,) = invoices.values()
        invoices[shown.id] = replace(shown, amount_remaining=credited)
        world.deliver([world.event("credit_note.created", {"invoice": shown.id})])
        assert world.invoice(1).amount_remaining == credited

    world.restart(Boundary(credit).around)

    assert world.send().view.invoice.amount_remaining == credited


def test_an_invoice_that_is_paid_before_it_is_mailed_is_paid_and_that_is_fine(world: World):
    world.put_order()
    world.stripe.before_next("send", lambda: world.pay(world.invoice(1)))

    sent = world.send()

    assert sent.created
    assert sent.view.invoice.status is InvoiceStatus.PAID
    assert not world.mails()


def test_an_invoice_that_is_paid_before_it_can_be_undone_is_told_as_paid(world: World):
    world.put_order()
    world.fail("send", GatewayRefused("no"))
    world.stripe.before_next("void", lambda: world.pay(world.invoice(1)))

    assert world.send().view.invoice.status is InvoiceStatus.PAID


def test_an_invoice_voided_by_the_merchant_before_it_is_mailed_frees_the_order(world: World):
    world.put_order()

    def void_it() -> None:
        (theirs,) = world.at_stripe()
        world.adapters.invoice_gateway.void(world.account_id, theirs.id, "the-merchants-own")

    world.stripe.before_next("send", void_it)
    world.send()

    assert world.order().open_invoice is None
    assert world.send().created


@pytest.mark.parametrize("step", STEPS[1:-1])
def test_access_revoked_before_an_invoice_is_open_frees_the_order(world: World, step: str):
    world.put_order()
    world.stripe.before_next(step, lambda: world.stripe.revoke(world.account_id))

    assert not_sent(world).final
    assert not world.unsettled()
    assert world.order().open_invoice is None


def test_an_open_invoice_that_could_be_neither_mailed_nor_voided_is_not_told_as_sent(world: World):
    world.put_order()
    world.stripe.before_next("send", lambda: world.stripe.revoke(world.account_id))

    assert not not_sent(world).final
    assert world.invoice(1).status is InvoiceStatus.OPEN


def test_customers_are_made_once_for_orders_that_wait_for_the_same(world: World):
    world.put_order(501)
    world.put_order(502)
    world.stripe.before_next("create_customer", lambda: not_sent(world, 502))

    first = world.send(501)
    world.come_to_rest()

    assert len(world.customers_at_stripe()) == 1
    assert first.view.invoice.status is InvoiceStatus.OPEN
    assert [each.status for each in world.bridge.invoices.list_for_order(TENANT, 502)] == [InvoiceStatus.OPEN]
    assert len(world.payable_at_stripe()) == 2


def test_a_customer_that_stripe_refuses_frees_every_order_that_waits_for_it(world: World):
    world.put_order(501)
    world.put_order(502)
    outcomes = []

    world.fail("create_customer", GatewayRefused("no"))
    world.stripe.before_next("create_customer", lambda: outcomes.append(not_sent(world, 502).final))
    assert not_sent(world).final

    assert outcomes == [False]
    assert world.order(501).open_invoice is None
    assert world.order(502).open_invoice is None


def test_a_mail_of_unknown_outcome_is_sent_again_rather_than_not_at_all(world: World):
    world.put_order()
    world.fail("send", OutcomeUnknown("cut"))
    not_sent(world)

    world.come_to_rest()

    assert len(world.mails()) == 1
    assert world.invoice(1).sent_at


def test_somebody_elses_intent_is_left_alone_until_its_lease_ends(world: World):
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
    """By then, somebody else has looked, found nothing, and continued with a new key."""
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


def test_one_sick_intent_does_not_hold_up_the_others(world: World, caplog: pytest.LogCaptureFixture):
    for order_id in (501, 502):
        world.put_order(order_id)
        world.fail("create_customer" if order_id == 501 else "create_draft", GatewayBusy("busy"), times=9)
        with pytest.raises(InvoiceNotSent):
            world.send(order_id)
    world.mend()
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


def test_access_revoked_is_told_apart_from_a_fault_of_ours(world: World):
    world.put_order()
    world.fail("create_draft", AccessRevoked("no access"))

    assert not_sent(world).reason == "no access"


def test_an_invoice_that_an_unanswered_call_may_have_opened_keeps_its_order_when_access_is_revoked(
    world: World,
):
    world.put_order()
    world.fail("finalize", OutcomeUnknown("500"), after_effect=True)
    world.fail("invoice", OutcomeUnknown("cut"), times=30)
    not_sent(world)
    world.stripe.revoke(world.account_id)
    world.mend()
    a_day_goes_by(world)

    assert world.order().open_invoice is not None
    (waiting,) = world.unsettled()
    assert (waiting.operation, waiting.state) == (Operation.FINALIZE, IntentState.UNKNOWN)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after_effect", [False, True])
def test_a_send_whose_outcome_was_unknown_when_we_were_locked_out_is_finished_by_a_reconnect(
    world: World, step: str, after_effect: bool
):
    world.put_order()
    world.fail(step, OutcomeUnknown("cut"), after_effect=after_effect)
    for look in ("find_customer", "find_invoice", "invoice", "was_sent"):
        world.fail(look, OutcomeUnknown("cut"), times=30)
    not_sent(world)
    world.stripe.revoke(world.account_id)
    world.mend()
    a_day_goes_by(world)
    world.bridge.reconciliation.reconcile(world.integration_id)
    world.connect(world.account_id, into=world.integration_id)
    world.come_to_rest()

    # Undone if nobody could have paid it; otherwise kept, and continued.
    view = world.order()
    assert (view.open_invoice is None) is (step in ("create_customer", "create_draft", "add_lines"))
    assert world.send().view.invoice.status is InvoiceStatus.OPEN
    assert len(world.payable_at_stripe()) == 1
    assert world.mails()


def a_day_goes_by(world: World) -> None:
    for _ in range(24):
        world.clock.advance(seconds=3600)
        world.work_off()


@pytest.mark.parametrize("through", ["the same integration", "another one"])
def test_a_reconnect_has_what_waited_outside_looked_up_at_once(world: World, through: str):
    former = world.integration_id
    world.put_order()
    world.fail("finalize", OutcomeUnknown("500"), after_effect=True)
    world.fail("invoice", OutcomeUnknown("cut"), times=30)
    not_sent(world)
    world.stripe.revoke(world.account_id)
    world.mend()
    a_day_goes_by(world)
    world.bridge.reconciliation.reconcile(world.integration_id)
    world.nudges.waiting.clear()

    world.connect(world.account_id, into=former if through == "the same integration" else None)

    assert "settle_intents" in world.nudges.waiting
    world.work_off()
    assert not world.unsettled(former)
    assert world.invoice(1).status is InvoiceStatus.OPEN


def test_a_look_that_stripe_refuses_is_no_refusal_of_the_call_before_it(world: World):
    world.put_order()
    world.fail("create_draft", OutcomeUnknown("cut"), after_effect=True)
    world.fail("find_invoice", GatewayRefused("The key lacks a permission"), times=10)
    not_sent(world)
    (waiting,) = world.unsettled()
    assert waiting.last_error == "The key lacks a permission"

    world.mend()
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
    assert waiting.last_error.startswith("ZeroDivisionError at test_steps.py:")
    assert waiting.due_at - world.clock.now() > timedelta(minutes=1)
    assert "intent could not be settled" in caplog.text
