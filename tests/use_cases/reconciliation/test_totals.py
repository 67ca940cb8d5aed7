"""Totals that lists show are verified against the rows. What databases add is in the tests of their repository."""

import pytest

from stripe_bridge.ports.storage.totals import HOURS, TotalError
from stripe_bridge.use_cases.reconciliation.totals import CompactTotals, VerifyTotals
from tests.fakes.storage.tables import Tables
from tests.fakes.storage.totals import FakeTotals
from tests.fakes.storage.unit_of_work import FakeStore, FakeUnitOfWork

EVENTS = TotalError(of="event", by=(7, "received"), number=-3)
SENT = TotalError(of=HOURS, by=(7, "2026-11-23T12:00Z", "sent", ""), number=1)
INVOICES = TotalError(of="invoice", by=(7, "open"), number=2)


class Totals(FakeTotals):
    """Wrong ones, by integration, and changes that are folded two at a time."""

    def __init__(self, wrong: dict[int, list[TotalError]], changes: int = 0) -> None:
        super().__init__(Tables())
        self.wrong, self.changes = wrong, changes

    def compact(self) -> bool:
        self.changes = max(0, self.changes - 2)
        return self.changes > 0

    def errors(self, integration_id: int) -> list[TotalError]:
        return list(self.wrong.get(integration_id, ()))

    def correct(self, errors: object) -> None:
        for integration_id, wrong in self.wrong.items():
            if wrong == errors:
                self.wrong[integration_id] = []


class UnitOfWork(FakeUnitOfWork):
    def __enter__(self) -> "UnitOfWork":
        super().__enter__()
        assert isinstance(self._store, Store)
        self.totals = self._store.totals
        return self


class Store(FakeStore):
    def __init__(self, totals: Totals) -> None:
        super().__init__()
        self.totals = totals

    def reading(self) -> UnitOfWork:
        return UnitOfWork(self, writable=False)

    def writing(self) -> UnitOfWork:
        return UnitOfWork(self, writable=True)


def test_wrong_totals_are_corrected_once_counted_and_logged(caplog: pytest.LogCaptureFixture):
    store = Store(Totals({7: [EVENTS, INVOICES], 8: [EVENTS]}))

    assert VerifyTotals(store)(7) == 2

    assert store.totals.wrong == {7: [], 8: [EVENTS]}, "Only the integration's own."
    (record,) = [each for each in caplog.records if each.msg == "totals corrected"]
    assert (vars(record)["integration_id"], vars(record)["totals"]) == (7, 2)
    assert VerifyTotals(store)(7) == 0


def test_hours_that_were_not_summed_up_yet_are_and_that_is_no_fault(caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO")
    store = Store(Totals({7: [SENT]}))

    assert VerifyTotals(store)(7) == 0

    assert store.totals.wrong == {7: []}
    assert [(each.levelname, each.msg) for each in caplog.records] == [("INFO", "hourly sums corrected")]


def test_right_totals_need_no_writing_transaction():
    store = Store(Totals({}))

    assert VerifyTotals(store)(7) == 0

    assert store.commits == 0


def test_compacting_says_whether_there_is_more():
    store = Store(Totals({}, changes=5))

    assert [CompactTotals(store)() for _ in range(3)] == [True, True, False]
