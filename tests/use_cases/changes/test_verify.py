"""A log is in order, or the first number that is wrong is named."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.domain.changes.change import ChangeType
from stripe_bridge.domain.changes.verification import FaultKind, Position
from stripe_bridge.use_cases.changes import walk
from stripe_bridge.use_cases.changes.verify import LogReport, VerifyChanges
from tests.builders import TENANT, an_integration
from tests.use_cases.changes.logs import alter, length, remove, used
from tests.world import World


def verify(world: World, held: Position | None = None) -> LogReport:
    report: LogReport
    (report,) = world.bridge.changes.verify(world.tenant, held)
    return report


def first_fault(world: World) -> tuple[FaultKind, int | None]:
    fault = verify(world).faults[0]
    return fault.kind, fault.sequence


def test_what_the_service_itself_has_recorded_is_in_order(world: World):
    used(world)
    report = verify(world)
    assert (report.faults, report.unrecorded) == ([], {})
    assert (report.position.sequence, report.entries) == (length(world), length(world))
    assert report.objects > 3


@pytest.mark.parametrize("entries_a_step", [2, 3, 1000])
def test_pages_make_no_difference(world: World, monkeypatch: pytest.MonkeyPatch, entries_a_step: int):
    monkeypatch.setattr(walk, "ENTRIES_A_STEP", entries_a_step)
    monkeypatch.setattr(walk, "ORDERS_A_STEP", 1)
    used(world)
    world.paid(502)
    assert verify(world).faults == []
    remove(world, 4)
    assert first_fault(world) == (FaultKind.MISSING, 4)


def test_the_first_number_that_is_wrong_is_named(world: World):
    used(world)
    last = length(world)
    remove(world, last)
    assert first_fault(world) == (FaultKind.TRUNCATED, last)
    alter(world, 3, type=ChangeType.INVOICE_VOIDED)
    assert first_fault(world) == (FaultKind.MODIFIED, 3)
    remove(world, 2)
    assert first_fault(world) == (FaultKind.MISSING, 2)


def test_what_somebody_holds_is_where_it_begins(world: World):
    used(world)
    before = verify(world).position
    world.paid(502)
    after = verify(world, before)
    assert after.faults == []
    assert 0 < after.entries == after.position.sequence - before.sequence


def test_what_somebody_holds_and_the_log_does_not_is_a_fault(world: World):
    used(world)
    last = length(world)
    (fault,) = verify(world, Position(3, "f" * 64)).faults
    assert (fault.kind, fault.sequence) == (FaultKind.MODIFIED, 3)
    (fault,) = verify(world, Position(last + 5, "f" * 64)).faults
    assert (fault.kind, fault.sequence) == (FaultKind.TRUNCATED, last + 1)


def test_an_object_that_was_changed_past_the_log_is_a_fault_of_its_newest_entry(world: World):
    invoice = used(world)
    tables = world.store.committed
    tables.invoices.rows = {**tables.invoices.rows, invoice.id: replace(invoice, amount_paid=1)}
    faults = verify(world).faults
    assert [fault.kind for fault in faults] == [FaultKind.MODIFIED]
    assert f"invoice {invoice.id} has another amount_paid" in faults[0].what


def test_all_logs_are_verified_each_by_itself(world: World):
    used(world)
    with world.store.writing() as work:
        work.integrations.add(an_integration(tenant_id="other", account_id="acct_other"))
        work.commit()
    remove(world, 2)
    found = {report.tenant_id: len(report.faults) for report in world.bridge.changes.verify()}
    assert found[world.tenant] == 1
    assert found["other"] == 0


def test_others_may_write_meanwhile(sqlite_url: str):
    """Each page sees one state, so that the log's end and its head fit, whatever is committed between two pages."""
    store = SqlStore(create_engine(sqlite_url, pool_size=10))
    verify = VerifyChanges(store)

    def write(number: int) -> None:
        with store.writing() as work:
            work.integrations.add(an_integration(account_id=f"acct_{number}"))
            work.commit()

    with ThreadPoolExecutor(3) as pool:
        writing = [pool.submit(write, number) for number in range(100)]
        reports: list[LogReport] = []
        while not all(each.done() for each in writing):
            reports += verify(TENANT)
    reports += verify(TENANT)
    store.close()
    assert all(not report.faults for report in reports)
    assert reports[-1].position.sequence == 100
