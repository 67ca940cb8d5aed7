"""The doctor says for which invoices Stripe showed less than an event had said."""

from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.domain.finding import Finding, Severity
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.settlement import CONFIRM_AFTER, MAX_DELAY
from tests.builders import AMOUNT, an_order_line
from tests.world import World


@pytest.fixture
def world() -> World:
    world = World()
    world.connect()
    return world


def findings(world: World) -> list[Finding]:
    return [each for each in world.bridge.operations.diagnose() if each.subject == "settlements"]


def told(world: World, invoice: Invoice, status: InvoiceStatus) -> None:
    """As if an event had said so."""
    with world.store.writing() as work:
        known = work.invoices.lock(invoice.id)
        assert known is not None
        paid = known.amount if status is InvoiceStatus.PAID else 0
        due_at = world.clock.now() + CONFIRM_AFTER
        work.invoices.save(replace(known, status=status, amount_paid=paid, confirm_due_at=due_at))
        work.commit()


def confirm(world: World) -> None:
    world.bridge.reconciliation.confirm_settlements()


def test_what_was_confirmed_is_no_finding(world: World):
    world.paid()
    world.clock.advance(CONFIRM_AFTER)
    confirm(world)
    assert findings(world) == []


def test_what_was_corrected_is_found_for_a_week(world: World):
    invoice = world.sent()
    told(world, invoice, InvoiceStatus.PAID)
    world.clock.advance(CONFIRM_AFTER)
    confirm(world)

    (finding,) = findings(world)

    assert finding.severity is Severity.WARNING
    assert finding.what.startswith(f"1 invoice ({invoice.id}) corrected")
    assert "stripe-bridge receivers register" in finding.remedy
    world.clock.advance(timedelta(days=7, seconds=1))
    assert findings(world) == []


def test_what_was_left_as_it_is_is_found_until_it_is_resolved(world: World):
    first = world.sent()
    told(world, first, InvoiceStatus.PAID)
    world.clock.advance(timedelta(seconds=1))
    world.put_order(total=2 * AMOUNT, lines=(an_order_line(2 * AMOUNT),), source_updated_at=world.clock.now())
    second = world.send().view.invoice
    world.clock.advance(CONFIRM_AFTER)
    confirm(world)

    for _ in range(10):
        (finding,) = findings(world)
        assert finding.severity is Severity.ERROR
        assert finding.what.startswith(f"1 invoice ({first.id}) more settled here than at Stripe")
        world.clock.advance(timedelta(days=1))
        confirm(world)

    world.bridge.invoices.void(world.tenant, second.id)
    world.clock.advance(MAX_DELAY)
    confirm(world)
    (finding,) = findings(world)
    assert finding.severity is Severity.WARNING, "It was corrected then."


def test_of_many_only_some_are_named(world: World):
    for number in range(12):
        told(world, world.sent(501 + number), InvoiceStatus.PAID)
    world.clock.advance(CONFIRM_AFTER)
    confirm(world)

    (finding,) = findings(world)

    assert finding.what.startswith("12 invoices (")
    assert ", …)" in finding.what
