"""The recorder: each save is a change, if it shows."""

from dataclasses import replace

import pytest

from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.changes.recorder import LogState, NotRead, Recorder
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.origin import MIGRATION, SERVICE, by_stripe
from tests.builders import NOW, an_invoice

OPEN = an_invoice(id=7, status=InvoiceStatus.OPEN, version=3)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(SERVICE)


def names(recorder: Recorder) -> list[str]:
    return [change.type.value for change in recorder.changes]


def test_each_save_is_a_change_with_the_cause_of_its_own_event(recorder: Recorder):
    recorder.read(OPEN)
    recorder.origin = by_stripe("acct_1", "evt_1")
    part = replace(OPEN, amount_paid=100, version=4)
    recorder.saved(part)
    recorder.origin = by_stripe("acct_1", "evt_2")
    recorder.saved(replace(part, status=InvoiceStatus.PAID, amount_paid=part.amount, version=5))
    assert names(recorder) == ["invoice.partially_paid", "invoice.paid"]
    first, second = recorder.changes
    assert first.changed["amount_paid"] == [0, 100]
    assert second.changed["amount_paid"] == [100, OPEN.amount]
    assert second.changed["status"] == ["open", "paid"]
    assert [change.origin.cause["stripe_event_id"] for change in recorder.changes] == ["evt_1", "evt_2"]
    assert [change.object["status"] for change in recorder.changes] == ["open", "paid"]


def test_what_does_not_show_is_no_change(recorder: Recorder):
    recorder.read(OPEN)
    recorder.saved(replace(OPEN, hosted_invoice_url="https://pay.example/new", updated_at=NOW, version=4))
    assert recorder.changes == []


def test_what_was_not_read_cannot_be_saved(recorder: Recorder):
    with pytest.raises(NotRead, match="invoice 7"):
        recorder.saved(OPEN)


def test_an_earlier_state_that_is_read_again_is_not_taken_for_the_last_one(recorder: Recorder):
    recorder.read(OPEN)
    paid = replace(OPEN, status=InvoiceStatus.PAID, version=4)
    recorder.saved(paid)
    recorder.read(OPEN)
    recorder.saved(replace(paid, amount_refunded=5, version=5))
    assert names(recorder) == ["invoice.paid", "invoice.updated"]


def test_what_was_read_anew_counts_if_nothing_was_saved_yet(recorder: Recorder):
    recorder.read(OPEN)
    recorder.read(replace(OPEN, amount_paid=100, version=4))
    recorder.saved(replace(OPEN, amount_paid=200, version=5))
    assert recorder.changes[0].changed["amount_paid"] == [100, 200]


@pytest.mark.parametrize(
    ("state", "name"),
    [(LogState.MISSING, ChangeType.INVOICE_CREATED), (LogState.OUTDATED, ChangeType.INVOICE_UPDATED)],
)
def test_what_the_log_does_not_have_is_recorded_first_as_it_was(recorder: Recorder, state, name):
    recorder.read(OPEN, state)
    recorder.saved(replace(OPEN, status=InvoiceStatus.PAID, version=4))
    before, after = recorder.changes
    assert (before.type, before.origin, before.object["status"]) == (name, MIGRATION, "open")
    assert (after.type, after.origin) == (ChangeType.INVOICE_PAID, SERVICE)
    # Only once.
    recorder.saved(replace(OPEN, status=InvoiceStatus.PAID, amount_refunded=1, version=5))
    assert names(recorder)[2:] == ["invoice.updated"]


def test_an_old_object_is_recorded_even_if_what_changes_does_not_show(recorder: Recorder):
    recorder.read(OPEN, LogState.MISSING)
    recorder.saved(replace(OPEN, updated_at=NOW, version=4))
    assert names(recorder) == ["invoice.created"]
