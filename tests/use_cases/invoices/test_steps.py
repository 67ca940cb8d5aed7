"""The steps of a send, and those that undo one."""

from dataclasses import replace

import pytest

from stripe_bridge.domain.errors.outcomes import CustomerHasBalance
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.stripe_objects import StripeInvoiceStatus
from stripe_bridge.ports.stripe.errors import (
    AccessRevoked,
    GatewayRefused,
    OutcomeUnknown,
)
from tests.builders import AMOUNT, TENANT
from tests.proofs.boundary import Boundary
from tests.use_cases.sends import STEPS, not_sent
from tests.world import World


def assert_the_order_is_free(world: World) -> None:
    """Its order is free, and can be invoiced once."""
    assert world.order().open_invoice is None
    assert not world.unsettled()
    assert not world.payable_at_stripe()
    # A void invoice that had a number stays visible.
    assert {each.invoice.status for each in world.bridge.invoices.list_for_order(TENANT, 501)} <= {
        InvoiceStatus.VOID
    }
    world.stripe.accounts[world.account_id].customers.clear()
    assert world.send().view.invoice.status is InvoiceStatus.OPEN
    assert len(world.payable_at_stripe()) == 1


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
        refused = not_sent(world)
        assert isinstance(refused, CustomerHasBalance)
        assert (refused.balance, refused.amount, refused.amount_due) == (balance, AMOUNT, AMOUNT + balance)
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


def test_an_invoice_that_is_paid_before_it_can_be_undone_is_reported_as_paid(world: World):
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


def test_an_open_invoice_that_could_be_neither_mailed_nor_voided_is_not_reported_as_sent(world: World):
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
    assert [each.invoice.status for each in world.bridge.invoices.list_for_order(TENANT, 502)] == [
        InvoiceStatus.OPEN
    ]
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


def test_revoked_access_is_distinguished_from_a_fault_of_ours(world: World):
    world.put_order()
    world.fail("create_draft", AccessRevoked("no access"))

    assert not_sent(world).reason == "no access"
