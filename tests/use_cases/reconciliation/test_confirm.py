"""What only an event has said of an invoice is read at Stripe, and stands or falls with what Stripe shows."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.settlement import CONFIRM_AFTER, MAX_DELAY, MIN_DELAY, MISSING_DELAY, Settlement
from stripe_bridge.domain.stripe_objects import StripeInvoiceStatus
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from stripe_bridge.ports.stripe.errors import (
    AccessRevoked,
    GatewayBusy,
    GatewayError,
    GatewayRefused,
    OutcomeUnknown,
)
from stripe_bridge.use_cases.reconciliation.confirm import BATCH_SIZE, LEASE
from tests.fakes.stripe import payloads
from tests.world import Event, World


def confirm(world: World, **how: Any) -> int:
    done: int = world.bridge.reconciliation.confirm_settlements(**how)
    return done


def forged(world: World, invoice: Invoice, status: StripeInvoiceStatus = StripeInvoiceStatus.PAID) -> Event:
    """An event that is signed like Stripe's, about what did not happen there."""
    (shown,) = [each for each in world.at_stripe() if each.id == invoice.stripe_invoice_id]
    is_paid = status is StripeInvoiceStatus.PAID
    false = replace(
        shown,
        status=status,
        amount_paid=shown.amount_due if is_paid else 0,
        amount_remaining=0 if is_paid else shown.amount_due,
        paid_at=world.clock.now() if is_paid else None,
    )
    return world.event("invoice.paid", payloads.invoice_object(false))


def unconfirmed(world: World, *order_ids: int) -> list[Invoice]:
    """Paid at Stripe, as events have told, and due to be confirmed."""
    sent = [world.sent(order_id) for order_id in order_ids]
    for invoice in sent:
        world.pay(invoice)
    world.deliver()
    world.clock.advance(CONFIRM_AFTER)
    found = [world.invoice(each.id) for each in sent]
    assert {each.settlement for each in found} == {Settlement.UNCONFIRMED}
    world.stripe.calls.clear()
    return found


def is_due(world: World, invoice: Invoice) -> timedelta | None:
    """In how long it is to be confirmed."""
    at = world.invoice(invoice.id).confirm_due_at
    return None if at is None else at - world.clock.now()


def test_what_an_event_said_is_confirmed_with_one_reading(world: World):
    (invoice,) = unconfirmed(world, 501)

    assert confirm(world) == 1

    confirmed = world.invoice(invoice.id)
    assert (confirmed.status, confirmed.settlement) == (InvoiceStatus.PAID, Settlement.CONFIRMED)
    assert [call.method for call in world.stripe.calls] == ["invoice"]
    assert confirm(world) == 0
    assert world.order().outstanding == 0


def test_nothing_is_read_before_the_other_events_of_a_payment_have_had_their_time(world: World):
    world.pay(world.sent())
    world.deliver()
    assert confirm(world) == 0
    world.clock.advance(CONFIRM_AFTER)
    assert confirm(world) == 1


def test_what_our_own_call_ended_needs_no_reading(world: World):
    invoice = world.sent()
    world.bridge.invoices.void(world.tenant, invoice.id)
    world.deliver()
    world.clock.advance(CONFIRM_AFTER)

    assert confirm(world) == 0
    assert world.invoice(invoice.id).confirmed_at is not None


def test_a_forged_payment_is_taken_back_and_the_order_owes_again(
    world: World, caplog: pytest.LogCaptureFixture
):
    invoice = world.sent()
    world.deliver([forged(world, invoice)])
    assert (world.order().outstanding, world.invoice(invoice.id).settlement) == (0, Settlement.UNCONFIRMED)
    world.clock.advance(CONFIRM_AFTER)

    confirm(world)

    corrected = world.invoice(invoice.id)
    assert (corrected.status, corrected.amount_paid, corrected.paid_at) == (InvoiceStatus.OPEN, 0, None)
    assert (corrected.settlement, corrected.contradicted_at) == (None, world.clock.now())
    assert world.order().outstanding == invoice.amount
    assert world.order().open_invoice == corrected
    (record,) = [each for each in caplog.records if each.msg == "invoice corrected: an event was wrong"]
    assert vars(record)["stripe_invoice_id"] == invoice.stripe_invoice_id
    assert b'drift_total{cause="corrected"} 1.0' in world.adapters.metrics.render(None)


def test_a_payment_after_a_forged_one_is_known_as_any_other(world: World):
    invoice = world.sent()
    world.deliver([forged(world, invoice)])
    world.clock.advance(CONFIRM_AFTER)
    confirm(world)

    world.pay(invoice)
    world.deliver()
    world.clock.advance(CONFIRM_AFTER)
    confirm(world)

    paid = world.invoice(invoice.id)
    assert (paid.status, paid.settlement) == (InvoiceStatus.PAID, Settlement.CONFIRMED)
    assert (paid.amount_collected, paid.stripe_charge_id is not None) == (invoice.amount, True)


@pytest.mark.parametrize("status", [StripeInvoiceStatus.VOID, StripeInvoiceStatus.UNCOLLECTIBLE])
def test_a_forged_end_is_taken_back_and_holds_the_order_again(world: World, status: StripeInvoiceStatus):
    invoice = world.sent()
    world.deliver([forged(world, invoice, status)])
    assert world.order().open_invoice is None
    world.clock.advance(CONFIRM_AFTER)

    confirm(world)

    assert world.order().open_invoice == world.invoice(invoice.id)
    assert [each.status for each in world.payments(invoice.id)] == ["open"], "The customer can pay it still."


def test_what_changed_while_stripe_was_read_is_read_again_later(world: World):
    (invoice,) = unconfirmed(world, 501)

    def change() -> None:
        with world.store.writing() as work:
            work.invoices.save(replace(world.invoice(invoice.id), user_id=99))
            work.commit()

    world.stripe.before_next("invoice", change)
    confirm(world)
    assert world.invoice(invoice.id).settlement is Settlement.UNCONFIRMED

    world.clock.advance(LEASE)
    confirm(world)
    assert world.invoice(invoice.id).settlement is Settlement.CONFIRMED


@pytest.mark.parametrize("error", [GatewayBusy("429"), OutcomeUnknown("no answer"), AccessRevoked("left")])
def test_if_stripe_does_not_answer_for_an_account_its_others_wait_without_being_asked_for(
    world: World, error: GatewayError, caplog: pytest.LogCaptureFixture
):
    first, second = unconfirmed(world, 501, 502)
    world.fail("invoice", error)

    assert confirm(world) == 2

    assert [call.method for call in world.stripe.calls] == ["invoice"]
    assert (is_due(world, first), is_due(world, second)) == (MIN_DELAY, MIN_DELAY)
    assert "settlement not confirmed" in caplog.text
    world.clock.advance(MIN_DELAY)
    assert confirm(world) == 2
    assert world.invoice(second.id).settlement is Settlement.CONFIRMED


@pytest.mark.parametrize("error", [GatewayRefused("not this one"), RuntimeError("a bug")])
def test_one_that_cannot_be_read_stops_no_other_and_waits_longer_each_time(world: World, error: Exception):
    failing, healthy = unconfirmed(world, 501, 502)
    waited = []
    for _ in range(9):
        world.stripe.before_next("invoice", lambda: throw(error))
        confirm(world)
        delay = is_due(world, failing)
        assert delay is not None
        waited.append(delay)
        world.clock.advance(delay)

    assert world.invoice(healthy.id).settlement is Settlement.CONFIRMED
    assert (waited[0], waited[-1], waited) == (MIN_DELAY, MAX_DELAY, sorted(waited))


def throw(error: Exception) -> None:
    raise error


def test_one_that_stripe_does_not_show_is_reported_and_read_again_the_next_day(
    world: World, caplog: pytest.LogCaptureFixture
):
    (invoice,) = unconfirmed(world, 501)
    world.stripe.accounts[world.account_id].invoices.clear()

    confirm(world)

    assert "object missing at Stripe" in caplog.text
    assert world.invoice(invoice.id).status is InvoiceStatus.PAID
    assert is_due(world, invoice) == MISSING_DELAY
    assert b'drift_total{cause="object_missing"} 1.0' in world.adapters.metrics.render(None)


def test_in_an_account_that_was_left_nothing_is_read_until_it_is_joined_again(world: World):
    (invoice,) = unconfirmed(world, 501)
    world.bridge.integrations.disconnect(world.tenant, world.integration_id)
    world.stripe.calls.clear()

    confirm(world)
    assert (world.stripe.calls, is_due(world, invoice)) == ([], MIN_DELAY)

    world.connect(world.account_id, into=world.integration_id)
    world.clock.advance(MIN_DELAY)
    confirm(world)
    assert world.invoice(invoice.id).settlement is Settlement.CONFIRMED


def test_a_batch_is_read_at_a_time(world: World):
    unconfirmed(world, *range(501, 501 + BATCH_SIZE + 1))
    assert [confirm(world), confirm(world), confirm(world)] == [BATCH_SIZE, 1, 0]


def test_a_worker_that_stops_reads_no_further_and_leaves_the_rest_to_others(world: World):
    first, second = unconfirmed(world, 501, 502)
    stopping = iter([False, True])

    confirm(world, is_stopping=lambda: next(stopping))

    assert world.invoice(first.id).settlement is Settlement.CONFIRMED
    assert is_due(world, second) == timedelta(0)


def test_a_batch_that_takes_longer_than_its_lease_is_left_to_others(world: World):
    first, second = unconfirmed(world, 501, 502)
    world.stripe.before_next("invoice", lambda: world.clock.advance(LEASE))

    confirm(world)

    assert world.invoice(first.id).settlement is Settlement.CONFIRMED
    assert is_due(world, second) == timedelta(0)


def test_what_a_worker_claimed_before_it_died_is_read_when_its_lease_ends(world: World):
    (invoice,) = unconfirmed(world, 501)
    world.stripe.before_next("invoice", lambda: setattr(world.store, "is_available", False))
    with pytest.raises(StoreUnavailable):
        confirm(world)
    world.store.is_available = True
    assert confirm(world) == 0

    world.clock.advance(LEASE)
    assert confirm(world) == 1
    assert world.invoice(invoice.id).settlement is Settlement.CONFIRMED
