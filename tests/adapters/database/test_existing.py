"""What was there before the change log is recorded, once, while others go on."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.adapters.database.existing_kinds import EXISTING_KINDS
from stripe_bridge.adapters.database.mapping import LOGGED
from stripe_bridge.adapters.database.tables.base import Row
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.ports.storage.changes import Backfill
from stripe_bridge.use_cases.changes.existing import RecordExisting, ShowBackfill
from tests.builders import NOW, TENANT, a_dispute, a_refund
from tests.contracts.storage.test_changes import assert_whole, entries
from tests.contracts.stored import stored_invoice
from tests.fakes.system import FrozenClock

TABLES = ("integrations", "sales_orders", "invoices", "refunds", "disputes")
KINDS = ["integration", "sales_order", "invoice", "refund", "dispute"]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.servers)])
def store(request: pytest.FixtureRequest) -> Iterator[SqlStore]:
    store = SqlStore(create_engine(request.getfixturevalue(f"{request.param}_url")))
    yield store
    store.close()


def as_before_the_log(store: SqlStore) -> None:
    """The tables as a release without the log would have left them."""
    with store.engine.begin() as connection:
        for table in TABLES:
            name = "logged_updated_at" if table == "sales_orders" else "logged_version"
            connection.exec_driver_sql(f"UPDATE {table} SET {name} = NULL")
        for trigger in ("changes_are_final", "changes_are_final_update", "changes_are_final_delete"):
            on = " ON changes" if store.engine.dialect.name == "postgresql" else ""
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {trigger}{on}")
        connection.exec_driver_sql("DELETE FROM changes")
        connection.exec_driver_sql("DELETE FROM change_heads")


def some_objects(store: SqlStore) -> None:
    for number in range(3):
        invoice = stored_invoice(store, status=InvoiceStatus.PAID, sales_order_id=500 + number)
        with store.writing() as work:
            work.refunds.add(
                a_refund(invoice_id=invoice.id, reference=f"r{number}", stripe_refund_id=f"re_{number}")
            )
            work.disputes.put(a_dispute(invoice_id=invoice.id, stripe_id=f"dp_{number}"))
            work.commit()


def run_until_none_is_due(store: SqlStore, clock: FrozenClock) -> None:
    record = RecordExisting(store, clock)
    while record():
        pass


def is_complete(store: SqlStore) -> bool:
    with store.reading() as work:
        head = work.changes.head(TENANT)
    assert head is not None
    return head.is_complete


def test_no_table_of_which_the_log_has_the_objects_is_left_out():
    recorded = {
        table.name for table in Row.metadata.sorted_tables if any(LOGGED in column.name for column in table.c)
    }
    assert {mapper.table.name for mapper in EXISTING_KINDS.values()} == recorded == set(TABLES)


def test_everything_is_recorded_once_as_created_by_the_migration(store: SqlStore):
    some_objects(store)
    as_before_the_log(store)
    clock = FrozenClock(NOW)

    run_until_none_is_due(store, clock)

    found = entries(store)
    assert [entry.subject_type.value for entry in found] == sorted(
        (entry.subject_type.value for entry in found), key=KINDS.index
    )
    assert {entry.subject_type.value for entry in found} == set(KINDS)
    assert len({(entry.subject_type, entry.subject_id) for entry in found}) == len(found)
    assert {entry.shown()["cause"]["job"] for entry in found} == {"migration"}
    assert_whole(store)
    assert is_complete(store)
    assert ShowBackfill(store)() == Backfill(is_complete=True, recorded=len(found))

    clock.advance(timedelta(days=1, minutes=1))
    run_until_none_is_due(store, clock)
    assert len(entries(store)) == len(found)


def test_it_is_not_complete_before_a_whole_pass_found_nothing(store: SqlStore):
    some_objects(store)
    as_before_the_log(store)
    record = RecordExisting(store, FrozenClock(NOW))
    record()
    assert not is_complete(store)
    assert not ShowBackfill(store)().is_complete


def test_what_an_earlier_release_writes_meanwhile_is_found_by_a_later_pass(store: SqlStore):
    some_objects(store)
    as_before_the_log(store)
    clock = FrozenClock(NOW)
    run_until_none_is_due(store, clock)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE invoices SET version = version + 1, number = 'OLD-1' WHERE id = 1")
    recorded = len(entries(store))

    clock.advance(timedelta(minutes=11))
    run_until_none_is_due(store, clock)

    (caught_up,) = entries(store)[recorded:]
    shown = caught_up.shown()
    assert (shown["type"], shown["object"]["number"], shown["cause"]) == (
        "invoice.updated",
        "OLD-1",
        {"job": "migration"},
    )


def test_a_log_that_begins_later_is_complete_from_the_start(store: SqlStore):
    run_until_none_is_due(store, FrozenClock(NOW))
    some_objects(store)
    assert is_complete(store)


def test_it_gets_along_with_writers(store: SqlStore):
    some_objects(store)
    as_before_the_log(store)

    def write(invoice_id: int) -> None:
        for _ in range(20):
            with store.writing() as work:
                invoice = work.invoices.lock(invoice_id)
                assert invoice is not None
                work.invoices.save(replace(invoice, amount_refunded=invoice.amount_refunded + 1))
                work.commit()

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, invoice_id) for invoice_id in (3, 1, 2)]
        recording = pool.submit(run_until_none_is_due, store, FrozenClock(NOW))
        for each in (*writers, recording):
            each.result()
    created = [entry.subject_id for entry in entries(store) if entry.type == "invoice.created"]
    assert sorted(created) == ["1", "2", "3"]
    assert_whole(store)
