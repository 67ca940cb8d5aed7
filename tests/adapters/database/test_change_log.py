"""The change log in a database: what an earlier release has written, and what nobody may change."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.domain.changes.entry import GENESIS, chain
from stripe_bridge.domain.invoice import InvoiceStatus
from tests.builders import an_integration
from tests.contracts.storage.test_changes import assert_whole, entries
from tests.contracts.stored import stored_integration, stored_invoice
from tests.waiting import wait_until

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.servers)])
def store(request: pytest.FixtureRequest) -> Iterator[SqlStore]:
    store = SqlStore(create_engine(request.getfixturevalue(f"{request.param}_url")))
    yield store
    store.close()


@pytest.mark.parametrize(
    ("logged", "expected"), [("NULL", "invoice.created"), ("logged_version - 1", "invoice.updated")]
)
def test_what_an_earlier_release_has_written_is_recorded_with_the_first_save(store, logged, expected):
    invoice = stored_invoice(store, status=InvoiceStatus.OPEN)
    recorded = len(entries(store))
    with store.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE invoices SET logged_version = {logged}")
    with store.writing() as work:
        work.invoices.find(invoice.id)
        work.invoices.save(replace(invoice, status=InvoiceStatus.PAID))
        work.commit()
    caught_up, paid = (entry.shown() for entry in entries(store)[recorded:])
    assert (caught_up["type"], caught_up["cause"]) == (expected, {"job": "migration"})
    assert caught_up["object"]["status"] == "open"
    assert paid["type"] == "invoice.paid"
    assert_whole(store)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM changes",
        "UPDATE changes SET hash = 'x'",
        "UPDATE changes SET signed = content",
        "UPDATE changes SET sequence = sequence + 1",
        "UPDATE changes SET content = signed",
        "UPDATE changes SET salt = 'other'",
        "UPDATE changes SET content = NULL",
    ],
)
def test_the_database_refuses_to_change_an_entry(store: SqlStore, statement: str):
    stored_integration(store)
    with (
        pytest.raises(sqlalchemy.exc.DBAPIError, match="never changed"),
        store.engine.begin() as connection,
    ):
        connection.exec_driver_sql(statement)
    assert_whole(store)


def test_an_object_may_be_purged_with_its_salt(store: SqlStore):
    stored_integration(store)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE changes SET content = NULL, salt = NULL")
    (entry,) = entries(store)
    assert entry.shown()["object"] is None
    assert chain(GENESIS, entry.signed) == entry.hash


@pytest.mark.servers
def test_an_entry_has_a_time_after_that_of_the_one_it_has_waited_for(postgres_url: str):
    store = SqlStore(create_engine(postgres_url))
    invoice = stored_invoice(store, status=InvoiceStatus.OPEN)

    def pay() -> None:
        with store.writing() as work:
            work.invoices.find(invoice.id)
            work.invoices.save(replace(invoice, status=InvoiceStatus.PAID))
            work.commit()

    with ThreadPoolExecutor(1) as threads:
        with store.engine.begin() as before:
            before.exec_driver_sql("UPDATE change_heads SET oldest = oldest")
            paying = threads.submit(pay)
            with store.engine.connect() as watch:
                wait_until(lambda: watch.exec_driver_sql(WAITING).scalar_one())
            committed_at = before.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        paying.result()
    assert entries(store)[-1].occurred_at > committed_at
    assert_whole(store)
    store.close()


def test_a_log_that_begins_leaves_what_another_tenants_order_has_settled(store: SqlStore):
    invoice = stored_invoice(store, status=InvoiceStatus.PAID)
    with store.writing() as work:
        work.invoices.find(invoice.id)
        work.invoices.save(replace(invoice, number="A-1"))
        work.integrations.add(an_integration(tenant_id="new", account_id="acct_2"))
        work.commit()
    assert entries(store)[-1].shown()["sales_order"]["settled_in_cents"] == invoice.amount
    assert_whole(store)
    assert_whole(store, "new")
