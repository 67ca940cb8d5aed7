"""After a restore, reconciling since a date takes in everything that was made for us at Stripe."""

from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.domain.errors.conflicts import OrderBilledTwice
from stripe_bridge.domain.errors.outcomes import Recovering
from stripe_bridge.domain.intent import IntentState
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.reconciliation import Drift, ReconcileReport
from stripe_bridge.domain.stripe_objects import METADATA_SIGNATURE, StripeInvoice
from stripe_bridge.ports.stripe.errors import OutcomeUnknown
from stripe_bridge.use_cases.reconciliation.recover import Recovery
from tests.use_cases.restoring import ALL, back_up, holds, recover, restore, unresolved
from tests.world import A_WHILE, World


@pytest.fixture
def world() -> World:
    world = World()
    world.connect()
    return world


def copied(world: World, original: str, **changes: object) -> StripeInvoice:
    """The merchant copies an invoice, with its metadata."""
    account = world.stripe.accounts[world.account_id]
    copy: StripeInvoice = replace(account.invoices[original], id=world.stripe.new_id("in"), **changes)
    account.invoices[copy.id] = copy
    account.created_at[copy.id] = world.clock.now()
    return copy


def found(report: ReconcileReport, cause: Drift) -> int:
    return report.drift.get(cause, 0)


def test_sends_go_on_once_the_account_is_recovered(world: World):
    backup = back_up(world)
    lost = world.sent(501)
    events = world.events()
    restore(world, backup)
    world.deliver(events)

    report = recover(world)

    assert (found(report, Drift.ADOPTED), report.faults) == (1, ())
    assert holds(world) == []
    world.put_order(501)
    assert world.send(501).view.invoice.id == lost.id
    assert world.sent(502).id > 10_000


def test_the_list_alone_shows_a_restore(world: World):
    """Reconciling first, without any event."""
    backup = back_up(world)
    lost = world.sent(501)
    restore(world, backup)

    recover(world)

    assert world.invoice(lost.id).status is InvoiceStatus.OPEN
    assert world.sent(502).id > 10_000


def test_an_ordinary_run_releases_nothing(world: World):
    backup = back_up(world)
    world.sent(501)
    events = world.events()
    restore(world, backup)
    world.deliver(events)

    world.bridge.reconciliation.reconcile(world.integration_id)

    assert holds(world)


def test_a_run_that_could_not_take_in_everything_releases_nothing(world: World):
    backup = back_up(world)
    lost = world.sent(501)
    world.pay(lost)
    restore(world, backup)
    world.fail("payments_of", OutcomeUnknown("timeout"))

    report = recover(world)

    assert report.faults
    assert holds(world)
    world.stop_failing()
    assert recover(world).faults == ()
    assert holds(world) == []
    assert world.invoice(lost.id).amount_collected == lost.amount


def test_a_second_run_changes_nothing(world: World):
    backup = back_up(world)
    world.paid(501)
    restore(world, backup)
    recover(world)
    before = world.store.committed.invoices.rows

    report = recover(world)

    assert found(report, Drift.ADOPTED) == 0
    assert world.store.committed.invoices.rows == before


def test_a_revision_is_not_taken_in_but_stays_known_as_one(world: World):
    backup = back_up(world)
    lost = world.sent(501)
    world.stripe.revise(world.account_id, lost.stripe_invoice_id)
    restore(world, backup)

    report = recover(world)

    assert (found(report, Drift.ADOPTED), found(report, Drift.COPIED_REFERENCE)) == (1, 0)
    assert world.invoice(lost.id).status is InvoiceStatus.VOID
    assert unresolved(world) == []


def test_of_two_copies_neither_is_taken_in_and_the_order_is_held(world: World):
    backup = back_up(world)
    lost = world.sent(501)
    copy = copied(world, str(lost.stripe_invoice_id))
    restore(world, backup)
    world.put_order(501)

    report = recover(world)

    assert (found(report, Drift.ADOPTED), found(report, Drift.COPIED_REFERENCE)) == (0, 1)
    ids = {str(lost.stripe_invoice_id), copy.id}
    assert {each.stripe_invoice_id for each in unresolved(world)} == ids
    with pytest.raises(OrderBilledTwice):
        world.send(501)
    assert world.sent(502).status is InvoiceStatus.OPEN


def test_a_copy_of_a_known_invoice_is_reported(world: World):
    known = world.sent(501)
    copied(world, str(known.stripe_invoice_id))

    report = recover(world)

    assert found(report, Drift.COPIED_REFERENCE) == 1
    assert holds(world) == []


def test_an_order_that_was_billed_again_before_the_restore_was_noticed_is_reported_and_held(world: World):
    backup = back_up(world)
    first = world.sent(501)
    restore(world, backup)
    second = world.sent(501)

    report = recover(world)

    assert found(report, Drift.BILLED_TWICE) == 1
    (left,) = unresolved(world)
    assert (left.stripe_invoice_id, left.other_stripe_invoice_id) == (
        first.stripe_invoice_id,
        second.stripe_invoice_id,
    )
    with pytest.raises(OrderBilledTwice):
        world.send(501)
    (finding,) = [each for each in world.bridge.operations.diagnose() if "billed twice" in each.what]
    assert str(first.stripe_invoice_id) in finding.what
    assert str(second.stripe_invoice_id) in finding.what


def test_what_is_unresolved_holds_nobody_else(world: World):
    backup = back_up(world)
    world.sent(501)
    restore(world, backup)
    world.sent(501)
    recover(world)

    world.deliver()

    assert holds(world) == []
    assert world.sent(502).status is InvoiceStatus.OPEN


def test_once_one_of_two_invoices_is_void_the_order_goes_on(world: World):
    backup = back_up(world)
    first = world.sent(501)
    restore(world, backup)
    second = world.sent(501)
    recover(world)
    world.stripe.void(world.account_id, first.stripe_invoice_id)

    recover(world)

    assert unresolved(world) == []
    assert world.send(501).view.invoice.id == second.id


def test_a_reservation_that_stripe_never_saw_gives_way_to_what_it_has(world: World):
    """When the backup was made, a send was under way that failed soon after; a later one went through."""
    world.put_order(501)
    world.fail("create_draft", OutcomeUnknown("timeout"))
    with pytest.raises(Exception, match="sent"):
        world.send(501)
    backup = back_up(world)
    world.clock.advance(A_WHILE)
    world.stop_failing()
    world.stripe.delete_customer(world.account_id, world.customers_at_stripe()[0])
    world.come_to_rest()
    (invoice,) = world.at_stripe()
    restore(world, backup)
    world.clock.advance(A_WHILE)

    report = recover(world)

    assert report.faults == ()
    assert [each.stripe_invoice_id for each in world.store.committed.invoices.rows.values()] == [invoice.id]
    world.come_to_rest()
    assert world.at_stripe() == [invoice]


def test_what_was_only_planned_is_not_begun_again(world: World):
    """The refund was made after the backup, and taken back by the merchant's bank: the ERP knows, this database does not."""
    paid = world.paid(501)
    world.fail("create_refund", OutcomeUnknown("timeout"))
    world.refund(paid.id, 500)
    backup = back_up(world)
    world.sent(502)
    restore(world, backup)
    world.clock.advance(A_WHILE)

    recover(world)
    world.come_to_rest()

    assert world.refunds_at_stripe() == []
    with world.store.reading() as work:
        assert [each.state for each in work.refunds.of_invoice(paid.id)] == ["refused"]
        assert all(
            each.state in (IntentState.CONFIRMED, IntentState.FAILED)
            for each in work.intents.unsettled_in_account(world.account_id)
        )


def test_invoices_from_before_the_signature_are_taken_in_only_if_asked_for(world: World):
    backup = back_up(world)
    lost = world.sent(501)
    account = world.stripe.accounts[world.account_id]
    old = account.invoices[lost.stripe_invoice_id]
    kept = ("bridge_intent", "tenant", "sales_order_id", "sales_order_number")
    account.invoices[old.id] = replace(old, metadata={key: old.metadata[key] for key in kept})
    assert METADATA_SIGNATURE not in account.invoices[old.id].metadata
    restore(world, backup)

    assert found(recover(world), Drift.ADOPTED) == 0
    report = recover(world, replace(ALL, adopt_unsigned=True))

    assert (found(report, Drift.ADOPTED), report.faults) == (1, ())
    world.put_order(501)
    assert world.send(501).view.invoice.stripe_invoice_id == lost.stripe_invoice_id


def test_what_is_older_than_the_date_is_not_looked_at(world: World):
    backup = back_up(world)
    world.sent(501)
    restore(world, backup)

    later = Recovery(since=world.clock.now() + timedelta(hours=1))

    assert found(recover(world, later), Drift.ADOPTED) == 0


def test_an_operator_can_hold_everyone(world: World):
    assert world.bridge.operations.begin_recovery()
    assert not world.bridge.operations.begin_recovery()
    world.put_order(501)
    with pytest.raises(Recovering):
        world.send(501)

    recover(world)

    assert world.send(501).view.invoice.status is InvoiceStatus.OPEN
    assert [hold.is_for_everyone for hold in holds(world)] == [True]
    world.bridge.reconciliation.end_recovery()
    assert holds(world) == []


def test_while_everyone_is_held_each_account_goes_on_once_it_is_recovered(world: World):
    world.bridge.operations.begin_recovery()
    recover(world)
    recovered = world.integration_id
    world.connect(tenant="another")
    world.put_order(7, tenant="another")
    world.put_order(501)

    assert world.send(501, into=recovered).view.invoice.status is InvoiceStatus.OPEN
    with pytest.raises(Recovering):
        world.send(7, tenant="another")


def test_an_empty_database_is_recovered_as_well(world: World):
    lost = world.paid(501)
    account_id = world.account_id
    empty = World(stripe=world.stripe)
    empty.clock.advance(A_WHILE)
    empty.bridge.operations.begin_recovery()
    empty.connect(account_id)
    assert empty.integration_id > 10_000

    report = recover(empty)

    assert (found(report, Drift.ADOPTED), report.faults) == (1, ())
    assert empty.invoice(lost.id).status is InvoiceStatus.PAID
    assert empty.invoice(lost.id).integration_id == empty.integration_id
