"""Invoices that are overdue."""

from datetime import timedelta

from tests.world import World


def names(world: World) -> list[str]:
    with world.store.reading() as work:
        return [entry.type.value for entry in work.changes.page(world.tenant, 0, 1000)]


def test_it_is_noted_once_that_a_due_date_has_passed(world: World):
    invoice = world.sent()
    assert invoice.due_date is not None
    assert world.bridge.invoices.note_overdue() == 0
    world.clock.advance(invoice.due_date - world.clock.now() + timedelta(seconds=1))

    assert world.bridge.invoices.note_overdue() == 1
    assert world.bridge.invoices.note_overdue() == 0

    assert names(world).count("invoice.overdue") == 1
    assert world.invoice(invoice.id).overdue_for == invoice.due_date


def test_what_was_paid_in_time_is_never_overdue(world: World):
    invoice = world.paid()
    world.clock.advance(timedelta(days=400))
    assert world.bridge.invoices.note_overdue() == 0
    assert world.invoice(invoice.id).overdue_for is None


def test_nothing_more_is_noted_when_the_process_is_to_stop(world: World):
    world.sent()
    world.clock.advance(timedelta(days=400))
    assert world.bridge.invoices.note_overdue(lambda: True) == 1
    assert "invoice.overdue" not in names(world)
